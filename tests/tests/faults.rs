//! What is acknowledged is counted, once, whatever is killed in the middle.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread::sleep,
    time::Duration,
};

use kerf_tests::{
    platform::{Platform, succeeded},
    recording::{landing_page, landing_page_answer, write_generated},
};

/// Small batches, so that every process is in the middle of something when it is killed.
const SMALL_BATCHES: [&str; 4] = ["--batch-rows", "2000", "--build-seconds", "1"];

/// The real recording where it is, else a generated one of similar size, with its answer.
fn recording(folder: &Path) -> (PathBuf, PathBuf) {
    landing_page().map_or_else(
        || {
            write_generated(folder, 25_000, 2);
            (folder.to_owned(), folder.join("answer.json"))
        },
        |real| (real, landing_page_answer()),
    )
}

/// Starts a replay that takes about half a minute to send.
fn start_replay(platform: &Platform, folder: &Path) -> Child {
    let (data, answer) = recording(folder);
    let mut replay = platform.replay();
    replay.arg("--data").arg(data).arg("--expect").arg(answer).args(["--events-per-second", "4000"]);
    replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a replay, which compares the results itself.
fn check(replay: Child) {
    let printed = succeeded(&replay.wait_with_output().unwrap());
    assert!(printed.ends_with("all counts are equal, all statistics to six digits\n"), "{printed}");
}

#[test]
fn the_answer_survives_kill_9_of_every_process_in_the_middle_of_the_replay() {
    let folder = tempfile::tempdir().unwrap();
    let mut platform = Platform::start(&SMALL_BATCHES);
    let mut replay = start_replay(&platform, folder.path());
    let victims =
        ["collector", "loader", "kafka", "clickhouse", "analysis", "loader", "clickhouse", "collector"];
    for (round, victim) in victims.into_iter().enumerate() {
        sleep(Duration::from_millis(1_300 + 170 * round as u64));
        assert!(replay.try_wait().unwrap().is_none(), "the replay is still at work when {victim} is killed");
        platform.kill(victim);
    }
    check(replay);
}

#[test]
fn the_answer_survives_a_broker_that_is_away_for_a_minute_and_a_collector_that_dies_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mut platform = Platform::start(&SMALL_BATCHES);
    let replay = start_replay(&platform, folder.path());
    sleep(Duration::from_secs(4));
    platform.tell("kill kafka");
    sleep(Duration::from_secs(10));
    platform.kill("collector");
    sleep(Duration::from_secs(50));
    platform.tell("start kafka");
    check(replay);
    platform.interrupt();
}
