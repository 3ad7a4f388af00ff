//! The rules of ARCHITECTURE.md, "Invariants", read from `cargo metadata` and from the sources.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Crates that know no async runtime, HTTP, SQL, clock or random source.
const PURE: [&str; 4] = ["kerf-core", "kerf-events", "kerf-control-domain", "kerf-stats"];

/// What a pure crate must not reach, however far away: runtimes, HTTP, SQL, Kafka, sockets, random sources.
const IMPURE: [&str; 24] = [
    "tokio",
    "async-std",
    "smol",
    "futures-executor",
    "hyper",
    "http",
    "axum",
    "tower",
    "reqwest",
    "ureq",
    "sqlx",
    "tokio-postgres",
    "clickhouse",
    "rdkafka",
    "mio",
    "socket2",
    "rand",
    "getrandom",
    "fastrand",
    "time",
    "chrono",
    "worker",
    "wasm-bindgen",
    "tracing-subscriber",
];

/// Crates of traits whose own dependencies are not looked at: `cargo metadata` gives them the features that any other
/// crate of the workspace asks for, so the traits of a random source seem to bring the system's.
const TRAITS_ONLY: [&str; 1] = ["rand_core"];

/// Which plane a folder belongs to; crates of different planes share pure crates only.
const PLANES: [&str; 4] = ["edge", "control-plane", "collector", "analysis"];

/// The pure crates that another plane may use: the control plane compiles bundles with the core.
const SHARED: [&str; 1] = ["kerf-core"];

/// Crates that nothing but themselves may depend on.
const OUTERMOST: [&str; 2] = ["kerf", "kerf-tests"];

/// Normal dependencies between packages by name, and where the members of the workspace lie.
struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
    folders: BTreeMap<String, String>,
}

impl Graph {
    /// Reads the workspace that this test was built from.
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--all-features", "--locked", "--offline"])
            .current_dir(root())
            .output()
            .expect("cargo can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::from_metadata(&serde_json::from_slice(&output.stdout).unwrap())
    }

    fn from_metadata(metadata: &Value) -> Self {
        let names: BTreeMap<&str, &str> = array(&metadata["packages"])
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in array(&metadata["resolve"]["nodes"]) {
            let normal = array(&node["deps"])
                .filter(|dependency| array(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()))
                .map(|dependency| names[text(&dependency["pkg"])].to_owned());
            edges.entry(names[text(&node["id"])].to_owned()).or_default().extend(normal);
        }
        let members: BTreeSet<&str> = array(&metadata["workspace_members"]).map(text).collect();
        let top = format!("{}/", text(&metadata["workspace_root"]));
        let folders = array(&metadata["packages"])
            .filter(|package| members.contains(text(&package["id"])))
            .map(|package| {
                let folder =
                    text(&package["manifest_path"]).trim_start_matches(&top).trim_end_matches("Cargo.toml");
                (text(&package["name"]).to_owned(), folder.trim_end_matches('/').to_owned())
            })
            .collect();
        Self { edges, folders }
    }

    fn add(&mut self, from: &str, to: &str) {
        self.edges.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    /// Everything that a package reaches, itself left out.
    fn reach(&self, package: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            if TRAITS_ONLY.contains(&next) {
                continue;
            }
            for dependency in self.edges.get(next).into_iter().flatten() {
                if reached.insert(dependency.as_str()) {
                    open.push(dependency);
                }
            }
        }
        reached
    }

    fn plane(&self, package: &str) -> Option<&'static str> {
        let folder = self.folders.get(package)?;
        PLANES.into_iter().find(|plane| folder.starts_with(&format!("{plane}/")))
    }

    /// Every edge that breaks a rule, as a sentence.
    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for pure in PURE {
            assert!(self.folders.contains_key(pure), "{pure} is a member of the workspace");
            let reach = self.reach(pure);
            found.extend(
                IMPURE
                    .iter()
                    .filter(|name| reach.contains(*name))
                    .map(|name| format!("{pure} is pure and must not reach {name}")),
            );
        }
        for member in self.folders.keys() {
            let reach = self.reach(member);
            let others = reach.iter().filter(|other| self.folders.contains_key(**other));
            for other in others {
                if OUTERMOST.contains(other) {
                    found.push(format!("{member} must not depend on {other}, the outermost crate"));
                }
                let (Some(own), Some(foreign)) = (self.plane(member), self.plane(other)) else { continue };
                if own != foreign && !SHARED.contains(other) {
                    found.push(format!("{member} ({own}) must not depend on {other} ({foreign}): planes meet over the network"));
                }
            }
        }
        if self.edges["kerf-control-api"].contains("sqlx") {
            found.push("kerf-control-api must not depend on sqlx".to_owned());
        }
        found
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn dependencies_keep_the_invariants() {
    assert_eq!(Graph::read().violations(), [""; 0]);
}

#[test]
fn each_rule_refuses_an_edge_that_is_planted() {
    let planted = [
        ("kerf-stats", "rand", "kerf-stats is pure and must not reach rand"),
        ("kerf-core", "tokio", "kerf-core is pure and must not reach tokio"),
        ("kerf-control-api", "sqlx", "kerf-control-api must not depend on sqlx"),
        (
            "kerf-loader",
            "kerf-gateway",
            "kerf-loader (collector) must not depend on kerf-gateway (edge): planes meet over the network",
        ),
        (
            "kerf-warehouse",
            "kerf-schema",
            "kerf-warehouse (analysis) must not depend on kerf-schema (collector): planes meet over the network",
        ),
        ("kerf-edge-native", "kerf", "kerf-edge-native must not depend on kerf, the outermost crate"),
    ];
    for (from, to, sentence) in planted {
        let mut graph = Graph::read();
        graph.add(from, to);
        let found = graph.violations();
        assert!(found.iter().any(|violation| violation == sentence), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn a_dependency_of_a_dependency_counts() {
    let mut graph = Graph::read();
    graph.add("kerf-stats", "innocent");
    graph.add("innocent", "reqwest");
    assert!(graph.violations().contains(&"kerf-stats is pure and must not reach reqwest".to_owned()));
}

/// Words that only a statement has; in a text they would stand between other words.
fn holds_sql(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default().to_lowercase();
    let statements =
        ["select ", "insert into ", "update ", "delete from ", "sqlx::", "query!(", "query_as!("];
    let starts =
        |statement: &str| ["\"", "r#\""].iter().any(|quote| code.contains(&format!("{quote}{statement}")));
    statements
        .iter()
        .any(|statement| if statement.contains(' ') { starts(statement) } else { code.contains(statement) })
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn no_handler_holds_sql() {
    let handlers = [
        "control-plane/api/src",
        "analysis/api/src",
        "collector/ingest/src",
        "edge/gateway/src",
        "edge/native/src",
    ];
    let mut found = Vec::new();
    for file in handlers.iter().flat_map(|folder| sources(&root().join(folder))) {
        let source = fs::read_to_string(&file).unwrap();
        let lines = source.lines().enumerate().filter(|(_, line)| holds_sql(line));
        found.extend(lines.map(|(at, line)| format!("{}:{}: {}", file.display(), at + 1, line.trim())));
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn sql_is_recognised() {
    assert!(holds_sql(r#"let rows = client.query("select key from experiment");"#));
    assert!(holds_sql("sqlx::query(text)"));
    assert!(!holds_sql(r#"let detail = "to update it, send If-Match"; // "select 1""#));
}
