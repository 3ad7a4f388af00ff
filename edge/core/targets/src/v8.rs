//! The module in V8, as Node has it.

#![expect(clippy::expect_used, reason = "see the crate")]

use std::time::Duration;

use serde_json::{Value, json};

use super::node::Node;

/// The module in V8; it ends when this is dropped.
pub struct V8 {
    node: Node,
    names: Vec<String>,
}

impl V8 {
    /// Starts Node with the module.
    pub fn start() -> Self {
        let (node, ready) = Node::start("v8/host.mjs", &json!({ "module": super::module() }));
        let names = ready.get("names").and_then(Value::as_str).unwrap_or_default();
        Self { node, names: names.lines().map(str::to_owned).collect() }
    }

    /// Names of the workloads, in order.
    pub fn workloads(&self) -> &[String] {
        &self.names
    }

    /// Runs a workload for some time; least nanoseconds of a decision among the passes.
    pub fn run_workload(&mut self, index: u32, length: Duration) -> f64 {
        let milliseconds = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let answer = self.node.request(&json!({ "run": index, "milliseconds": milliseconds }));
        answer.get("ns").and_then(Value::as_f64).expect("a time")
    }

    /// First decisions of fresh instances: median nanoseconds of one, and the sum of the decisions.
    pub fn first_decisions(&mut self, count: u32) -> (f64, u64) {
        let answer = self.node.request(&json!({ "first": count }));
        let ns = answer.get("ns").and_then(Value::as_f64).expect("a time");
        (ns, answer.get("sum").and_then(Value::as_u64).expect("a sum"))
    }
}
