//! What a process is recorded to do.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a process is recorded to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The queue's file.
    pub path: PathBuf,
    /// The number of its first actor; further ones follow.
    pub proc: u32,
    /// What it leaves to chance.
    pub seed: u64,
    /// How long it holds what it claims.
    pub lease: Duration,
    /// Its part.
    pub role: Role,
}

/// The part of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Opens the file and enqueues this many tasks.
    Enqueue {
        /// How many.
        tasks: u32,
    },
    /// Enqueues and works at once, each in a thread, in every way a program may, until it is stopped.
    Everything,
    /// Enqueues until it is stopped.
    Produce,
    /// Claims tasks and ends each in some way, until it is stopped.
    Work,
    /// Claims one task and holds it; once recorded to go on, tries everything with the lease.
    Hold,
    /// Holds the file's write lock, in the midst of a transaction, until it is stopped.
    Lock,
    /// Runs worker pools one after another, each of which is shut down, at times too soon; or one pool until it
    /// is stopped. The length of a task's payload says what its handler does: of 100 to 600 bytes, it takes
    /// as many milliseconds less 100; of 666, it kills the process; of others, it is left to chance.
    Pools {
        /// Handlers that run at once in each.
        workers: usize,
        /// Whether one pool follows another.
        restarts: bool,
        /// What is done with what they report.
        listener: Listener,
        /// Whether the process enqueues as well, without a pause.
        produces: bool,
    },
    /// Runs a pool that dies of payloads of 666 bytes, until it is stopped.
    DieOfPoison {
        /// Threads of the pool.
        workers: usize,
    },
}

/// What a pool's listener does with what it is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listener {
    /// Nothing but to tell of it.
    Plain,
    /// It takes its time.
    Slow,
    /// It panics now and then.
    Panicking,
}
