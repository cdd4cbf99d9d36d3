//! The submission queue: operations of many callers that wait to be applied, bounded, and which caller leads.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::waiter::{Role, Waiter};
use super::{Answers, poisoned};
use crate::engine::Operation;
use crate::model::{Error, Result};

/// Most operations that may wait to be applied; one more waits for room, then is refused as overloaded.
pub(super) const PENDING_OPERATIONS_MAX: usize = 16_384;
/// Most payload bytes that may wait to be applied; one more operation waits for room, then is refused.
pub(super) const PENDING_BYTES_MAX: usize = 256 << 20;
/// Most operations that share one transaction; the rest make the next.
pub(super) const GROUP_OPERATIONS_MAX: usize = 1024;
/// Most payload bytes that share one transaction, so that groups stay small; one larger operation is applied
/// alone.
pub(super) const GROUP_BYTES_MAX: usize = 8 << 20;

/// The submission queue in front of the engine.
#[derive(Debug)]
pub(super) struct Pending {
    state: Mutex<State>,
    /// Notified when there is room for more operations.
    room: Condvar,
    overload_wait: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    submissions: VecDeque<Submission>,
    pub(super) operations: usize,
    pub(super) bytes: usize,
    /// Whether a caller applies a group, or was handed the lead.
    pub(super) leading: bool,
    /// Why all operations fail from now on.
    poisoned: Option<String>,
}

/// The operations of one caller.
#[derive(Debug)]
struct Submission {
    operations: Vec<Operation>,
    bytes: usize,
    waiter: Arc<Waiter>,
}

/// What a caller does after its submission.
pub(super) enum Submitted {
    /// It leads: it applies this group, of which its operations are the first.
    Lead(Group),
    /// It waits for another caller to apply its operations or to hand it the lead.
    Wait(Arc<Waiter>),
}

/// Operations that are applied in one transaction, and the callers that wait, each for this many of the answers.
pub(super) struct Group {
    pub(super) operations: Vec<Operation>,
    pub(super) waiters: Vec<(Arc<Waiter>, usize)>,
}

impl Pending {
    pub(super) fn new(overload_wait: Duration) -> Self {
        Self { state: Mutex::default(), room: Condvar::new(), overload_wait }
    }

    /// Takes the lead if no caller has it; otherwise queues the operations once there is room.
    ///
    /// # Errors
    /// An answer for each operation: the queue is poisoned, or there was no room in time.
    pub(super) fn submit(&self, operations: Vec<Operation>) -> Result<Submitted, Answers> {
        let bytes = operations.iter().map(Operation::bytes).sum();
        let mut state = match self.wait_for_room(operations.len(), bytes) {
            Ok(state) => state,
            Err(error) => return Err(operations.iter().map(|_| Err(error.clone())).collect()),
        };
        if !state.leading {
            state.leading = true;
            return Ok(Submitted::Lead(Group { operations, waiters: Vec::new() }));
        }
        let waiter = Arc::<Waiter>::default();
        state.operations += operations.len();
        state.bytes += bytes;
        state.submissions.push_back(Submission { operations, bytes, waiter: waiter.clone() });
        Ok(Submitted::Wait(waiter))
    }

    fn wait_for_room(&self, operations: usize, bytes: usize) -> Result<MutexGuard<'_, State>> {
        let started = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(cause) = &state.poisoned {
                return Err(poisoned(cause));
            }
            let fits = state.operations + operations <= PENDING_OPERATIONS_MAX
                && state.bytes + bytes <= PENDING_BYTES_MAX;
            // A submission larger than the whole queue is accepted when nothing else waits.
            if fits || state.submissions.is_empty() {
                return Ok(state);
            }
            let waited = started.elapsed();
            let Some(left) = self.overload_wait.checked_sub(waited).filter(|left| !left.is_zero())
            else {
                return Err(Error::Overloaded { pending: state.operations, waited });
            };
            state = self.room.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The group of a caller that was handed the lead: its own operations are the first.
    pub(super) fn take_group(&self) -> Group {
        let mut state = self.lock();
        let mut group = Group { operations: Vec::new(), waiters: Vec::new() };
        let mut bytes = 0;
        while let Some(next) = state.submissions.front() {
            let fits = group.operations.len() + next.operations.len() <= GROUP_OPERATIONS_MAX
                && bytes + next.bytes <= GROUP_BYTES_MAX;
            if !fits && !group.waiters.is_empty() {
                break;
            }
            let Some(submission) = state.submissions.pop_front() else {
                break;
            };
            bytes += submission.bytes;
            group.waiters.push((submission.waiter, submission.operations.len()));
            group.operations.extend(submission.operations);
        }
        state.operations -= group.operations.len();
        state.bytes -= bytes;
        drop(state);
        self.room.notify_all();
        group
    }

    /// Hands the lead to the caller that waits longest.
    pub(super) fn hand_over_lead(&self) {
        let mut state = self.lock();
        if let Some(cause) = state.poisoned.clone() {
            // No caller leads any more: each is answered here.
            for submission in mem::take(&mut state.submissions) {
                let answers = submission.operations.iter().map(|_| Err(poisoned(&cause))).collect();
                submission.waiter.assign(Role::Answered(answers));
            }
            state.operations = 0;
            state.bytes = 0;
            self.room.notify_all();
        }
        match state.submissions.front() {
            Some(next) => next.waiter.assign(Role::Lead),
            None => state.leading = false,
        }
    }

    /// Fails all operations from now on; whether this is the first failure.
    pub(super) fn poison(&self, cause: &str) -> bool {
        let mut state = self.lock();
        let first = state.poisoned.is_none();
        state.poisoned.get_or_insert_with(|| cause.to_owned());
        first
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
