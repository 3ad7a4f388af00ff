//! A t-digest: quantiles of any number of values in a few kilobytes, mergeable.
//!
//! Dunning and Ertl, "Computing extremely accurate quantiles using t-digests" (2019): the merging variant with scale
//! function k₁, so that centroids are small at the ends. Merging sorts and compresses; the answer depends on the
//! order of merges only within the digest's own error.

use serde::{Deserialize, Serialize};

use crate::{Inconclusive, Probability, inconclusive::finite};

/// Values waiting to be compressed, as a multiple of the compression.
const BUFFER: usize = 8;

/// A mergeable sketch of a distribution.
///
/// With compression 200 a quantile p is off by about `0.5 √(p (1 − p)) / 200` in rank on average and twice that at
/// worst, exact for fewer values than centroids, and exact for minimum and maximum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct TDigest {
    compression: f64,
    /// Mean and weight, ascending by mean.
    centroids: Vec<(f64, f64)>,
    /// Single values not yet compressed.
    waiting: Vec<(f64, f64)>,
    count: u64,
    range: Option<(f64, f64)>,
}

#[derive(Deserialize)]
struct Unchecked {
    compression: f64,
    centroids: Vec<(f64, f64)>,
    waiting: Vec<(f64, f64)>,
    count: u64,
    range: Option<(f64, f64)>,
}

impl TryFrom<Unchecked> for TDigest {
    type Error = Inconclusive;

    fn try_from(raw: Unchecked) -> Result<Self, Inconclusive> {
        let Unchecked { compression, mut centroids, waiting, count, range } = raw;
        let wrong = Err(Inconclusive::OutOfDomain { what: "centroids of a digest" });
        let (least, most) = range.unwrap_or((0.0, 0.0));
        let rounding = 1e-9 * (most - least);
        let inside = |(mean, weight): &(f64, f64)| {
            (least - rounding..=most + rounding).contains(mean) && weight.is_finite() && *weight > 0.0
        };
        if range.is_some() != (count > 0) || !(least.is_finite() && most.is_finite()) {
            return wrong;
        }
        let all = || centroids.iter().chain(&waiting);
        let total: f64 = all().map(|centroid| centroid.1).sum();
        if !all().all(inside) || (total - count as f64).abs() > 1e-9 * total {
            return wrong;
        }
        centroids.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Self { centroids, waiting, count, range, ..Self::new(compression)? })
    }
}

impl TDigest {
    /// An empty digest; `compression` bounds the number of centroids (100 to 1,000 is usual).
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] unless it lies in 10 to 100,000.
    pub fn new(compression: f64) -> Result<Self, Inconclusive> {
        if !(10.0..=100_000.0).contains(&compression) {
            return Err(Inconclusive::OutOfDomain { what: "compression" });
        }
        Ok(Self { compression, centroids: Vec::new(), waiting: Vec::new(), count: 0, range: None })
    }

    /// Adds one value.
    ///
    /// # Errors
    /// [`Inconclusive::OutOfDomain`] if it is not finite.
    pub fn push(&mut self, value: f64) -> Result<(), Inconclusive> {
        finite(value, "value")?;
        self.waiting.push((value, 1.0));
        self.count = self.count.saturating_add(1);
        self.range = wider(self.range, Some((value, value)));
        if self.waiting.len() >= BUFFER * self.compression as usize {
            self.compress();
        }
        Ok(())
    }

    /// Adds all values of another digest.
    pub fn merge(&mut self, other: &Self) {
        self.waiting.extend_from_slice(&other.centroids);
        self.waiting.extend_from_slice(&other.waiting);
        self.count = self.count.saturating_add(other.count);
        self.range = wider(self.range, other.range);
        self.compress();
    }

    /// The number of values.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The number of centroids and single values held.
    #[must_use]
    pub fn size(&self) -> usize {
        self.centroids.len() + self.waiting.len()
    }

    /// Sorts and compresses what is waiting; reading does this on a copy, so do it once before many reads.
    pub fn compress(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let mut all = std::mem::take(&mut self.waiting);
        all.append(&mut self.centroids);
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = all.iter().map(|centroid| centroid.1).sum();
        let mut merged: Vec<(f64, f64)> = Vec::with_capacity(2 * self.compression as usize);
        let mut before = 0.0;
        let mut limit = self.next_limit(0.0) * total;
        for (mean, weight) in all {
            match merged.last_mut() {
                Some(last) if before + last.1 + weight <= limit => {
                    last.1 += weight;
                    last.0 += (mean - last.0) * weight / last.1;
                }
                last => {
                    before += last.map_or(0.0, |last| last.1);
                    limit = self.next_limit(before / total) * total;
                    merged.push((mean, weight));
                }
            }
        }
        self.centroids = merged;
    }

    /// The quantile at this level, linear between the centres of the centroids and the extremes.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without values.
    pub fn quantile(&self, level: Probability) -> Result<f64, Inconclusive> {
        let (least, most) = self.range.ok_or(Inconclusive::NoUnits)?;
        if !self.waiting.is_empty() {
            let mut compressed = self.clone();
            compressed.compress();
            return compressed.quantile(level);
        }
        // Single values sit at ranks ½, 1½, …; type 7 asks for rank (n − 1) p + ½.
        let target = level.get() * (self.count as f64 - 1.0) + 0.5;
        let mut from = (0.5, least);
        let mut before = 0.0;
        for &(mean, weight) in &self.centroids {
            let centre = before + 0.5 * weight;
            if target <= centre {
                return Ok(between(from, (centre, mean), target));
            }
            from = (centre, mean);
            before += weight;
        }
        Ok(between(from, (self.count as f64 - 0.5, most), target))
    }

    /// The share of values at or below `value`, by the same lines.
    ///
    /// # Errors
    /// [`Inconclusive::NoUnits`] without values.
    pub fn share_at_most(&self, value: f64) -> Result<f64, Inconclusive> {
        let (least, most) = self.range.ok_or(Inconclusive::NoUnits)?;
        if value < least || value >= most {
            return Ok(if value < least { 0.0 } else { 1.0 });
        }
        if !self.waiting.is_empty() {
            let mut compressed = self.clone();
            compressed.compress();
            return compressed.share_at_most(value);
        }
        let total = self.count as f64;
        let mut from = (least, 0.5);
        let mut before = 0.0;
        for &(mean, weight) in &self.centroids {
            let centre = before + 0.5 * weight;
            if value < mean {
                return Ok(between(from, (mean, centre), value) / total);
            }
            from = (mean, centre);
            before += weight;
        }
        Ok(between(from, (most, total - 0.5), value) / total)
    }

    /// The share at which the centroid that starts at the share `q` must end: one step of k₁.
    fn next_limit(&self, q: f64) -> f64 {
        let scale = self.compression / std::f64::consts::TAU;
        let k = scale * (2.0 * q - 1.0).clamp(-1.0, 1.0).asin() + 1.0;
        if k >= 0.25 * self.compression { 1.0 } else { 0.5 * ((k / scale).sin() + 1.0) }
    }
}

