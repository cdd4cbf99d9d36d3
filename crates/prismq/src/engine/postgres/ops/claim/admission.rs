//! What limits let the claims of a transaction take. All limits that count for them are locked before the first claim, in
//! order, so that two transactions never wait for each other, and what is read of them afterwards holds until the end. Of a
//! lane that becomes known after that, nothing starts.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use crate::engine::Operation;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::limits::{Changes, LimitState, WRITE};
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::settings::limits::limit_at;
use crate::model::{Claim, Result};

/// Locks limits, and those of queues.
pub(crate) const LOCK: &str = "SELECT concurrency, tasks, period, burst, key_concurrency, key_tasks, key_period, key_burst,
         id
     FROM prismq.limits WHERE id = ANY (ARRAY(
         SELECT id FROM prismq.limits WHERE id = ANY ($1) UNION SELECT id FROM prismq.limits WHERE queue = ANY ($2)))
     ORDER BY id FOR NO KEY UPDATE";
/// What was taken of limits, once they are locked: of those that bound them the leased tasks, counted up to the bound, and
/// the first number that a slot of theirs has or can be given; and when the next task is due by the rate.
pub(crate) const TAKEN: &str = "SELECT m.id, s.tasks,
         CASE WHEN m.concurrency IS NOT NULL
             THEN coalesce(s.first, (SELECT last_value + is_called::integer FROM prismq.slot_number_seq)) END,
         a.number, a.time
     FROM unnest($1::integer[], $2::bigint[]) w (id, first) JOIN prismq.limits m ON m.id = w.id
         CROSS JOIN LATERAL (SELECT count(*) AS tasks, min(s.number) AS first
             FROM (SELECT s.number FROM prismq.slot s WHERE s.limits = m.id AND s.number >= w.first
                   ORDER BY s.limits, s.number LIMIT coalesce(m.concurrency, 0)) s) s
         LEFT JOIN LATERAL (SELECT a.number, a.time FROM prismq.arrival a WHERE a.limits = m.id
             ORDER BY a.limits DESC, a.number DESC LIMIT 1) a ON m.tasks IS NOT NULL";
/// The leased tasks of queues.
pub(crate) const LEASED: &str = "SELECT queue, coalesce(sum(leased), 0)::bigint FROM (
         SELECT queue, leased FROM prismq.counter WHERE queue = ANY ($1)
         UNION ALL SELECT queue, leased FROM prismq.counter_delta WHERE queue = ANY ($1)) c GROUP BY queue";

/// How long until a lane or queue is looked at again whose limit was not locked, in microseconds.
const UNLOCKED_WAIT: i64 = 100_000;

/// What limits let one claim take, beyond the limits themselves.
#[derive(Debug)]
pub(super) struct Admission {
    /// The time of the claim.
    pub(super) now: i64,
    /// How many more tasks it may take that a limit or a key counts.
    left: usize,
    /// Whether that number kept it from taking one.
    pub(super) left_some: bool,
    /// Whether it looked at as many lines as a transaction may, and others may have tasks.
    pub(super) more: bool,
    /// When the rate of a limit lets a task start that waits for it.
    pub(super) next_start: Option<i64>,
}

impl Admission {
    pub(super) fn new(claim: &Claim, now: i64) -> Self {
        Self { now, left: claim.limited_max, left_some: false, more: false, next_start: None }
    }

    /// How many tasks of this many are to be read of those that a limit counts: one more than may be taken shows that
    /// some are left.
    pub(super) fn most_of(&self, tasks: usize) -> usize {
        tasks.min(self.left.saturating_add(1))
    }
}

