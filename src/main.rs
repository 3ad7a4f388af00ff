//! `kerf`: one binary whose subcommands are the services and the tools that run them together.
//!
//! This crate wires: it reads flags and the environment, starts processes and serves what the other crates
//! implement. A module is a command, or what several commands share to run one.

mod analysis;
mod api_client;
mod cli;
mod clickhouse;
mod collector;
mod control;
mod control_plane;
mod demo;
mod development;
mod edge;
mod embedded;
mod event_sender;
mod folder;
mod kafka;
mod keys;
mod loader;
mod ports;
mod replay;
mod sample_site;
mod secrets;
mod service;
mod services;
mod session;
mod shutdown;
mod signing_key;
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
