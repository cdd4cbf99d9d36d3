//! A process that knows a database by its file alone, and counts its tasks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Role, Running, say};
use crate::base::error::Result;
use crate::subject::{Census, OpenOptions, SubjectKind};

/// What the process is to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusRole {
    /// The subject to use.
    pub subject: SubjectKind,
    /// The database, which nobody else has open.
    pub path: PathBuf,
    /// The queues whose tasks are counted together.
    pub queues: Vec<String>,
}

pub(super) fn run(role: &CensusRole) -> Result<()> {
    let subject = role.subject.open(&role.path, OpenOptions::durable(1))?;
    let mut sum = Census::default();
    for queue in &role.queues {
        sum = sum.and(subject.census(queue)?);
    }
    say(&sum)
}

/// Starts a process that opens a database and counts its tasks.
///
/// # Errors
/// [`Error::Child`](crate::base::error::Error::Child) if it did not get as far.
pub fn count_afresh(role: CensusRole) -> Result<Census> {
    Running::start(&Role::Census(role))?.answer()
}
