//! Recorded visits for `kerf replay`: the real ones where they are, and generated ones whose answer is counted the slow way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};

/// The file with the answer to the real recording; `landing_page.py` beside it makes it.
#[must_use]
pub fn landing_page_answer() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/landing_page.json")
}

/// The folder of the real recording, which is not in the repository; `None` where it is missing.
#[must_use]
pub fn landing_page() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/landing_page");
    folder.join("visits.csv").exists().then_some(folder)
}

struct Person {
    groups: BTreeSet<&'static str>,
    converted: bool,
    country: &'static str,
}

/// Writes `visits.csv`, `countries.csv` and `answer.json` of a made-up experiment into a folder.
///
/// It has what real recordings have: people who come again, people in both groups, wrong pages, people of few countries.
///
/// # Panics
/// If the files cannot be written.
#[expect(clippy::unwrap_used, reason = "test set-up")]
pub fn write_generated(folder: &Path, people: u32, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut visits = "user_id,timestamp,group,landing_page,converted\n".to_owned();
    let mut countries = "user_id,country\n".to_owned();
    let mut everybody = Vec::new();
    let mut mismatches = 0;
    for user in 0..people {
        let country = ["US", "UK", "CA"].choose(&mut random).copied().unwrap_or("US");
        let mut person = Person { groups: BTreeSet::new(), converted: false, country };
        let usual = random.random_bool(0.5);
        for _ in 0..random.random_range(1..4_u32) {
            let treated = usual ^ random.random_bool(0.02);
            let group = if treated { "treatment" } else { "control" };
            let wrong = random.random_bool(0.03);
            let page = if treated ^ wrong { "new_page" } else { "old_page" };
            let converted = random.random_bool(if treated { 0.2 } else { 0.15 });
            let (day, second) = (random.random_range(2..25), random.random_range(0..86_400_u32));
            let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
            let at = format!(
                "2017-01-{day:02} {hour:02}:{minute:02}:{second:02}.{:06}",
                random.random_range(0..1_000_000)
            );
            writeln!(visits, "{user},{at},{group},{page},{}", u8::from(converted)).unwrap();
            person.groups.insert(group);
            person.converted |= converted;
            mismatches += u32::from(wrong);
        }
        writeln!(countries, "{user},{country}").unwrap();
        everybody.push(person);
    }
    fs::write(folder.join("visits.csv"), visits).unwrap();
    fs::write(folder.join("countries.csv"), countries).unwrap();
    fs::write(folder.join("answer.json"), answer(&everybody, mismatches).to_string()).unwrap();
}

fn answer(everybody: &[Person], mismatches: u32) -> Value {
    let mut slices = Map::new();
    let all: Vec<&Person> = everybody.iter().collect();
    slices.insert("all".to_owned(), figures(&all));
    let mut countries: BTreeMap<&str, Vec<&Person>> = BTreeMap::new();
    for person in everybody {
        countries.entry(person.country).or_default().push(person);
    }
    for (country, people) in countries {
        slices.insert(country.to_owned(), figures(&people));
    }
    json!({ "slices": slices, "diagnostics": { "page_mismatch": mismatches } })
}

/// The textbook formulas, written out: pooled two-proportion z, unpooled interval, chi-square with one degree of freedom.
fn figures(people: &[&Person]) -> Value {
    let arm = |group: &str| {
        let members: Vec<_> = people.iter().filter(|person| person.groups.iter().eq([&group])).collect();
        (members.len() as u64, members.iter().filter(|person| person.converted).count() as u64)
    };
    let ((n, x), (m, y)) = (arm("control"), arm("treatment"));
    let (n_c, x_c, n_t, x_t) = (n as f64, x as f64, m as f64, y as f64);
    let (p_c, p_t, pooled) = (x_c / n_c, x_t / n_t, (x_c + x_t) / (n_c + n_t));
    let difference = p_t - p_c;
    let z = difference / (pooled * (1.0 - pooled) * (1.0 / n_c + 1.0 / n_t)).sqrt();
    let reach = 1.959_963_984_540_054 * (p_c * (1.0 - p_c) / n_c + p_t * (1.0 - p_t) / n_t).sqrt();
    let half = (n_c + n_t) / 2.0;
    let chi_square = ((n_c - half).powi(2) + (n_t - half).powi(2)) / half;
    json!({
        "both": people.iter().filter(|person| person.groups.len() == 2).count(),
        "control": [n, x], "treatment": [m, y], "difference": difference, "lift": difference / p_c, "z": z,
        "p_value": libm::erfc(z.abs() / std::f64::consts::SQRT_2),
        "confidence_interval": [difference - reach, difference + reach],
        "srm_p_value": libm::erfc((chi_square / 2.0).sqrt()),
    })
}
