//! A process that does one operation this many times on one thread, so that its cost can be counted.

use std::path::PathBuf;
use std::time::Duration;

use prismq::sqlite::complete_in;
use prismq::{Claim, NewTask, Queue, Unique};
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::load::tasks::PAYLOAD_BYTES;
use crate::observe::written::Written;

use super::{Role, Running, say};

/// The type of the tasks it works on.
pub const COUNTED_TYPE: &str = "counted";

/// Long enough for the slowest of tools that count.
const LEASE: Duration = Duration::from_secs(3600);

const INSERT: &str = "INSERT INTO prismq_inbox (type, payload) VALUES ('counted', ?1)";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Enqueue one task a call.
    Enqueue,
    /// Claim one task a call.
    Claim,
    /// Complete one task a call.
    Complete,
    /// Record a failed attempt of one task a call; the task is retried later.
    Fail,
    /// Extend the lease of one task a call.
    Extend,
    /// Release one task a call.
    Release,
    /// Enqueue one task a transaction of the application's that the queue opens.
    Transaction,
    /// Insert one row into the inbox and claim a task, which takes the row in.
    Inbox,
    /// Enqueue one task a call that is unique by its payload.
    Unique,
    /// Complete one task a transaction of the application's that the queue opens.
    CompleteIn,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Enqueue,
        Self::Claim,
        Self::Complete,
        Self::Fail,
        Self::Extend,
        Self::Release,
        Self::Transaction,
        Self::Inbox,
        Self::Unique,
        Self::CompleteIn,
    ];

    /// Its name in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Claim => "claim",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Extend => "extend",
            Self::Release => "release",
            Self::Transaction => "transaction",
            Self::Inbox => "inbox",
            Self::Unique => "unique",
            Self::CompleteIn => "complete_in",
        }
    }
}

/// What the process is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountRole {
    /// The operation.
    pub operation: Operation,
    /// How many times.
    pub times: usize,
    /// How many tasks are ready in the database.
    pub ready: usize,
    /// The database.
    pub path: PathBuf,
}

/// What the operations took together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// What was handed to the system to be written; `None` where the system does not count.
    pub written: Option<Written>,
    /// Transactions that waited for the disk, each with one sync of the WAL.
    pub syncs: u64,
}

/// Has a process of its own do the operations and returns what they took.
///
/// # Errors
/// [`Error::Child`] if it did not do its part.
pub fn count_elsewhere(role: CountRole) -> Result<Counts> {
    Running::start(&Role::Count(role))?.answer()
}

pub(super) fn run(role: &CountRole) -> Result<()> {
    say(&count(role).map_err(Error::subject("do what is counted"))?)
}

fn count(role: &CountRole) -> prismq::Result<Counts> {
    // The queue looks for pages to give back now and then, which would be counted by chance.
    let queue = Queue::builder(&role.path).free_space_max(u64::MAX).open()?;
    let claim = Claim::new([COUNTED_TYPE]).lease(LEASE);
    let leases = match role.operation {
        Operation::Enqueue
        | Operation::Claim
        | Operation::Transaction
        | Operation::Inbox
        | Operation::Unique => Vec::new(),
        // All are claimed, however many are then worked on.
        _ => queue.claim(&claim.clone().max(role.ready))?,
    };
    let task = NewTask::new(COUNTED_TYPE, vec![0x5a; PAYLOAD_BYTES]);
    let (written, synced) = (Written::by_this_process(), queue.contention().synced_transactions);
    match role.operation {
        Operation::Enqueue => (0..role.times).try_for_each(|_| queue.enqueue(&task).map(drop))?,
        Operation::Claim => (0..role.times).try_for_each(|_| queue.claim(&claim).map(drop))?,
        Operation::Transaction => (0..role.times)
            .try_for_each(|_| queue.transaction(|tx| tx.enqueue(task.clone()).map(drop)))?,
        Operation::Unique => {
            for number in 0..role.times {
                let mut payload = vec![0x5a; PAYLOAD_BYTES];
                payload.extend(number.to_le_bytes());
                let task = NewTask::new(COUNTED_TYPE, payload).unique(Unique::payload());
                queue.enqueue(&task)?;
            }
        }
        Operation::Inbox => {
            let application = rusqlite::Connection::open(&role.path)?;
            for _ in 0..role.times {
                application.prepare_cached(INSERT)?.execute([vec![0x5a; PAYLOAD_BYTES]])?;
                queue.claim(&claim)?;
            }
        }
        _ => {}
    }
    for lease in leases.iter().take(role.times) {
        match role.operation {
            Operation::Enqueue
            | Operation::Claim
            | Operation::Transaction
            | Operation::Inbox
            | Operation::Unique => {}
            Operation::Complete => queue.complete(lease)?,
            Operation::CompleteIn => queue.transaction(|tx| complete_in(&queue, tx, lease))?,
            Operation::Fail => drop(queue.fail(lease, "it is counted")?),
            Operation::Extend => drop(queue.extend(lease, LEASE)?),
            Operation::Release => queue.release(lease)?,
        }
    }
    let syncs = queue.contention().synced_transactions.saturating_sub(synced);
    Ok(Counts { written: Written::since(written), syncs })
}
