//! For which lanes a batch brings work, of which other processes are notified.

use std::collections::BTreeSet;

use super::PostgresEngine;
use super::batch::lease_note::LeaseNote;
use super::batch::shared::Shared;
use super::client::NewWork;
use crate::engine::{Answer, Operation};
use crate::model::{Enqueued, LeaseKey, Result};

impl PostgresEngine {
    /// The lanes in which a batch made work; any, if it freed a slot for which tasks may wait.
    pub(super) fn new_work(
        &self,
        batch: &[Operation],
        answers: &[Result<Answer>],
        frees_slot: bool,
    ) -> NewWork {
        if frees_slot {
            return NewWork::Anywhere;
        }
        let mut work = NewWork::None;
        for (operation, answer) in batch.iter().zip(answers) {
            if let Ok(answer) = answer {
                work.add(self.shared.work_of(operation, answer));
            }
        }
        work
    }
}

impl NewWork {
    /// Where there is work once these leases have been given up.
    pub(super) fn of_leases<'a>(leases: impl IntoIterator<Item = &'a LeaseKey>) -> Self {
        let lanes = leases.into_iter().map(|key| LeaseNote::from(key.note).lane);
        Self::in_lanes(lanes.collect())
    }
}

impl Shared {
    /// What work an operation brings.
    pub(super) fn work_of(&self, operation: &Operation, answer: &Answer) -> NewWork {
        match (operation, answer) {
            _ if !answer.brings_work() => NewWork::None,
            (Operation::Enqueue(tasks), Answer::Enqueued(enqueued))
                if enqueued.iter().all(|task| !matches!(task, Enqueued::Updated(_))) =>
            {
                let known = self.lanes();
                let new = tasks.iter().zip(enqueued).filter(|(_, task)| task.is_new());
                let lanes: Option<BTreeSet<i32>> =
                    new.map(|(task, _)| known.of(task).map(|lane| lane.id)).collect();
                lanes.map_or(NewWork::Anywhere, NewWork::in_lanes)
            }
            (_, Answer::Failed(_) | Answer::Released) => {
                operation.ends_lease().map_or(NewWork::Anywhere, |key| NewWork::of_leases([key]))
            }
            _ => NewWork::Anywhere,
        }
    }
}
