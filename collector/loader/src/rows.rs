//! Which table a record belongs to, and its row there.

use crate::rowbinary::Encoder;
use kerf_events::{Attributes, Key, Kind, Label, Record, Unit};

/// Where in Kafka a message lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// A raw table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Metric,
    Exposure,
    Diagnostic,
}

impl Table {
    /// Every table, in the order in which a batch is inserted.
    pub(crate) const ALL: [Self; 3] = [Self::Metric, Self::Exposure, Self::Diagnostic];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metric => "raw_metric",
            Self::Exposure => "raw_exposure",
            Self::Diagnostic => "raw_diagnostic",
        }
    }

    /// The statement that rows are sent with; its columns are in the order in which [`Rows::push`] encodes them.
    pub(crate) fn insert(self) -> String {
        let columns = match self {
            Self::Metric => {
                "unit, metric, ts, event_id, value, received_at, properties, k_partition, k_offset"
            }
            Self::Exposure => {
                "unit, experiment_id, variant, ts, event_id, received_at, country, platform, device, context, \
                 k_partition, k_offset"
            }
            Self::Diagnostic => {
                "experiment_id, name, ts, unit, event_id, received_at, properties, k_partition, k_offset"
            }
        };
        format!("insert into {} ({columns}) format RowBinary", self.name())
    }
}

/// Rows of the raw tables, encoded.
#[derive(Default)]
pub(crate) struct Rows {
    encoded: [(Vec<u8>, usize); 3],
}

impl Rows {
    /// Encodes the row of a record.
    pub(crate) fn push(&mut self, record: Record<'_>, place: Place) {
        let Record { event_id, unit, ts, received_at, kind } = record;
        let unit = unit.map_or([0; 16], |Unit(bytes)| bytes);
        let partition = u16::try_from(place.partition).unwrap_or(u16::MAX);
        let offset = u64::try_from(place.offset).unwrap_or_default();
        let [metrics, exposures, diagnostics] = &mut self.encoded;
        let (rest, rows) = match kind {
            Kind::Metric { experiment, metric, value, properties } => {
                let row = Encoder(&mut metrics.0).fixed(&unit);
                let row =
                    metric_name(row, experiment.as_ref(), &metric).millis(ts.0).uuid(event_id.0).float(value);
                (row.millis(received_at.0).map(properties.iter()), &mut metrics.1)
            }
            Kind::Exposure { experiment, variant, context } => {
                let row =
                    Encoder(&mut exposures.0).fixed(&unit).text(experiment.as_str()).text(variant.as_str());
                let row = row.millis(ts.0).uuid(event_id.0).millis(received_at.0);
                (context_columns(row, context), &mut exposures.1)
            }
            Kind::Diagnostic { experiment, name, properties } => {
                let experiment = experiment.as_ref().map_or("", Key::as_str);
                let row = Encoder(&mut diagnostics.0).text(experiment).text(name.as_str()).millis(ts.0);
                let row = row.fixed(&unit).uuid(event_id.0).millis(received_at.0);
                (row.map(properties.iter()), &mut diagnostics.1)
            }
        };
        rest.u16(partition).u64(offset);
        *rows += 1;
    }

    /// Each table with its encoded rows and their number, in the order of insertion.
    pub(crate) fn into_tables(self) -> impl Iterator<Item = (Table, Vec<u8>, usize)> {
        Table::ALL.into_iter().zip(self.encoded).map(|(table, (encoded, rows))| (table, encoded, rows))
    }

    /// Rows of all tables.
    pub(crate) fn len(&self) -> usize {
        self.encoded.iter().map(|(_, rows)| rows).sum()
    }
}

/// A metric that counts for one experiment alone is stored under the name of both.
fn metric_name<'e>(row: Encoder<'e>, experiment: Option<&Key<'_>>, metric: &Label<'_>) -> Encoder<'e> {
    match experiment {
        Some(experiment) => row.texts(&[experiment.as_str(), "/", metric.as_str()]),
        None => row.text(metric.as_str()),
    }
}

/// The three segments have columns of their own, which are empty when unknown; the rest stays a map.
fn context_columns<'e>(row: Encoder<'e>, mut context: Attributes<'_>) -> Encoder<'e> {
    let segments = ["country", "platform", "device"].map(|name| context.take(name).unwrap_or_default());
    segments.iter().fold(row, |row, segment| row.text(segment)).map(context.iter())
}
