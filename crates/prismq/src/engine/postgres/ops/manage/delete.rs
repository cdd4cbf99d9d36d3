//! Deleting tasks that do not run, those kept as history among them.

use super::Stored;
use crate::engine::Targets;
use crate::engine::postgres::batch::queues::{LEASED, is_kept};
use crate::engine::postgres::batch::run::Run;
use crate::model::Result;

impl Run<'_, '_> {
    /// Deletes these tasks, and returns how many there were. One that runs stays.
    pub(crate) fn delete(&mut self, targets: &Targets) -> Result<u64> {
        let idle: Vec<Stored> = self
            .find(&targets.tasks, &targets.states)?
            .into_iter()
            .filter(|task| task.state != LEASED)
            .collect();
        self.remove(&idle)?;
        for task in &idle {
            // What was completed or cancelled is counted as that.
            if !is_kept(task.state) {
                self.counters.of(task.queue).deleted += 1;
            }
        }
        Ok(u64::try_from(idle.len()).unwrap_or(u64::MAX))
    }
}
