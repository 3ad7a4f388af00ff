//! The same workloads as the table's, by criterion: distributions, and a comparison with the run before. The table is the gate, since
//! it takes both engines in turns.
//!
//! `cargo bench -p kerf-core --bench criterion [-- NAME]`. A throughput is in decisions; of `W3` and `W4` one is the whole set.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a program that measures; it may stop at its own mistakes"
)]

#[path = "table/cases.rs"]
mod cases;
#[path = "table/floor.rs"]
mod floor;
#[path = "table/workload.rs"]
mod workload;

use std::time::Duration;

use criterion::{Criterion, Throughput};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50)
        .configure_from_args();
    let mut group = criterion.benchmark_group("core");
    for mut case in cases::all() {
        let decisions = (case.run)();
        group.throughput(Throughput::Elements(decisions as u64));
        group.bench_function(case.name, |bencher| bencher.iter(|| (case.run)()));
    }
    group.finish();
    criterion.final_summary();
}
