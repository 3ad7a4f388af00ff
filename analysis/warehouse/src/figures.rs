//! Reading: the newest statistics of an experiment, as inputs of `kerf-stats`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kerf_stats::{Inconclusive, Mean, Pair, PairSums, Proportion};
use serde::Deserialize;

use crate::{
    clickhouse::{ClickHouse, ClickHouseError, literal},
    state,
};

/// An attribute of the first exposure by which results can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The country of the visitor, ISO 3166 where the edge knew it.
    Country,
    /// The platform, such as `web`.
    Platform,
    /// The device class, such as `mobile`.
    Device,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 3] = [Self::Country, Self::Platform, Self::Device];

    /// Its name in queries, answers and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Platform => "platform",
            Self::Device => "device",
        }
    }

    /// The dimension of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }
}

/// One metric over the exposed units of one arm; units without events are in it as zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricSums {
    /// Units with an event of a value other than 0 at or after their first exposure.
    pub converted: u64,
    /// `y`: a unit's total from its first exposure on; `x`: its total in the week before.
    pub sums: PairSums,
}

impl MetricSums {
    /// Converted units of all units.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if more units converted than were exposed.
    pub fn proportion(&self) -> Result<Proportion, Inconclusive> {
        Proportion::new(self.sums.units, self.converted)
    }

    /// The unit totals after exposure.
    ///
    /// # Errors
    /// As [`Mean::from_sums`].
    pub fn mean(&self) -> Result<Mean, Inconclusive> {
        Mean::from_sums(self.sums.units, self.sums.first, self.sums.first_squared)
    }

    /// The unit totals after exposure with those of the week before as the covariate.
    ///
    /// # Errors
    /// As [`Pair::from_sums`].
    pub fn with_covariate(&self) -> Result<Pair, Inconclusive> {
        Pair::from_sums(self.sums)
    }
}

/// One variant of one slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// Units exposed to this variant and to no other.
    pub units: u64,
    /// Its metrics by name.
    pub metrics: BTreeMap<String, MetricSums>,
}

/// All units, or those of one segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// The arms by variant, as events named them.
    pub arms: BTreeMap<String, Arm>,
    /// Units that were seen in more than one variant; they are in no arm.
    pub multi_exposed: u64,
}

/// The newest statistics of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// When they were computed.
    pub built_at: Timestamp,
    /// Everything that was stored by then is in them.
    pub as_of: Timestamp,
    /// All exposed units.
    pub all: Slice,
    /// The segments of the dimension that was asked for, by value; an unknown value is the empty text.
    pub segments: BTreeMap<String, Slice>,
    /// Diagnostic events by name.
    pub diagnostics: BTreeMap<String, u64>,
}

/// The reader of one database.
#[derive(Clone, Debug)]
pub struct Reader {
    clickhouse: ClickHouse,
}

#[derive(Deserialize)]
struct CellRow {
    dimension: String,
    value: String,
    variant: Option<String>,
    units: u64,
    metrics: Vec<(String, u64, f64, f64, f64, f64, f64)>,
}

#[derive(Deserialize)]
struct DiagnosticRow {
    name: String,
    events: u64,
}

impl Reader {
    /// Reads from this database.
    #[must_use]
    pub fn new(clickhouse: ClickHouse) -> Self {
        Self { clickhouse }
    }

    /// The newest statistics of an experiment; `None` before the builder has first looked at it.
    ///
    /// # Errors
    /// See [`ClickHouseError`].
    pub async fn figures(
        &self,
        experiment: &str,
        dimension: Option<Dimension>,
    ) -> Result<Option<Figures>, ClickHouseError> {
        // Read first, so that `as_of` never claims more than the rows that follow contain.
        let Some(build) = state::experiment_build(&self.clickhouse, experiment).await? else {
            return Ok(None);
        };
        let cells = self.cells(experiment, dimension).await?;
        let diagnostics = self.diagnostics(experiment).await?;
        let mut figures = Figures {
            built_at: build.built_at,
            as_of: build.as_of,
            all: Slice::default(),
            segments: BTreeMap::new(),
            diagnostics,
        };
        for cell in cells {
            let slice = if cell.dimension == "all" {
                &mut figures.all
            } else {
                figures.segments.entry(cell.value.clone()).or_default()
            };
            slice.add(cell);
        }
        Ok(Some(figures))
    }

    async fn cells(
        &self,
        experiment: &str,
        dimension: Option<Dimension>,
    ) -> Result<Vec<CellRow>, ClickHouseError> {
        let dimensions =
            dimension.map_or_else(String::new, |dimension| format!(", {}", literal(dimension.name())));
        // Rows hold what each day adds; their sum is the statistic of the whole run.
        self.clickhouse
            .rows(format!(
                "select dimension, value, variant, any(total) as units,
                   groupArray((metric, converted, y, yy, x, xx, xy)) as metrics
                 from (
                   select dimension, value, variant, metric, sum(units) as total, sum(converted) as converted,
                     sum(y) as y, sum(yy) as yy, sum(x) as x, sum(xx) as xx, sum(xy) as xy
                   from experiment_stats
                   array join `m.metric` as metric, `m.converted` as converted, `m.y` as y, `m.yy` as yy,
                     `m.x` as x, `m.xx` as xx, `m.xy` as xy
                   where experiment_id = {} and dimension in ('all'{dimensions})
                   group by dimension, value, variant, metric
                 )
                 group by dimension, value, variant",
                literal(experiment)
            ))
            .await
    }

    async fn diagnostics(&self, experiment: &str) -> Result<BTreeMap<String, u64>, ClickHouseError> {
        let rows: Vec<DiagnosticRow> = self
            .clickhouse
            .rows(format!(
                "select name, sum(events) as events from diagnostic_day where experiment_id = {} group by name",
                literal(experiment)
            ))
            .await?;
        Ok(rows.into_iter().map(|row| (row.name, row.events)).collect())
    }
}

impl Slice {
    fn add(&mut self, cell: CellRow) {
        let Some(variant) = cell.variant else {
            self.multi_exposed = cell.units;
            return;
        };
        let metrics = cell.metrics.into_iter().map(|(name, converted, y, yy, x, xx, xy)| {
            let sums = PairSums {
                units: cell.units,
                first: y,
                second: x,
                first_squared: yy,
                second_squared: xx,
                product: xy,
            };
            (name, MetricSums { converted, sums })
        });
        self.arms.insert(variant, Arm { units: cell.units, metrics: metrics.collect() });
    }
}
