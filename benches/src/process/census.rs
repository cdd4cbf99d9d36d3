//! A process that knows a database by its file alone, and counts what is there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Order, Running, say};
use crate::base::error::{Error, Result};
use crate::subject;
use crate::subject::{Census, Durability, EngineKind};

/// What the process is to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusOrder {
    /// The engine to use.
    pub engine: EngineKind,
    /// The database, which nobody else has open.
    pub path: PathBuf,
    /// The queues whose tasks are counted together.
    pub queues: Vec<String>,
}

pub(super) fn obey(order: &CensusOrder) -> Result<()> {
    let engine = subject::open(order.engine, &order.path, 1, Durability::Full)?;
    let mut sum = Census::default();
    for queue in &order.queues {
        let census = engine.census_of(queue).map_err(Error::engine("count its tasks"))?;
        sum = sum.and(census);
    }
    say(&sum)
}

/// Starts a process that opens a database and counts its tasks.
///
/// # Errors
/// [`Error::Child`] if it did not get as far.
pub fn count_afresh(order: CensusOrder) -> Result<Census> {
    Running::start(&Order::Census(order))?.answer()
}
