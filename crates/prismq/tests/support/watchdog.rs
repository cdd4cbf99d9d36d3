//! A time limit for a whole test, for what no bounded wait covers: a call that never returns, or a drop.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Longer than any test takes, on a busy machine too, and than several waits of [`DEADLINE`].
///
/// [`DEADLINE`]: super::DEADLINE
const LIMIT: Duration = Duration::from_secs(120);

/// Ends the whole program with the name of the test, unless it is dropped within [`LIMIT`].
///
/// A thread that hangs cannot be ended alone, and a program that hangs names no test.
pub(crate) struct Watchdog {
    _dropped: Sender<()>,
}

impl Watchdog {
    /// Watches the test that runs on this thread.
    pub(crate) fn start() -> Self {
        let (_dropped, dropped) = channel::<()>();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        thread::spawn(move || {
            if dropped.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                // Not by `eprintln!`, which the test harness would hold back.
                _ = writeln!(std::io::stderr(), "\n{test} still runs after {LIMIT:?}: it hangs");
                std::process::exit(101);
            }
        });
        Self { _dropped }
    }
}
