//! What limits let a claim take: read once for a claim, checked for each task that it picks, and written once it has
//! picked. Several lanes may be under one limit, and several lines belong to one key.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, params};

use crate::engine::sqlite::batch::lanes::{Keyed, Lane};
use crate::engine::sqlite::ops::settings::limits::limit_at;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Bounds, Limit, Result};

/// A limit and its state.
pub(crate) const LIMIT: &str =
    "SELECT concurrency, tasks, period, burst, key_concurrency, key_tasks, key_period, key_burst,
            running, arrival
     FROM prismq_limit WHERE id = ?1";
/// Writes what was taken of a limit.
pub(crate) const TAKE_OF_LIMIT: &str =
    "UPDATE prismq_limit SET running = running + ?2, arrival = ?3 WHERE id = ?1";
/// Writes what was taken of a key.
pub(crate) const TAKE_OF_KEY: &str = "UPDATE prismq_key
     SET running = running + ?2, arrival = ?3, holder = ?4, due_at = ?5 WHERE id = ?1";

/// A limit as of this claim.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LimitState {
    limit: Limit,
    running: i64,
    arrival: i64,
    taken: i64,
}

impl LimitState {
    pub(super) fn next_start(&self, now: i64) -> i64 {
        self.limit.total.next_start(self.arrival, now)
    }

    pub(super) fn has_slot(&self) -> bool {
        self.limit.total.has_slot(self.running + self.taken)
    }
}

/// A key as of this claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyState {
    pub(super) bounds: Bounds,
    /// Its tasks run one at a time: those that run or wait for a retry are not counted against its bounds.
    pub(super) ordered: bool,
    pub(super) running: i64,
    pub(super) arrival: i64,
    /// The task of an ordered key that has begun.
    pub(super) holder: Option<i64>,
    pub(super) taken: i64,
    /// Whether a line was blocked.
    pub(super) blocked: bool,
}

impl KeyState {
    /// Whether one more task may start; of an ordered key, the holder or the first.
    pub(super) fn admits(&self, now: i64) -> bool {
        let has_slot = match self.ordered {
            true => self.taken == 0,
            false => self.bounds.has_slot(self.running + self.taken),
        };
        has_slot && self.bounds.next_start(self.arrival, now) <= now
    }

    /// This task is picked.
    pub(super) fn take(&mut self, task: i64, now: i64) {
        self.taken += 1;
        self.arrival = self.bounds.arrival_after(self.arrival, now);
        if self.ordered {
            self.holder = Some(task);
        }
    }

    /// When blocked lines may go on, if they wait for the rate.
    fn due_at(&self, now: i64) -> Option<i64> {
        let next = self.bounds.next_start(self.arrival, now);
        (self.blocked && next > now).then_some(next)
    }
}

/// The state of the limits and keys that a claim meets.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// The time of the claim.
    pub(super) now: i64,
    /// How many more tasks it may take that a limit counts.
    left: usize,
    /// Whether that number kept it from taking one.
    pub(super) left_some: bool,
    /// Whether it looked at as many lines as a transaction may, and others may be open.
    pub(super) more: bool,
    /// When the rate of a limit lets a task start that waits for it.
    pub(super) next_start: Option<i64>,
    limits: HashMap<i64, LimitState>,
    pub(super) keys: HashMap<i64, KeyState>,
}

impl Admission {
    /// The bounds of each key of a lane.
    pub(super) fn per_key(&self, lane: Lane) -> Bounds {
        self.limits.get(&lane.limit).map(|state| state.limit.per_key).unwrap_or_default()
    }

    /// Whether one more task of this lane may start; if not, no other of it may in this claim.
    pub(super) fn admits(&mut self, lane: Lane) -> bool {
        if !lane.is_limited() {
            return true;
        }
        if let Some(state) = self.limits.get(&lane.limit) {
            let next = state.next_start(self.now);
            if next > self.now {
                self.next_start = Some(self.next_start.map_or(next, |other| other.min(next)));
                return false;
            }
            if !state.has_slot() {
                return false;
            }
        }
        self.left_some |= self.left == 0;
        self.left > 0
    }

    /// A task of this lane is picked.
    pub(super) fn take(&mut self, lane: Lane) {
        if !lane.is_limited() {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if let Some(state) = self.limits.get_mut(&lane.limit) {
            state.taken += 1;
            state.arrival = state.limit.total.arrival_after(state.arrival, self.now);
        }
    }
}

impl Writer {
    /// Reads what limits let a claim take from these lanes, `limited_max` in all. Before, what the transaction changed
    /// for limits is written, and lines whose rate lets them go on are opened.
    pub(super) fn admission<T>(
        &mut self,
        now: i64,
        lanes: &[(Lane, T)],
        limited_max: usize,
    ) -> Result<Admission> {
        let mut admission = Admission { now, left: limited_max, ..Admission::default() };
        if lanes.iter().any(|(lane, _)| lane.is_limited()) {
            self.write_limits()?;
        }
        if lanes.iter().any(|(lane, _)| lane.keyed != Keyed::No) {
            self.open_due(now)?;
        }
        for (Lane { limit, .. }, _) in lanes.iter().filter(|(lane, _)| lane.limit != 0) {
            if !admission.limits.contains_key(limit)
                && let Some(state) = self.limit_state(*limit)?
            {
                admission.limits.insert(*limit, state);
            }
        }
        Ok(admission)
    }

    /// A limit and its state.
    pub(super) fn limit_state(&self, id: i64) -> Result<Option<LimitState>> {
        let read = |row: &Row<'_>| {
            Ok(LimitState {
                limit: limit_at(row, 0)?,
                running: row.get(8)?,
                arrival: row.get(9)?,
                taken: 0,
            })
        };
        let state = self.prepare(LIMIT)?.query_row([id], read).optional();
        state.map_err(|error| self.failure(error))
    }

    /// Writes what was taken.
    pub(super) fn save(&self, admission: &mut Admission) -> Result<()> {
        let now = admission.now;
        for (id, state) in &mut admission.limits {
            if state.taken > 0 {
                self.execute(TAKE_OF_LIMIT, [*id, state.taken, state.arrival])?;
                state.running += std::mem::take(&mut state.taken);
            }
        }
        for (id, key) in admission.keys.drain() {
            if key.taken > 0 || key.blocked {
                let due_at = key.due_at(now);
                self.execute(TAKE_OF_KEY, params![id, key.taken, key.arrival, key.holder, due_at])?;
            }
        }
        Ok(())
    }

    fn write_limits(&mut self) -> Result<()> {
        let now = self.ledger.now;
        let written = self.ledger.limits.write(&self.connection, now);
        written.map_err(|error| self.failure(error))
    }
}
