//! The submission queue: operations of many callers that wait to be applied, bounded, and who leads.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::gathering::Gathering;
use super::room::RoomQueue;
use super::waiter::{Answered, Caller, Role, Waiter};
use super::{Answers, poisoned};
use crate::engine::Operation;
use crate::model::{Error, Result};
use crate::time::Promise;

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
    /// Notified when the commit thread is to lead or to end.
    thread: Condvar,
    /// Notified when all callers that the leader waits for have submitted, or its group is full.
    gathered: Condvar,
    overload_wait: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    submissions: VecDeque<Submission>,
    pub(super) operations: usize,
    pub(super) bytes: usize,
    /// Whether a caller or the commit thread applies a group, or was handed the lead.
    pub(super) leading: bool,
    /// Whether the commit thread was handed the lead.
    thread_leads: bool,
    /// Whether the commit thread ends once nothing is left to lead.
    thread_ends: bool,
    /// Which callers the next leader waits for.
    gathering: Gathering,
    /// Futures that wait for room.
    pub(super) room: RoomQueue,
    /// Why all operations fail from now on.
    poisoned: Option<String>,
}

/// The operations of one caller.
#[derive(Debug)]
struct Submission {
    operations: Vec<Operation>,
    bytes: usize,
    waiter: Waiter,
}

/// What a caller does after its submission.
pub(super) enum Submitted {
    /// It leads: it applies this group, of which its operations are the first.
    Lead(Group),
    /// It leads once it has waited for others.
    Gather,
    /// It waits for another to apply its operations or to hand it the lead.
    Wait(Arc<Caller>),
}

/// Operations that are applied in one transaction.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) operations: Vec<Operation>,
    /// How many of them, the first, are those of the caller that leads; none if the commit thread does.
    pub(super) own: usize,
    /// Those that wait for the other answers, each for this many.
    pub(super) waiters: Vec<(Waiter, usize)>,
}

/// How much a submission takes of the queue's room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) operations: usize,
    pub(super) bytes: usize,
}

impl Size {
    pub(super) fn of(operations: &[Operation]) -> Self {
        let bytes = operations.iter().map(Operation::bytes).sum();
        Self { operations: operations.len(), bytes }
    }

    /// Whether it fits into the queue next to so many operations and bytes.
    pub(super) const fn fits_after(self, operations: usize, bytes: usize) -> bool {
        let fits = operations + self.operations <= PENDING_OPERATIONS_MAX
            && bytes + self.bytes <= PENDING_BYTES_MAX;
        fits || operations == 0
    }
}

impl Pending {
    pub(super) fn new(overload_wait: Duration) -> Self {
        Self {
            state: Mutex::default(),
            room: Condvar::new(),
            thread: Condvar::new(),
            gathered: Condvar::new(),
            overload_wait,
        }
    }

    /// Takes the lead if nobody has it; otherwise queues the operations once there is room.
    ///
    /// # Errors
    /// An answer for each operation: the queue is poisoned, or there was no room in time.
    pub(super) fn submit(&self, operations: Vec<Operation>) -> Result<Submitted, Answers> {
        let size = Size::of(&operations);
        let mut state = match self.wait_for_room(size) {
            Ok(state) => state,
            Err(error) => return Err(operations.iter().map(|_| Err(error.clone())).collect()),
        };
        let leads = !mem::replace(&mut state.leading, true);
        if leads && state.gathering.left(0, Instant::now()).is_none() {
            state.gathering.group_taken(1);
            return Ok(Submitted::Lead(Group {
                own: size.operations,
                operations,
                waiters: vec![],
            }));
        }
        let caller = Arc::<Caller>::default();
        self.push(&mut state, operations, size, Waiter::Caller(caller.clone()));
        Ok(if leads { Submitted::Gather } else { Submitted::Wait(caller) })
    }

    /// Queues operations that nobody waits for, whether or not there is room.
    pub(super) fn submit_detached(&self, operations: Vec<Operation>) {
        let size = Size::of(&operations);
        let mut state = self.lock();
        if state.poisoned.is_none() {
            let nobody = Waiter::Future(Arc::new(Promise::abandoned()));
            self.push(&mut state, operations, size, nobody);
            self.lead_by_thread(&mut state);
        }
    }

