//! Extreme inputs over every public method: a right answer or a named reason, never NaN, infinity or a panic.
//!
//! `right` is a table of inputs whose answer is known; the other modules cross all awkward inputs with each other and
//! look at every number of every answer.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a wrong answer must stop the test")]

mod arms;
mod groups;
mod inputs;
mod planning;
mod right;

use std::{cell::RefCell, collections::BTreeMap, fmt::Debug};

use kerf_stats::Inconclusive;

thread_local! {
    /// The first wrong answer of each method in this test.
    static WRONG: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// Notes an answer in which any number is not finite; a reason is an answer.
fn assert_sound<T: Debug>(method: &str, given: &dyn Debug, answer: &Result<T, Inconclusive>) {
    if let Ok(answer) = answer {
        let text = format!("{answer:?}");
        let broken = text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "NaN" || word == "inf");
        if broken {
            note(method, &format!("{method} of {given:?} gives {text}"));
        }
    }
}

fn note(method: &str, message: &str) {
    WRONG.with_borrow_mut(|wrong| {
        wrong.entry(method.to_owned()).or_insert_with(|| message.to_owned());
    });
}

/// Ends a test: fails with the first wrong answer of each method.
fn report() {
    let wrong = WRONG.take();
    assert!(wrong.is_empty(), "{}", wrong.into_values().collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn a_number_that_is_none_is_seen_wherever_it_hides() {
    assert_sound("nothing", &0, &Ok(vec![Some((1.0, f64::NEG_INFINITY))]));
    assert_eq!(WRONG.take().len(), 1);
    assert_sound("inflation", &0, &Ok("information, Nanny"));
    report();
}
