//! A recorded experiment goes in at one end, its known answer comes out at the other; over the whole platform.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

use kerf_tests::{
    platform::{Platform, succeed},
    recording::{landing_page, landing_page_answer, write_generated},
};

#[test]
fn a_recording_comes_out_as_its_answer_however_often_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    write_generated(folder.path(), 3_000, 1);
    let platform = Platform::start(&[]);
    for seed in ["1", "2"] {
        let mut replay = platform.replay();
        replay.arg("--data").arg(folder.path()).arg("--expect").arg(folder.path().join("answer.json"));
        let printed = succeed(replay.args(["--key", "generated", "--seed", seed]));
        assert!(printed.ends_with("all counts are equal, all statistics to six digits\n"), "{printed}");
    }
    let mut through_edge = platform.replay();
    through_edge.arg("--data").arg(folder.path()).args(["--through-edge", platform.url("edge")]);
    let printed = succeed(&mut through_edge);
    assert!(printed.contains("equal the core's"), "{printed}");
}

/// Needs the recording beside the checkout (`../shared/data/landing_page`); says so and ends where it is missing.
#[test]
fn the_landing_page_experiment_comes_out_as_published_and_its_people_are_split_as_promised() {
    let Some(folder) = landing_page() else {
        eprintln!("the landing-page recording is not there; only the generated one is replayed");
        return;
    };
    let platform = Platform::start(&[]);
    let mut replay = platform.replay();
    replay.arg("--data").arg(&folder).arg("--expect").arg(landing_page_answer());
    let printed = succeed(&mut replay);
    assert!(printed.ends_with("all counts are equal, all statistics to six digits\n"), "{printed}");
    let mut through_edge = platform.replay();
    through_edge.arg("--data").arg(&folder).args(["--through-edge", platform.url("edge")]);
    let printed = succeed(&mut through_edge);
    assert!(printed.contains("for 57609 people equal the core's"), "{printed}");
}
