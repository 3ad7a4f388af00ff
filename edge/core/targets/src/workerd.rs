//! The module in workerd.

#![expect(clippy::expect_used, reason = "see the crate")]

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::node::Node;

/// The module in a Worker; it ends when this is dropped.
pub struct Workerd(Node);

impl Workerd {
    /// Starts workerd with the module.
    pub fn start() -> Self {
        let argument = json!({
            "module": super::module(),
            "node_modules": super::setting("KERF_TEST_MINIFLARE"),
        });
        Self(Node::start("workerd/host.mjs", &argument).0)
    }

    /// Decides a vector file.
    pub fn decide_vectors(&mut self, file: &Path) -> Vec<u8> {
        let name =
            format!("kerf-vectors-{}-{}", std::process::id(), file.file_name().expect("a file").display());
        let save = std::env::temp_dir().join(name);
        self.0.request(&json!({"path": "decide_vectors", "file": file, "save": save}));
        let decided = std::fs::read(&save).expect("workerd has written it");
        std::fs::remove_file(&save).expect("it is ours");
        decided
    }

    /// Asks a path of `workerd/worker.mjs`; its answer, and how long that took from outside, since a Worker has no clock.
    pub fn ask(&mut self, path: &str) -> (String, Duration) {
        let answer = self.0.request(&json!({ "path": path }));
        let text = answer.get("text").and_then(Value::as_str).unwrap_or_default();
        let ns = answer.get("ns").and_then(Value::as_u64).expect("a time");
        (text.to_owned(), Duration::from_nanos(ns))
    }
}