fn wider(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, other) => one.or(other),
    }
}

/// The value at `x` on the line through two points; the second one where they coincide.
fn between(from: (f64, f64), to: (f64, f64), x: f64) -> f64 {
    let width = to.0 - from.0;
    if width <= 0.0 { to.1 } else { super::on_line(from.1, to.1, ((x - from.0) / width).clamp(0.0, 1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(p: f64) -> Probability {
        Probability::new(p).unwrap()
    }

    /// Values of a linear congruential sequence, the same on every run.
    fn values(count: u64) -> impl Iterator<Item = f64> {
        let mut state = 42_u64;
        (0..count).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
            -(1.0 - uniform).ln()
        })
    }

    #[test]
    fn few_values_are_exact() {
        let mut digest = TDigest::new(100.0).unwrap();
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            digest.push(value).unwrap();
        }
        for (p, expected) in [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.6, 3.4), (1.0, 5.0)] {
            assert!((digest.quantile(level(p)).unwrap() - expected).abs() < 1e-12, "{p}");
        }
    }

    #[test]
    fn a_stored_digest_is_read_back_or_refused() {
        let mut digest = TDigest::new(100.0).unwrap();
        values(5_000).for_each(|value| digest.push(value).unwrap());
        digest.compress();
        let json = serde_json::to_value(&digest).unwrap();
        assert_eq!(serde_json::from_value::<TDigest>(json.clone()).unwrap().count(), 5_000);
        for (field, value) in [
            ("compression", serde_json::json!(1e30)),
            ("count", serde_json::json!(4_000)),
            ("range", serde_json::json!(null)),
            ("range", serde_json::json!([0.0, 0.1])),
            ("waiting", serde_json::json!([[1.0, -1.0], [1.0, 1.0]])),
        ] {
            let mut wrong = json.clone();
            wrong[field] = value;
            assert!(serde_json::from_value::<TDigest>(wrong).is_err(), "{field}");
        }
    }

    #[test]
    fn counts_beyond_a_u64_stay_at_its_end() {
        let json = serde_json::json!({
            "compression": 100.0, "centroids": [[1.0, u64::MAX as f64]], "waiting": [],
            "count": u64::MAX, "range": [1.0, 1.0],
        });
        let mut digest: TDigest = serde_json::from_value(json).unwrap();
        digest.push(1.0).unwrap();
        digest.merge(&digest.clone());
        assert_eq!(digest.count(), u64::MAX);
        assert_eq!(digest.quantile(level(0.5)), Ok(1.0));
    }

    #[test]
    fn merged_parts_answer_like_the_whole() {
        let mut whole = TDigest::new(200.0).unwrap();
        let mut parts: Vec<TDigest> = (0..7).map(|_| TDigest::new(200.0).unwrap()).collect();
        for (i, value) in values(100_000).enumerate() {
            whole.push(value).unwrap();
            parts[i % 7].push(value).unwrap();
        }
        let mut merged = TDigest::new(200.0).unwrap();
        for part in &parts {
            merged.merge(part);
        }
        assert_eq!(merged.count(), 100_000);
        assert!(merged.size() <= 300, "{}", merged.size());
        let exact = crate::quantile::Ordered::new(values(100_000).collect()).unwrap();
        for p in [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999] {
            for digest in [&whole, &merged] {
                let found = digest.quantile(level(p)).unwrap();
                let rank = exact.values().partition_point(|value| *value <= found) as f64 / 1e5;
                let allowed = 2.0 * (p * (1.0 - p)).sqrt() / 200.0 + 1e-5;
                assert!((rank - p).abs() < allowed, "{p}: rank {rank}");
                assert!((digest.share_at_most(found).unwrap() - p).abs() < 2e-5);
            }
        }
    }

    #[test]
    fn equal_values_stay_equal() {
        let mut digest = TDigest::new(50.0).unwrap();
        for _ in 0..10_000 {
            digest.push(7.0).unwrap();
        }
        assert_eq!(digest.quantile(level(0.3)), Ok(7.0));
        assert_eq!((digest.share_at_most(6.9), digest.share_at_most(7.0)), (Ok(0.0), Ok(1.0)));
    }

    #[test]
    fn nothing_has_no_quantile() {
        let mut digest = TDigest::new(50.0).unwrap();
        assert_eq!(digest.quantile(level(0.5)), Err(Inconclusive::NoUnits));
        assert!(digest.push(f64::NAN).is_err());
        assert!(TDigest::new(1.0).is_err());
    }
}
