//! `kerf`: one binary whose subcommands are the services and the tools.
fn main() {}
