//! Applying a group, and with it the claims of pools that can run at once what it enqueues.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use super::{Answers, Claimer, Committer, poisoned};
use crate::engine::{Answer, Operation};
use crate::model::limits::CLAIM_BATCH_MAX;
use crate::model::{Claim, Error, Result};

/// What became of a group.
pub(super) struct Applied {
    pub(super) answers: Answers,
    /// The pools that it may have claimed for or has notified, to be dropped once the lead is handed over.
    pub(super) claimers: Vec<Arc<dyn Claimer>>,
    /// Why the queue is poisoned, if this group poisoned it; to be logged once the lead is handed over.
    pub(super) poisoned_by: Option<String>,
    /// Of futures that wait for tasks that it ended, to be woken once the lead is handed over.
    pub(super) wakers: Vec<Waker>,
}

impl Committer {
    /// Applies a group.
    pub(super) fn apply(&self, operations: &mut Vec<Operation>) -> Applied {
        let claimers = self.claimers();
        let lease_ends = self.lease_ends.load(Ordering::SeqCst);
        let answers = match self.apply_with_claims(operations, &claimers) {
            Ok(answers) => answers,
            Err(error) if operations.len() > 1 && may_concern_one(&error) => {
                self.apply_one_by_one(operations)
            }
            Err(error) => operations.iter().map(|_| Err(error.clone())).collect(),
        };
        // A pool that has started meanwhile may have claimed before the commit, where that is done in parallel.
        let to_notify = self.claimers();
        let wakers = self.notify(operations, &answers, &to_notify, lease_ends);
        let claimers = [claimers, to_notify].concat();
        let poison = |answer: &Result<Answer>| match answer {
            Err(Error::Poisoned { cause }) => Some(cause.clone()),
            _ => None,
        };
        let poisoned_by = answers.iter().find_map(poison).and_then(|cause| self.stop(&cause));
        Applied { answers, claimers, poisoned_by, wakers }
    }

    /// Notifies pools of what a group changed for them, and threads that wait for tasks that it ended. Returns the
    /// futures that wait for such tasks. `lease_ends` is how many groups had ended leases before it was applied.
    fn notify(
        &self,
        operations: &[Operation],
        answers: &Answers,
        claimers: &[Arc<dyn Claimer>],
        lease_ends: u64,
    ) -> Vec<Waker> {
        for (operation, answer) in operations.iter().zip(answers) {
            if let (Operation::SetPaused { queue, .. }, Ok(Answer::Paused(true))) =
                (operation, answer)
            {
                claimers.iter().for_each(|claimer| claimer.paused(queue));
            }
            if let Ok(Answer::Cancelled(cancelled)) = answer
                && !cancelled.requested.is_empty()
            {
                claimers.iter().for_each(|claimer| claimer.cancel_requested(&cancelled.requested));
            }
        }
        let wakers = self.endings.committed(operations, answers);
        if answers.iter().flatten().any(Answer::makes_room) {
            self.room.raise();
        }
        let frees_slot = self.frees_slot(operations, answers, lease_ends);
        for claimer in claimers {
            let brings_work = |(operation, answer): (&Operation, &Result<Answer>)| {
                let answer = answer.as_ref();
                answer.is_ok_and(|answer| operation.brings_work_for(answer, claimer.claims()))
            };
            if frees_slot || operations.iter().zip(answers).any(brings_work) {
                claimer.work_arrived();
            }
        }
        wakers
    }

    /// Whether a group ended a lease without which another task may start: one that a limit or a key counts, or any, if
    /// a claim has found no slot in its queue since the last time. So nothing needs to be known of a queue whose
    /// concurrency is set while its tasks run. A claim that ran in parallel with the end of a lease may not have seen it:
    /// whichever of the two comes here last notices the other.
    fn frees_slot(&self, operations: &[Operation], answers: &Answers, lease_ends: u64) -> bool {
        let answered = operations.iter().zip(answers).filter(|(_, answer)| answer.is_ok());
        let mut ended = answered.filter_map(|(operation, _)| operation.ends_lease()).peekable();
        let ends_lease = ended.peek().is_some();
        let mut missed = false;
        if answers.iter().flatten().flat_map(Answer::claimed).any(|claimed| claimed.no_slot) {
            self.slot_wanted.store(true, Ordering::SeqCst);
            missed = self.lease_ends.load(Ordering::SeqCst) != lease_ends;
        }
        if ends_lease {
            self.lease_ends.fetch_add(1, Ordering::SeqCst);
        }
        (missed || ends_lease) && self.slot_wanted.swap(false, Ordering::SeqCst)
            || ended.any(|key| key.limited)
    }

