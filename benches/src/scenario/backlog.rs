//! A database that fills up: tasks are enqueued and hardly any claimed.

use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::load::tasks::numbered;
use crate::scenario::stage::{Database, Stage};
use crate::subject::TaskSpec;

/// Tasks in one transaction.
pub const BATCH: usize = 1_000;

const TASK_TYPE: &str = "backlog";
/// None runs out while the backlog is in use.
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
    /// If the engine fails.
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
    /// If the engine fails.
    pub fn grow(&mut self, tasks: usize) -> Result<()> {
        for _ in 0..tasks / BATCH {
            let added = self.database.engine().enqueue_all(&self.batch);
            self.tasks += added.map_err(Error::engine("enqueue"))?.len();
        }
        Ok(())
    }

    /// Claims up to so many tasks for good and says how many there were.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn claim(&self, max: usize) -> Result<usize> {
        let held = self.database.engine().hold(TASK_TYPE, max, LEASE);
        Ok(held.map_err(Error::engine("claim tasks"))?.len())
    }
}
