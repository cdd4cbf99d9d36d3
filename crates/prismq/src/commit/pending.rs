//! What waits to be applied: a bounded queue of the operations of many callers, and who leads.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::waiter::{Role, Waiter};
use super::{Answers, poisoned};
use crate::engine::Operation;
use crate::model::{Error, Result};

/// Most operations that may wait for the writer; one more waits, then is refused as overloaded.
pub(super) const PENDING_OPERATIONS_MAX: usize = 16_384;
/// Most payload bytes that may wait for the writer; one more operation waits, then is refused.
pub(super) const PENDING_BYTES_MAX: usize = 256 << 20;
/// Most operations that share one transaction; the rest make the next.
pub(super) const GROUP_OPERATIONS_MAX: usize = 1024;
/// Most payload bytes that share one transaction, so that no
/// transaction grows large by company; one larger operation goes alone.
pub(super) const GROUP_BYTES_MAX: usize = 8 << 20;

/// The queue in front of the engine.
#[derive(Debug)]
pub(super) struct Pending {
    state: Mutex<State>,
    room: Condvar,
    overload_wait: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    submissions: VecDeque<Submission>,
    pub(super) operations: usize,
    pub(super) bytes: usize,
    /// Whether a thread is at work on a group, or has been handed the lead.
    pub(super) leading: bool,
    /// Why nothing is written any more.
    poisoned: Option<String>,
}

/// The operations of one caller.
#[derive(Debug)]
struct Submission {
    operations: Vec<Operation>,
    bytes: usize,
    waiter: Arc<Waiter>,
}

/// What a caller is to do with its operations.
pub(super) enum Turn {
    /// Lead: apply this group, of which they are the first.
    Lead(Group),
    /// Wait here.
    Follow(Arc<Waiter>),
}

/// Operations that are applied in one transaction, and who waits for how many of their answers.
pub(super) struct Group {
    pub(super) operations: Vec<Operation>,
    pub(super) waiters: Vec<(Arc<Waiter>, usize)>,
}

impl Pending {
    pub(super) fn new(overload_wait: Duration) -> Self {
        Self { state: Mutex::default(), room: Condvar::new(), overload_wait }
    }

    /// Takes the lead where nobody has it, else queues the operations once there is room.
    ///
    /// # Errors
    /// The queue is poisoned, or there was no room in time; for each operation.
    pub(super) fn enter(&self, operations: Vec<Operation>) -> Result<Turn, Answers> {
        let bytes = operations.iter().map(Operation::bytes).sum();
        let mut state = match self.wait_for_room(operations.len(), bytes) {
            Ok(state) => state,
            Err(error) => return Err(operations.iter().map(|_| Err(error.clone())).collect()),
        };
        if !state.leading {
            state.leading = true;
            return Ok(Turn::Lead(Group { operations, waiters: Vec::new() }));
        }
        let waiter = Arc::<Waiter>::default();
        state.operations += operations.len();
        state.bytes += bytes;
        state.submissions.push_back(Submission { operations, bytes, waiter: waiter.clone() });
        Ok(Turn::Follow(waiter))
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
            // What is larger than all the room there is goes when nothing else waits.
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

    /// The group of the one who was handed the lead: its own submission is the first.
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

    /// Gives the lead to the first who waits.
    pub(super) fn hand_on(&self) {
        let mut state = self.lock();
        if let Some(cause) = state.poisoned.clone() {
            // Nobody would be answered any more.
            for submission in mem::take(&mut state.submissions) {
                let answers = submission.operations.iter().map(|_| Err(poisoned(&cause))).collect();
                submission.waiter.answer(Role::Answered(answers));
            }
            state.operations = 0;
            state.bytes = 0;
            self.room.notify_all();
        }
        match state.submissions.front() {
            Some(next) => next.waiter.answer(Role::Lead),
            None => state.leading = false,
        }
    }

    /// Refuses everything from now on. Whether it did not before.
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
