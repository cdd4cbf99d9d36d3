//! What the tests share: a queue in a temporary folder, waits that end, an executor, a log, processes of their own.

mod database;
mod executor;
mod fixture;
mod log;
mod process;
mod wait;
mod watchdog;

pub(crate) use database::{alter, hold_snapshot, lock, restore};
pub(crate) use executor::{block_on, poll_once};
pub(crate) use fixture::{Fixture, LEASE, RETRY, Wall, claim, ids, task, text};
pub(crate) use log::Messages;
pub(crate) use process::TestProcess;
pub(crate) use wait::{DEADLINE, Gate, join, receive, wait_for, wait_until};
pub(crate) use watchdog::Watchdog;
