//! A task of the model.

use prismq::limits::{ATTEMPT_ERROR_BYTES_MAX, ATTEMPTS_KEPT_MAX};
use prismq::{Order, State};

use super::super::subject::{Change, ClaimSpec, StoredTask, TaskSpec};
use super::micros;

/// A task that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) spec: TaskSpec,
    pub(super) state: State,
    /// Its place in the queue's order: lower first.
    pub(super) place: (i64, i64),
    pub(super) attempt: u32,
    pub(super) token: i64,
    pub(super) run_at: i64,
    pub(super) expires_at: i64,
    pub(super) error: Option<String>,
    /// By when it must have started.
    pub(super) start_by: Option<i64>,
    /// Whether it is to be cancelled once it does not run any more.
    pub(super) cancel: bool,
    /// By the wall clock.
    pub(super) enqueued_at: i64,
    pub(super) completed_at: i64,
    pub(super) attempts: Vec<(u32, Option<String>)>,
    pub(super) result: Option<Vec<u8>>,
    /// The slot that a schedule enqueued it for.
    pub(super) slot: Option<i64>,
}

impl Task {
    /// A new task, at this monotonic and this wall-clock time, of a queue with this order.
    pub(super) fn new(id: i64, spec: &TaskSpec, order: Order, (now, wall): (i64, i64)) -> Self {
        let run_at = now + micros(spec.delay);
        let place = place(id, spec.priority, run_at, order);
        let start_by = spec.expires_after.map(|time| now + micros(time));
        let state = if spec.delay.is_zero() { State::Ready } else { State::Scheduled };
        let mut spec = spec.clone();
        spec.requires.sort_unstable();
        spec.requires.dedup();
        Self {
            spec,
            state,
            place,
            attempt: 0,
            token: 0,
            run_at,
            expires_at: 0,
            error: None,
            start_by,
            cancel: false,
            enqueued_at: wall,
            completed_at: 0,
            attempts: Vec::new(),
            result: None,
            slot: None,
        }
    }

    /// A task with its key changes it while it waits.
    pub(super) fn change(&mut self, to: &TaskSpec, change: Change, order: Order, now: i64) {
        let (id, run_at) = (self.place.1, now + micros(to.delay));
        if change == Change::Replace {
            self.spec.payload.clone_from(&to.payload);
            self.spec.priority = to.priority;
            self.start_by = to.expires_after.map(|time| now + micros(time));
        }
        self.run_at = run_at;
        self.state = if to.delay.is_zero() { State::Ready } else { State::Scheduled };
        self.place = place(id, self.spec.priority, run_at, order);
    }

    /// Whether it must not start any more.
    pub(super) fn is_late(&self, now: i64) -> bool {
        let waits = matches!(self.state, State::Ready | State::Scheduled) && self.attempt == 0;
        waits && self.start_by.is_some_and(|start_by| start_by <= now)
    }

    /// Records its attempt as failed, with this error or by the expiry of its lease.
    pub(super) fn record(&mut self, error: Option<&str>) {
        let error = error.map(|text| {
            text.get(..text.floor_char_boundary(ATTEMPT_ERROR_BYTES_MAX)).unwrap_or(text).to_owned()
        });
        self.attempts.push((self.attempt, error));
        let excess = self.attempts.len().saturating_sub(ATTEMPTS_KEPT_MAX as usize);
        self.attempts.drain(..excess);
    }

    /// Whether a claim may be given it.
    pub(super) fn suits(&self, claim: &ClaimSpec) -> bool {
        self.state == State::Ready
            && self.spec.queue == claim.queue
            && claim.types.contains(&self.spec.task_type)
            && self.spec.requires.iter().all(|name| claim.capabilities.contains(name))
    }

    /// The task as it is shown, with its times by the wall clock.
    pub(super) fn stored(&self, shown: impl Fn(i64) -> i64) -> StoredTask {
        let leased = self.state == State::Leased;
        StoredTask {
            queue: self.spec.queue.clone(),
            task_type: self.spec.task_type.clone(),
            requirements: self.spec.requires.clone(),
            state: self.state,
            priority: self.spec.priority,
            attempt: self.attempt,
            max_attempts: self.spec.max_attempts,
            run_at: shown(self.run_at),
            lease_expires_at: leased.then(|| shown(self.expires_at)),
            error: self.error.clone(),
            payload: self.spec.payload.clone(),
            attempts: self.attempts.clone(),
            result: self.result.clone(),
        }
    }
}

/// The place of a task in a queue with this order.
pub(super) fn place(id: i64, priority: i32, run_at: i64, order: Order) -> (i64, i64) {
    let priority = i64::from(priority);
    match order {
        Order::FirstInFirstOut | Order::WeightedRandom => (id, id),
        Order::LastInFirstOut => (-id, id),
        Order::Ageing { step } => (run_at + priority * micros(step), id),
        // The order that is not set, and any that this model does not know.
        _ => (priority, id),
    }
}
