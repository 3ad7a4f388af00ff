//! Recorded visits: read from two CSV files and moved by whole days to the days before today.

use anyhow::{Context, Result, bail};
use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// One visit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Visit {
    /// Line of the file, which makes the ids of its events.
    pub(super) line: usize,
    pub(super) user: String,
    pub(super) at: DateTime,
    pub(super) variant: Group,
    /// The page that was really served.
    pub(super) page: Group,
    pub(super) converted: bool,
    pub(super) country: String,
}

/// An arm of the recorded experiment, and the page that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Control,
    Treatment,
}

impl Group {
    pub(super) const ALL: [Self; 2] = [Self::Control, Self::Treatment];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Treatment => "treatment",
        }
    }

    pub(super) const fn page(self) -> &'static str {
        match self {
            Self::Control => "old_page",
            Self::Treatment => "new_page",
        }
    }
}

/// Reads `visits.csv` and `countries.csv`.
///
/// # Errors
/// When a file is missing or a line is not a visit, with file and line.
pub(super) fn read(folder: &Path) -> Result<Vec<Visit>> {
    let countries: HashMap<String, String> = rows(&folder.join("countries.csv"), &["user_id", "country"])?
        .into_iter()
        .map(|(_, [user, country])| (user, country))
        .collect();
    let columns = ["user_id", "timestamp", "group", "landing_page", "converted"];
    let file = folder.join("visits.csv");
    let visits = rows(&file, &columns)?.into_iter().map(|(line, fields)| {
        visit(line, fields, &countries).with_context(|| format!("{}:{line}", file.display()))
    });
    visits.collect()
}

fn visit(line: usize, fields: [String; 5], countries: &HashMap<String, String>) -> Result<Visit> {
    let [user, timestamp, group, page, converted] = fields;
    let at = timestamp
        .parse()
        .with_context(|| format!("'{timestamp}' is not a time such as 2017-01-21 22:11:48.556739"))?;
    let named = |text: &str, name: fn(Group) -> &'static str| {
        let known = Group::ALL.map(name).join(" or ");
        Group::ALL
            .into_iter()
            .find(|group| name(*group) == text)
            .with_context(|| format!("'{text}' is not {known}"))
    };
    let converted = match converted.as_str() {
        "0" => false,
        "1" => true,
        other => bail!("converted is 0 or 1, not '{other}'"),
    };
    let country =
        countries.get(&user).with_context(|| format!("user {user} has no line in countries.csv"))?.clone();
    Ok(Visit {
        line,
        at,
        variant: named(&group, Group::name)?,
        page: named(&page, Group::page)?,
        converted,
        country,
        user,
    })
}

/// The lines of a CSV file without quoting, each with its number.
fn rows<const N: usize>(file: &Path, columns: &[&str; N]) -> Result<Vec<(usize, [String; N])>> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read {}; say where the data is with --data", file.display()))?;
    let mut lines = text.lines().enumerate();
    let header = lines.next().map(|(_, header)| header).unwrap_or_default();
    if header != columns.join(",") {
        bail!("{}:1: the columns are '{header}', expected '{}'", file.display(), columns.join(","));
    }
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(at, line)| {
            let fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            let fields: Result<[String; N], _> = fields.try_into();
            fields.map(|fields| (at + 1, fields)).ok().with_context(|| {
                format!("{}:{}: {N} fields are expected, separated by commas", file.display(), at + 1)
            })
        })
        .collect()
}

/// Moves recorded times by the whole days that put the last visit on the day before `today`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift(SignedDuration);

impl Shift {
    /// # Errors
    /// When there are no visits.
    pub(super) fn to_end_yesterday(visits: &[Visit], today: Date) -> Result<Self> {
        let last = visits.iter().map(|visit| visit.at.date()).max().context("there are no visits")?;
        Ok(Self(today.yesterday()?.duration_since(last)))
    }

    /// The moved time, read as UTC, cut to the millisecond.
    ///
    /// # Errors
    /// When it leaves the calendar.
    pub(super) fn apply(self, at: DateTime) -> Result<Timestamp> {
        let moved = TimeZone::UTC.to_timestamp(at.checked_add(self.0)?)?;
        Ok(Timestamp::from_millisecond(moved.as_millisecond())?)
    }

    /// When the first day of the moved visits begins, and when the last has ended.
    ///
    /// # Errors
    /// When there are no visits.
    pub(super) fn period(self, visits: &[Visit]) -> Result<(Timestamp, Timestamp)> {
        let days = || visits.iter().map(|visit| visit.at.date());
        let (first, last) =
            (days().min().context("there are no visits")?, days().max().context("there are no visits")?);
        let start = |date: Date| self.apply(date.at(0, 0, 0, 0));
        Ok((start(first)?, start(last.checked_add(1.day())?)?))
    }
}

