//! Free TCP ports for the processes of one run.

use anyhow::{Result, bail};
use std::net::{Ipv4Addr, TcpListener};

/// Below the range (32768 to 60999 on Linux) from which outgoing connections take theirs, so that a server that is
/// away for a while finds its port still free.
const FIRST: u16 = 20_000;
const LAST: u16 = 31_999;

/// Hands out ports of loopback that are free, each once.
pub(crate) struct Ports {
    next: u16,
    left: u16,
}

impl Ports {
    /// Starts at a place that differs from process to process, so that two runs seldom meet.
    pub(crate) fn new() -> Self {
        let span = u32::from(LAST - FIRST + 1);
        let offset = std::process::id().wrapping_mul(61) % span;
        Self { next: FIRST + u16::try_from(offset).unwrap_or(0), left: LAST - FIRST }
    }

    /// The next free port.
    ///
    /// # Errors
    /// When the whole range is taken.
    pub(crate) fn take(&mut self) -> Result<u16> {
        while self.left > 0 {
            let port = self.next;
            self.next = if port == LAST { FIRST } else { port + 1 };
            self.left -= 1;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
        bail!("no port from {FIRST} to {LAST} is free on 127.0.0.1; end what uses them")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over_and_none_is_given_twice() {
        let mut ports = Ports::new();
        let first = ports.take().unwrap();
        let guard = TcpListener::bind((Ipv4Addr::LOCALHOST, first + 1));
        let second = ports.take().unwrap();
        assert_ne!(first, second);
        assert!(guard.is_err() || second != first + 1, "{second} was taken");
    }
}
