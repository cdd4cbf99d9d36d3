//! What a process of a test does.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pool::Served;

/// What a process of a test does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// The queue's file.
    pub path: PathBuf,
    /// The number of its first client; further ones follow.
    pub client_id: u32,
    /// The seed of its random choices.
    pub seed: u64,
    /// How long it holds what it claims.
    pub lease: Duration,
    /// Its role.
    pub role: Role,
}

/// The role of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Opens the file and enqueues this many tasks.
    Enqueue {
        /// How many.
        tasks: u32,
    },
    /// Enqueues and works, each in a thread and in random ways, until it is stopped.
    ProduceAndWork,
    /// The same with tasks that have keys, under the limit `each`: each key has a type of its own, one of
    /// [`KEYED_TYPES`](super::KEYED_TYPES), and those of every other are ordered.
    ProduceAndWorkKeyed,
    /// Enqueues tasks of every kind, unique ones and ones with a time to live among them, sets schedules, cancels, redrives and
    /// deletes, until it is stopped; and works on all of them as well if that is set.
    Operate {
        /// Whether it works.
        works: bool,
    },
    /// Enqueues until it is stopped.
    Produce,
    /// Claims tasks and ends each in a random way, until it is stopped.
    Work,
    /// Claims one task and holds it; after [`Process::proceed`](super::Process::proceed), makes every call with the lease.
    Hold,
    /// Holds the file's write lock in an open transaction, until it is stopped.
    Lock,
    /// Runs worker pools one after another, each of which is shut down, at times too soon; or one pool until it
    /// is stopped. The length of a task's payload says what its handler does: of 100 to 600 bytes, it takes as many
    /// milliseconds less 100; of 666, it kills the process; of others, it does something random.
    Pools {
        /// Handlers that run at once in each.
        workers: usize,
        /// Whether one pool follows another.
        restarts: bool,
        /// What the listener of each does.
        listener: Listener,
        /// Whether the process enqueues as well, without a pause.
        produces: bool,
        /// Which queues its pools serve, and it enqueues to.
        queues: Served,
    },
    /// Enqueues tasks of the type `deposit` and runs them in a pool until it is stopped, neither recorded. Each adds one
    /// to the table `account`, notes its task in the table `deposit`, enqueues a task in the queue `receipts`, and is
    /// completed, all in one transaction.
    Deposits {
        /// Threads of the pool.
        workers: usize,
    },
    /// Runs a pool that is not recorded and dies of payloads of 666 bytes, until it is stopped.
    PlainPool {
        /// Threads of the pool.
        workers: usize,
    },
}

/// What a pool's listener does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listener {
    /// It returns at once.
    Plain,
    /// It takes a millisecond.
    Slow,
    /// It panics now and then.
    Panicking,
}
