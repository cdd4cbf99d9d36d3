//! Applying a group, and with it the claims of pools that can run at once what it enqueues.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Answers, Claimer, Committer, poisoned};
use crate::engine::{Answer, Operation, Store};
use crate::model::limits::CLAIM_BATCH_MAX;
use crate::model::{Error, Result, State};

impl<S: Store> Committer<S> {
    /// Applies a group. Returns the pools that it may have claimed for too, to be dropped by the caller.
    pub(super) fn apply(
        &self,
        operations: &mut Vec<Operation>,
    ) -> (Answers, Vec<Arc<dyn Claimer>>) {
        let claimers = self.claimers();
        let answers = match self.apply_with_claims(operations, &claimers) {
            Ok(answers) => answers,
            Err(error) if operations.len() > 1 && may_concern_one(&error) => {
                self.apply_one_by_one(operations)
            }
            Err(error) => operations.iter().map(|_| Err(error.clone())).collect(),
        };
        self.notify(operations, &answers, &claimers);
        (answers, claimers)
    }

    /// Notifies pools of what a group changed for them.
    fn notify(&self, operations: &[Operation], answers: &Answers, claimers: &[Arc<dyn Claimer>]) {
        for (operation, answer) in operations.iter().zip(answers) {
            if let (Operation::SetPaused { queue, .. }, Ok(Answer::Paused(true))) =
                (operation, answer)
            {
                claimers.iter().for_each(|claimer| claimer.paused(queue));
            }
        }
        if answers.iter().flatten().any(gives_work) {
            self.work.raise();
            claimers.iter().for_each(|claimer| claimer.work_arrived());
        }
        let poisoned = |answer: &&Error| matches!(answer, Error::Poisoned { .. });
        if let Some(error) =
            answers.iter().filter_map(|answer| answer.as_ref().err()).find(poisoned)
        {
            self.stop(error);
        }
    }

    /// Applies a group, and with it the claims of the pools it has tasks for.
    fn apply_with_claims(
        &self,
        operations: &mut Vec<Operation>,
        claimers: &[Arc<dyn Claimer>],
    ) -> Result<Answers> {
        let brought = |claimer: &Arc<dyn Claimer>| {
            operations.iter().filter_map(|operation| operation.brings(claimer.claim())).min()
        };
        let served: Vec<_> = claimers
            .iter()
            .filter_map(|claimer| brought(claimer).map(|priority| (claimer, priority)))
            .collect();
        let mut store = self.store();
        let reserved: Vec<(&Arc<dyn Claimer>, usize)> = served
            .into_iter()
            .map(|(claimer, priority)| (claimer, claimer.reserve(priority)))
            .filter(|(_, tasks)| *tasks > 0)
            .collect();
        if reserved.is_empty() {
            return self.apply_to(&mut store, operations);
        }
        let claims = reserved.iter().map(|(claimer, tasks)| {
            let claim = claimer.claim().clone().max((*tasks).min(CLAIM_BATCH_MAX));
            Operation::Claim(claim.begun_max(0).suspects_max(0))
        });
        let own = operations.len();
        operations.extend(claims);
        let mut applied = self.apply_to(&mut store, operations);
        operations.truncate(own);
        let claimed = match &mut applied {
            Ok(answers) => answers.split_off(own),
            Err(_) => Vec::new(),
        };
        let mut claimed = claimed.into_iter();
        for (claimer, tasks) in reserved {
            let leases = match claimed.next() {
                Some(Ok(Answer::Claimed(claimed))) => claimed.leases,
                _ => Vec::new(),
            };
            claimer.deliver(tasks, leases);
        }
        match applied {
            // A pool's claim that fails must not fail the group.
            Err(error) if may_concern_one(&error) => self.apply_to(&mut store, operations),
            applied => applied,
        }
    }

    /// Applies operations in a transaction each, until one poisons the queue.
    fn apply_one_by_one(&self, operations: &[Operation]) -> Answers {
        let mut poison = None;
        let mut answers = Answers::with_capacity(operations.len());
        for operation in operations {
            let answer = match &poison {
                Some(error) => Err(Error::clone(error)),
                None => self.apply_alone(operation),
            };
            if let Err(error @ Error::Poisoned { .. }) = &answer {
                poison.get_or_insert_with(|| error.clone());
            }
            answers.push(answer);
        }
        answers
    }

    fn apply_alone(&self, operation: &Operation) -> Result<Answer> {
        let mut answers = self.apply_to(&mut self.store(), std::slice::from_ref(operation))?;
        answers.pop().unwrap_or_else(|| Err(Error::unanswered()))
    }

    fn apply_to(&self, store: &mut S, operations: &[Operation]) -> Result<Answers> {
        let clock = &*self.clock;
        catch_unwind(AssertUnwindSafe(|| store.apply(clock, operations)))
            .unwrap_or_else(|_| Err(poisoned("the engine panicked in a transaction")))
    }
}

/// Whether the failure of a group may be that of one operation, say of its row, so that others may succeed in
/// transactions of their own. Not so if the queue is poisoned, another process writes, or the file must not be
/// written.
const fn may_concern_one(error: &Error) -> bool {
    !matches!(
        error,
        Error::Poisoned { .. }
            | Error::Busy { .. }
            | Error::Moved { .. }
            | Error::SchemaTooNew { .. }
            | Error::NotADatabase { .. }
            | Error::Unusable { .. }
    )
}

const fn gives_work(answer: &Answer) -> bool {
    match answer {
        Answer::Enqueued(_) | Answer::Released => true,
        Answer::Failed(state) => !matches!(state, State::Dead),
        Answer::Paused(paused) => !*paused,
        Answer::Claimed(_)
        | Answer::Begun
        | Answer::Completed
        | Answer::Extended(_)
        | Answer::Ordered
        | Answer::Pruned { .. } => false,
    }
}