impl Run<'_, '_> {
    /// Locks the limits that count for the claims of this batch, unless they are, and nothing has changed.
    pub(in crate::engine::postgres::ops) fn lock_limits(
        &mut self,
        batch: &[Operation],
    ) -> Result<()> {
        if self.limits.locked.is_some() && !self.limits.has_changes() {
            return Ok(());
        }
        let (mut limits, mut queues) = (BTreeSet::new(), BTreeSet::new());
        for claim in batch.iter().filter_map(Operation::claims).flatten() {
            for (lane, _) in self.shared.lanes().serving(claim) {
                queues.insert(lane.queue);
                limits.extend(lane.is_limited().then_some(lane.limit));
            }
        }
        let mut bounded = Vec::new();
        for queue in queues {
            if self.queue(queue)?.concurrency.is_some() {
                bounded.push(queue);
            }
        }
        self.limits.locked = Some(BTreeMap::new());
        if limits.is_empty() && bounded.is_empty() {
            return Ok(());
        }
        let limits: Vec<i32> = limits.into_iter().collect();
        let changes = self.limits.take(&self.shared.turns());
        let of_changes = changes.as_ref().map(Changes::values);
        let firsts = self.shared.first_slots().of_limits(&limits);
        let lock: [&dyn Value; 2] = [&limits, &bounded];
        let of_limits: [&dyn Value; 2] = [&limits, &firsts];
        let of_queues: [&dyn Value; 1] = [&bounded];
        let mut statements: Vec<(&'static str, &[&dyn Value])> = Vec::with_capacity(4);
        statements.extend(of_changes.iter().map(|values| (WRITE, values.as_slice())));
        statements.extend([(LOCK, &lock[..]), (TAKEN, &of_limits[..]), (LEASED, &of_queues[..])]);
        let mut answers = self.query_all(&statements)?;
        let mut rows = || answers.pop().unwrap_or_default();
        let (leased, taken, locked, wrote) = (rows(), rows(), rows(), rows());
        if let Some(changes) = &changes {
            changes.wrote(&mut self.shared.turns(), &wrote, self.took(1, 3))?;
        }
        let mut states = BTreeMap::new();
        for row in &locked {
            states.insert(row.column::<i32>(8)?, LimitState::new(limit_at(row, 0)?));
        }
        for row in &taken {
            let id = row.column(0)?;
            if let Some(first) = row.column(2)? {
                self.shared.first_slots().found_of_limit(id, first);
            }
            if let Some(state) = states.get_mut(&id) {
                state.running = row.column(1)?;
                let (number, time): (Option<i64>, Option<i64>) = (row.column(3)?, row.column(4)?);
                state.arrival = time.unwrap_or(0);
                state.stored_arrival = (number.unwrap_or(0), state.arrival);
            }
        }
        self.limits.locked = Some(states);
        let count = |row: &Row| -> Result<(i32, i64)> { Ok((row.column(0)?, row.column(1)?)) };
        // One without counters has never had a task.
        self.limits.leased = bounded.iter().map(|queue| (*queue, 0)).collect();
        for row in &leased {
            let (queue, leased) = count(row)?;
            self.limits.leased.insert(queue, leased);
        }
        Ok(())
    }

    /// How many more tasks of a queue may run at once, if that is bounded: none if it was not locked, as it has become
    /// known since.
    pub(super) fn free_slots(
        &self,
        settings: Settings,
        admission: &mut Admission,
    ) -> Option<usize> {
        let most = i64::from(settings.concurrency?);
        let Some(leased) = self.limits.leased.get(&settings.id) else {
            admission.next_start = Some(admission.now + UNLOCKED_WAIT);
            return Some(0);
        };
        let leased = leased + self.counters.so_far(settings.id).leased;
        Some(usize::try_from(most - leased).unwrap_or(0))
    }

    /// Whether one more task of this lane may start; if not, no other of it may in this claim.
    pub(super) fn admits(&self, lane: Lane, admission: &mut Admission) -> bool {
        if !lane.is_limited() {
            return true;
        }
        // One that has become known since the limits were locked waits for the next transaction.
        let state = self.limits.state(lane);
        let next =
            state.map_or(admission.now + UNLOCKED_WAIT, |state| state.next_start(admission.now));
        if next > admission.now {
            admission.next_start = Some(admission.next_start.map_or(next, |other| other.min(next)));
            return false;
        }
        if !state.is_some_and(LimitState::has_slot) {
            return false;
        }
        admission.left_some |= admission.left == 0;
        admission.left > 0
    }

    /// A task of this lane is picked.
    pub(super) fn take_of(&mut self, lane: Lane, admission: &mut Admission) {
        if !lane.is_limited() {
            return;
        }
        admission.left = admission.left.saturating_sub(1);
        if let Some(state) = self.limits.state_mut(lane) {
            state.take(admission.now);
        }
    }
}
