//! The module in workerd.

#![expect(clippy::expect_used, reason = "see the crate")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// The module in a Worker; it ends when this is dropped.
pub struct Workerd {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Workerd {
    /// Starts workerd with the module.
    pub fn start() -> Self {
        let argument = json!({
            "module": super::module(),
            "node_modules": super::setting("KERF_TEST_MINIFLARE"),
        });
        let mut child = Command::new(super::setting("KERF_TEST_NODE"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/workerd/host.mjs"))
            .arg(argument.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut workerd = Self { child, requests, answers };
        workerd.answer();
        workerd
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer is text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("workerd gave {line:?}: {error}"))
    }

    fn request(&mut self, request: &Value) -> Value {
        let requests = self.requests.as_mut().expect("it is there until this is dropped");
        writeln!(requests, "{request}").expect("workerd reads on");
        self.answer()
    }

    /// Decides a vector file.
    pub fn decide_vectors(&mut self, file: &Path) -> Vec<u8> {
        let name =
            format!("kerf-vectors-{}-{}", std::process::id(), file.file_name().expect("a file").display());
        let save = std::env::temp_dir().join(name);
        self.request(&json!({"path": "decide_vectors", "file": file, "save": save}));
        let decided = std::fs::read(&save).expect("workerd has written it");
        std::fs::remove_file(&save).expect("it is ours");
        decided
    }

    /// Asks a path of `workerd/worker.mjs`; its answer, and how long that took from outside, since a Worker has no clock.
    pub fn ask(&mut self, path: &str) -> (String, Duration) {
        let answer = self.request(&json!({ "path": path }));
        let text = answer.get("text").and_then(Value::as_str).unwrap_or_default();
        let ns = answer.get("ns").and_then(Value::as_u64).expect("a time");
        (text.to_owned(), Duration::from_nanos(ns))
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        self.requests = None;
        drop(self.child.wait());
    }
}