    /// Applies a group, and with it the claims of the pools it has tasks for.
    fn apply_with_claims(
        &self,
        operations: &mut Vec<Operation>,
        claimers: &[Arc<dyn Claimer>],
    ) -> Result<Answers> {
        let reserved: Vec<_> =
            claimers.iter().flat_map(|claimer| reserve(claimer, operations)).collect();
        if reserved.is_empty() {
            return self.apply_to(operations);
        }
        let own = operations.len();
        operations.extend(reserved.iter().map(|Reserved { claim, tasks, .. }| {
            let claim = Claim::clone(claim).max((*tasks).min(CLAIM_BATCH_MAX));
            Operation::Claim(claim.begun_max(0).suspects_max(0).may_leave_ready())
        }));
        let mut applied = self.apply_to(operations);
        operations.truncate(own);
        let claimed = match &mut applied {
            Ok(answers) => answers.split_off(own),
            Err(_) => Answers::new(),
        };
        deliver(reserved, claimed);
        match applied {
            // A pool's claim that fails must not fail the group.
            Err(error) if may_concern_one(&error) => self.apply_to(operations),
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
        let mut answers = self.apply_to(std::slice::from_ref(operation))?;
        answers.pop().unwrap_or_else(|| Err(Error::unanswered()))
    }

    fn apply_to(&self, operations: &[Operation]) -> Result<Answers> {
        catch_unwind(AssertUnwindSafe(|| self.engine.apply(operations)))
            .unwrap_or_else(|_| Err(poisoned("the engine panicked in a transaction")))
    }
}

/// What a pool takes in the transaction of others.
struct Reserved<'a> {
    claimer: &'a Arc<dyn Claimer>,
    /// Its claim from one of its queues.
    claim: &'a Claim,
    tasks: usize,
}

/// How many tasks a pool takes of those that these operations enqueue to each of its queues; nothing of those of which
/// it takes none.
fn reserve<'a>(claimer: &'a Arc<dyn Claimer>, operations: &[Operation]) -> Vec<Reserved<'a>> {
    let take = |(queue, claim): (usize, &'a Claim)| {
        let enqueued = operations.iter().filter_map(|operation| operation.enqueues_for(claim));
        let tasks = claimer.reserve(queue, enqueued.min()?);
        (tasks > 0).then_some(Reserved { claimer, claim, tasks })
    };
    claimer.claims().iter().enumerate().filter_map(take).collect()
}

/// Delivers to each pool what its claims returned; nothing if the transaction failed.
fn deliver(reserved: Vec<Reserved<'_>>, claimed: Answers) {
    let mut claimed = claimed.into_iter();
    for Reserved { claimer, tasks, .. } in reserved {
        let leases = match claimed.next() {
            Some(Ok(Answer::Claimed(claimed))) => claimed.leases,
            _ => Vec::new(),
        };
        claimer.deliver(tasks, leases);
    }
}

/// Whether the failure of a group may be that of one operation, say of its row, so that others may succeed in
/// transactions of their own. Not so if the queue is poisoned, another process writes, the file must not be written, or
/// the server cannot be reached; and no operation is repeated that may have been committed.
const fn may_concern_one(error: &Error) -> bool {
    !matches!(
        error,
        Error::Poisoned { .. }
            | Error::Busy { .. }
            | Error::Moved { .. }
            | Error::SchemaTooNew { .. }
            | Error::NotADatabase { .. }
            | Error::Unusable { .. }
            | Error::Unavailable { .. }
            | Error::Refused { .. }
            | Error::CommitUnknown { .. }
    )
}