/// What the visits of one slice amount to, unit by unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Units seen in one arm only, and those of them that converted.
    pub(super) arms: BTreeMap<&'static str, (u64, u64)>,
    /// Units seen in both arms.
    pub(super) both: u64,
}

impl Counts {
    /// Units in either arm or in both.
    pub(super) fn units(&self) -> u64 {
        self.both + self.arms.values().map(|(units, _)| units).sum::<u64>()
    }
}

/// Counts all visits, and those of each country, under the country's name.
pub(super) fn count(visits: &[Visit]) -> (Counts, BTreeMap<String, Counts>) {
    let mut people: BTreeMap<&str, (Vec<Group>, bool, &str)> = BTreeMap::new();
    for visit in visits {
        let person = people.entry(&visit.user).or_insert_with(|| (Vec::new(), false, &visit.country));
        person.0.push(visit.variant);
        person.1 |= visit.converted;
    }
    let mut all = Counts::default();
    let mut countries: BTreeMap<String, Counts> = BTreeMap::new();
    for (groups, converted, country) in people.into_values() {
        let one = Group::ALL.into_iter().find(|group| groups.iter().all(|seen| seen == group));
        for counts in [&mut all, countries.entry(country.to_owned()).or_default()] {
            match one {
                Some(group) => {
                    let arm = counts.arms.entry(group.name()).or_default();
                    arm.0 += 1;
                    arm.1 += u64::from(converted);
                }
                None => counts.both += 1,
            }
        }
    }
    (all, countries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn parse(visits: &str, countries: &str) -> Result<Vec<Visit>> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("visits.csv"),
            format!("user_id,timestamp,group,landing_page,converted\n{visits}"),
        )
        .unwrap();
        fs::write(folder.path().join("countries.csv"), format!("user_id,country\n{countries}")).unwrap();
        read(folder.path())
    }

    #[test]
    fn a_visit_is_read_and_moved_to_yesterday() {
        let visits = parse("7,2017-01-24 23:59:59.999999,control,new_page,1\n", "7,UK\n").unwrap();
        let visit = &visits[0];
        assert_eq!(
            (visit.variant, visit.page, visit.converted, visit.country.as_str()),
            (Group::Control, Group::Treatment, true, "UK")
        );
        let shift = Shift::to_end_yesterday(&visits, date(2026, 11, 25)).unwrap();
        assert_eq!(shift.apply(visit.at).unwrap().to_string(), "2026-11-24T23:59:59.999Z");
        let (from, to) = shift.period(&visits).unwrap();
        assert_eq!(
            (from.to_string(), to.to_string()),
            ("2026-11-24T00:00:00Z".into(), "2026-11-25T00:00:00Z".into())
        );
    }

    #[test]
    fn a_faulty_line_is_named() {
        let fault = |visits: &str| format!("{:#}", parse(visits, "7,UK\n").unwrap_err());
        assert!(
            fault("7,2017-01-24 10:00:00,control,old_page,2\n").contains("visits.csv:2: converted is 0 or 1")
        );
        assert!(
            fault("7,2017-01-24 10:00:00,other,old_page,1\n").contains("'other' is not control or treatment")
        );
        assert!(fault("7,today,control,old_page,1\n").contains("'today' is not a time"));
        assert!(fault("8,2017-01-24 10:00:00,control,old_page,1\n").contains("user 8 has no line"));
        assert!(fault("7,2017-01-24 10:00:00,control\n").contains("visits.csv:2: 5 fields"));
    }

    #[test]
    fn people_are_counted_once_and_those_in_both_arms_apart() {
        let visits = parse(
            "1,2017-01-02 10:00:00,control,old_page,0\n1,2017-01-03 10:00:00,control,old_page,1\n\
             2,2017-01-02 10:00:00,control,old_page,1\n2,2017-01-03 10:00:00,treatment,new_page,1\n\
             3,2017-01-02 10:00:00,treatment,new_page,0\n",
            "1,US\n2,US\n3,CA\n",
        )
        .unwrap();
        let (all, countries) = count(&visits);
        assert_eq!(
            all,
            Counts { arms: BTreeMap::from([("control", (1, 1)), ("treatment", (1, 0))]), both: 1 }
        );
        assert_eq!(countries["US"], Counts { arms: BTreeMap::from([("control", (1, 1))]), both: 1 });
        assert_eq!(all.units(), 3);
    }
}
