//! What the module exports. Pointers and lengths are offsets into its memory; a call with input that the function does not
//! accept traps.

#![expect(unsafe_code, reason = "an exported name could clash with another; nothing else here is unsafe")]
#![expect(clippy::expect_used, reason = "a host that calls out of order is stopped by a trap")]

use std::cell::RefCell;

use crate::{vectors, workloads};

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static WORKLOADS: RefCell<Vec<workloads::Workload>> = const { RefCell::new(Vec::new()) };
}

/// Room for `len` bytes of input; what was there before is gone.
#[unsafe(no_mangle)]
extern "C" fn input(len: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; len];
        input.as_mut_ptr()
    })
}

/// Where the last output lies.
#[unsafe(no_mangle)]
extern "C" fn output() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}

/// How many bytes it has.
#[unsafe(no_mangle)]
extern "C" fn output_len() -> usize {
    OUTPUT.with_borrow(Vec::len)
}

/// Decides the vector file that is the input; the output is [`vectors::decide`]'s.
#[unsafe(no_mangle)]
extern "C" fn decide_vectors() {
    let decided =
        INPUT.with_borrow(|input| vectors::decide(str::from_utf8(input).expect("a vector file is UTF-8")));
    OUTPUT.set(decided);
}

/// Prepares the workloads; the output is their names, one a line. Returns how many there are.
#[unsafe(no_mangle)]
extern "C" fn prepare_workloads() -> usize {
    let prepared = workloads::all();
    OUTPUT.set(prepared.iter().flat_map(|workload| [workload.name, "\n"]).collect::<String>().into_bytes());
    WORKLOADS.set(prepared);
    WORKLOADS.with_borrow(Vec::len)
}

/// Runs a workload so many times and returns how many decisions that were.
#[unsafe(no_mangle)]
extern "C" fn run_workload(index: usize, times: u32) -> u32 {
    WORKLOADS.with_borrow_mut(|prepared| {
        let workload = prepared.get_mut(index).expect("workloads are prepared, and this is one");
        (0..times).fold(0, |decisions: u32, _| {
            decisions.wrapping_add(u32::try_from((workload.run)()).unwrap_or(u32::MAX))
        })
    })
}

/// Makes the bundle of the 1,000 experiments the output.
#[unsafe(no_mangle)]
extern "C" fn large_bundle() {
    OUTPUT.set(workloads::large_bundle());
}

/// The first decision of an instance: opens the input as a bundle, binds a context, decides. Returns [`workloads::first_decision`]'s
/// answer.
#[unsafe(no_mangle)]
extern "C" fn first_decision() -> u32 {
    INPUT.with_borrow(|input| workloads::first_decision(input))
}
