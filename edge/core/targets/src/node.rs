//! A script that Node runs, which answers a line of JSON with a line of JSON.

#![expect(clippy::expect_used, reason = "see the crate")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running script; it ends when this is dropped.
pub(crate) struct Node {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Starts a script of this crate with an argument; what it says when it is ready.
    pub(crate) fn start(script: &str, argument: &Value) -> (Self, Value) {
        let mut child = Command::new(super::setting("KERF_TEST_NODE"))
            .arg(format!("{}/{script}", env!("CARGO_MANIFEST_DIR")))
            .arg(argument.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut node = Self { child, requests, answers };
        let ready = node.answer();
        (node, ready)
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer is text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("node gave {line:?}: {error}"))
    }

    /// Asks for one thing.
    pub(crate) fn request(&mut self, request: &Value) -> Value {
        let requests = self.requests.as_mut().expect("it is there until this is dropped");
        writeln!(requests, "{request}").expect("node reads on");
        self.answer()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        self.requests = None;
        drop(self.child.wait());
    }
}
