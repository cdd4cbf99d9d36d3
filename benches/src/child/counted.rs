//! A process that does one operation so many times, for somebody who counts its instructions.

use std::path::PathBuf;
use std::time::Duration;

use prismq::{Claim, NewTask, Queue};
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;
use crate::error::{Error, Result};
use crate::workload::PAYLOAD_BYTES;

/// The type of the tasks it works on.
pub const COUNTED_TYPE: &str = "counted";

/// Long enough for the slowest of tools that count.
const LEASE: Duration = Duration::from_secs(3600);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Enqueue one task a call.
    Enqueue,
    /// Claim one task a call.
    Claim,
    /// Complete one task a call.
    Complete,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Enqueue, Self::Claim, Self::Complete];

    /// Its name in ids.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Claim => "claim",
            Self::Complete => "complete",
        }
    }
}

/// What the process is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountOrder {
    /// The operation.
    pub operation: Operation,
    /// How many times.
    pub times: usize,
    /// How many tasks are ready in the database.
    pub ready: usize,
    /// The database.
    pub path: PathBuf,
}

pub(super) fn obey(order: &CountOrder) -> Result<()> {
    let count = || -> prismq::Result<()> {
        // The queue looks for pages to give back now and then, which would be counted by chance.
        let queue = Queue::builder(&order.path).free_space_max(u64::MAX).open()?;
        match order.operation {
            Operation::Enqueue => {
                let task = NewTask::new(COUNTED_TYPE, vec![0x5a; PAYLOAD_BYTES]);
                for _ in 0..order.times {
                    queue.enqueue(&task)?;
                }
            }
            Operation::Claim => {
                let claim = Claim::new([COUNTED_TYPE]).lease(LEASE);
                for _ in 0..order.times {
                    queue.claim(&claim)?;
                }
            }
            Operation::Complete => {
                // All are claimed, however many are then completed.
                let claim = Claim::new([COUNTED_TYPE]).max(order.ready).lease(LEASE);
                for lease in queue.claim(&claim)?.iter().take(order.times) {
                    queue.complete(lease)?;
                }
            }
        }
        Ok(())
    };
    count().map_err(EngineError::from).map_err(Error::engine("do what is counted"))
}
