//! A database that fills up: tasks are enqueued and hardly any claimed.

use std::time::Duration;

use crate::base::error::Result;
use crate::load::tasks::{fill, numbered};
use crate::scenario::stage::{Database, Stage};
use crate::subject::TaskSpec;

/// Tasks in one transaction.
pub const BATCH: usize = 1_000;

const TASK_TYPE: &str = "backlog";
/// None expires while the backlog is in use.
const LEASE: Duration = Duration::from_secs(3_600);

/// A growing backlog.
pub struct Backlog {
    database: Database,
    batch: Vec<TaskSpec>,
    tasks: usize,
}

impl Backlog {
    /// An empty one in a new database.
    ///
    /// # Errors
    /// If the subject fails.
    pub fn open(stage: &Stage) -> Result<Self> {
        Ok(Self { database: stage.database(1)?, batch: numbered(TASK_TYPE, BATCH), tasks: 0 })
    }

    /// Tasks enqueued so far.
    #[must_use]
    pub const fn tasks(&self) -> usize {
        self.tasks
    }

    /// Adds tasks, a multiple of [`BATCH`].
    ///
    /// # Errors
    /// If the subject fails.
    pub fn grow(&mut self, tasks: usize) -> Result<()> {
        for _ in 0..tasks / BATCH {
            let added = fill(self.database.subject(), &self.batch, BATCH)?;
            self.tasks += added.arrivals.len();
        }
        Ok(())
    }

    /// Claims up to this many tasks for good and returns how many there were.
    ///
    /// # Errors
    /// If the subject fails.
    pub fn claim(&self, max: usize) -> Result<usize> {
        Ok(self.database.subject().hold(TASK_TYPE, max, LEASE)?.len())
    }
}