    fn wait_for_room(&self, size: Size) -> Result<MutexGuard<'_, State>> {
        let started = Instant::now();
        let mut state = self.lock();
        loop {
            if state.has_room(size)? {
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

    /// Queues a submission.
    pub(super) fn push(
        &self,
        state: &mut State,
        operations: Vec<Operation>,
        size: Size,
        waiter: Waiter,
    ) {
        state.operations += size.operations;
        state.bytes += size.bytes;
        state.submissions.push_back(Submission { operations, bytes: size.bytes, waiter });
        if state.gathering.is_open() && state.gathers_for(Instant::now()).is_none() {
            self.gathered.notify_one();
        }
    }

    /// A group is committed and about to be answered: the number of its callers, and the time it took.
    pub(super) fn committed(&self, waiters: usize, took: Duration) {
        let mut state = self.lock();
        let waiting = state.submissions.len();
        state.gathering.committed((waiters, waiting), took, Instant::now());
    }

    /// Waits for callers that were just answered, then takes the leader's group. If a caller leads, its own operations are
    /// the first.
    pub(super) fn take_group(&self) -> Group {
        let mut state = self.lock();
        while let Some(left) = state.gathers_for(Instant::now()) {
            let waited = self.gathered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let submissions = state.submissions.len();
        state.gathering.group_taken(submissions);
        let mut group = Group::default();
        let mut bytes = 0;
        while let Some(next) = state.submissions.front() {
            let fits = group.operations.len() + next.operations.len() <= GROUP_OPERATIONS_MAX
                && bytes + next.bytes <= GROUP_BYTES_MAX;
            if !fits && !group.operations.is_empty() {
                break;
            }
            let Some(submission) = state.submissions.pop_front() else {
                break;
            };
            bytes += submission.bytes;
            let count = submission.operations.len();
            match submission.waiter {
                Waiter::Caller(_) if group.operations.is_empty() => group.own = count,
                waiter => group.waiters.push((waiter, count)),
            }
            group.operations.extend(submission.operations);
        }
        state.operations -= group.operations.len();
        state.bytes -= bytes;
        drop(state);
        self.room.notify_all();
        group
    }

    /// Hands the lead to the one that waits longest, or to the commit thread if that is a future.
    pub(super) fn hand_over_lead(&self, answered: &mut Answered) {
        let mut state = self.lock();
        if let Some(cause) = state.poisoned.clone() {
            // Nobody leads any more: each is answered here.
            for submission in mem::take(&mut state.submissions) {
                let answers = submission.operations.iter().map(|_| Err(poisoned(&cause))).collect();
                submission.waiter.answer(answers, answered);
            }
            state.operations = 0;
            state.bytes = 0;
            self.room.notify_all();
        }
        answered.wakers.extend(state.wakers_for_room());
        match state.submissions.front().map(|next| &next.waiter) {
            Some(Waiter::Caller(caller)) => caller.assign(Role::Lead),
            Some(Waiter::Future(_)) => {
                state.thread_leads = true;
                self.thread.notify_one();
            }
            None => state.leading = false,
        }
    }

    /// Has the commit thread lead if nobody does.
    pub(super) fn lead_by_thread(&self, state: &mut State) {
        if !mem::replace(&mut state.leading, true) {
            state.thread_leads = true;
            self.thread.notify_one();
        }
    }

    /// Blocks the commit thread until it is to lead: `true`. `false` once it is to end.
    pub(super) fn wait_for_lead(&self) -> bool {
        let waits = |state: &mut State| !state.thread_leads && !state.thread_ends;
        let state = self.lock();
        let mut state =
            self.thread.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut state.thread_leads)
    }

    /// Has the commit thread end once it has applied what waits. To be called when no caller can come any more.
    pub(super) fn end_thread(&self) {
        self.lock().thread_ends = true;
        self.thread.notify_one();
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

impl State {
    /// Whether a submission of this size can be queued now; one larger than the whole queue when nothing else waits.
    ///
    /// # Errors
    /// None will be any more.
    pub(super) fn has_room(&self, size: Size) -> Result<bool> {
        match &self.poisoned {
            Some(cause) => Err(poisoned(cause)),
            None => Ok(size.fits_after(self.operations, self.bytes)),
        }
    }

    /// How long the leader waits for others, if there is room in its group.
    fn gathers_for(&self, now: Instant) -> Option<Duration> {
        let has_room = self.operations < GROUP_OPERATIONS_MAX
            && self.bytes < GROUP_BYTES_MAX
            && self.poisoned.is_none();
        self.gathering.left(self.submissions.len(), now).filter(|_| has_room)
    }

    /// The wakers of the futures for which there is room now, or that wait for none any more.
    pub(super) fn wakers_for_room(&mut self) -> Vec<Waker> {
        match self.poisoned {
            Some(_) => self.room.wakers_of_all(),
            None => self.room.wakers_of_those_that_fit(self.operations, self.bytes),
        }
    }
}
