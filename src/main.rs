//! `kerf`: one binary whose subcommands are the services and the tools that run them together.
//!
//! This crate wires: it reads flags and the environment, starts processes and serves what the other crates
//! implement. A module is a command, or what several commands share to run one.

mod cli;
mod control;
mod embedded;
mod folder;
mod ports;
mod services;
mod shutdown;
mod supervisor;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
