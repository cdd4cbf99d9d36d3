//! What a transaction changes for limits and keys: gathered from its operations, and written by one statement before its
//! next claim or with its commit. Every way by which a task becomes ready, leaves its lease or is removed reports here; a
//! transaction without tasks that a limit or a key counts writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::lanes::Lane;
use super::looks::marks::Marks;
use crate::engine::postgres::client::{Columns, Value};
use crate::model::{Limit, Result};

/// Goes on after a `WITH` that has defined lines, `l (lane, turn, id)`: lets claims look at each, not before the first turn
/// of its lane (`b`), and returns that for each lane, or the first of the lines if no line was asked for. It is looked for
/// from the turn on that is given for some lanes, as rows before are there only for an old snapshot.
macro_rules! ask {
    ($lanes:literal, $turns:literal) => {
        concat!(
            "b AS MATERIALIZED (SELECT w.lane, coalesce((SELECT min(o.turn) FROM prismq.turn o
                   WHERE o.lane = w.lane AND o.turn >= coalesce(f.turn, -9223372036854775808)), f.turn) AS turn
               FROM (SELECT DISTINCT lane FROM l) w LEFT JOIN unnest(",
            $lanes,
            "::integer[], ",
            $turns,
            "::bigint[]) f (lane, turn) ON f.lane = w.lane),
             i AS (INSERT INTO prismq.turn (lane, turn, line)
                   SELECT l.lane, greatest(l.turn, b.turn), l.id FROM l JOIN b ON b.lane = l.lane
                   RETURNING lane, turn)
             SELECT i.lane, coalesce(b.turn, min(i.turn)) FROM i JOIN b ON b.lane = i.lane GROUP BY i.lane, b.turn"
        )
    };
}
pub(crate) use ask;

/// Frees the slots of tasks ($1), and lets claims look at lines: at those that got a task ($2), and at those of the keys
/// that may start another task, of the slots and of some lines ($3). Also at those without a ready task: one that is
/// added before this is committed may have been looked at in vain. Returns what [`ask!`] does.
pub(crate) const WRITE: &str = concat!(
    "WITH d AS (DELETE FROM prismq.slot WHERE task = ANY ($1) RETURNING key),
     k AS (SELECT key FROM d WHERE key IS NOT NULL UNION SELECT key + 0 FROM prismq.line WHERE id = ANY ($3)),
     n AS (SELECT id + 0 AS id FROM prismq.line WHERE id = ANY ($2)
           UNION SELECT l.id FROM k CROSS JOIN LATERAL (SELECT id FROM prismq.line WHERE key = k.key OFFSET 0) l),
     l AS MATERIALIZED (SELECT l.lane, l.turn, l.id
           FROM n CROSS JOIN LATERAL (SELECT * FROM prismq.line WHERE id = n.id OFFSET 0) l),
     ",
    ask!("$4", "$5")
);

/// Records what was taken of limits by their rates, after the rows with these numbers, which are deleted.
pub(crate) const SET_ARRIVALS: &str = "WITH k AS (SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) k (limits, number, time)),
     d AS (DELETE FROM prismq.arrival a USING k WHERE a.limits = ANY (ARRAY[k.limits]) AND a.number = k.number)
     INSERT INTO prismq.arrival (limits, number, time) SELECT limits, number + 1, time FROM k";

/// A limit that this transaction has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitState {
    pub(crate) limit: Limit,
    /// Its leased tasks, or as many of them as it lets run.
    pub(crate) running: i64,
    pub(crate) arrival: i64,
    /// The number of the row that has the arrival, 0 without one, and what that says.
    pub(crate) stored_arrival: (i64, i64),
}

impl LimitState {
    /// That of a limit of which nothing was taken.
    pub(crate) const fn new(limit: Limit) -> Self {
        Self { limit, running: 0, arrival: 0, stored_arrival: (0, 0) }
    }

    pub(crate) fn has_slot(&self) -> bool {
        self.limit.total.has_slot(self.running)
    }

    /// When the next task may start by the rate.
    pub(crate) fn next_start(&self, now: i64) -> i64 {
        self.limit.total.next_start(self.arrival, now)
    }

    /// One more task starts.
    pub(crate) fn take(&mut self, now: i64) {
        self.running += 1;
        self.arrival = self.limit.total.arrival_after(self.arrival, now);
    }
}

/// What the transaction in progress changes, and the limits that it has locked.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    freed: Vec<i64>,
    rung: BTreeSet<i32>,
    of_freed_keys: BTreeSet<i32>,
    /// What claims may take of the limits of their lanes; `None` until they are locked, or once that has changed.
    pub(crate) locked: Option<BTreeMap<i32, LimitState>>,
    /// How many tasks of the queues with a bound ran when they were locked, without what this transaction has changed.
    pub(crate) leased: BTreeMap<i32, i64>,
}

impl Limits {
    /// A task became ready, or was added: in this line, if it has a key.
    pub(crate) fn added(&mut self, line: Option<i32>) {
        self.rung.extend(line);
    }

    /// The lease of a task ended, which a limit or a key counts.
    pub(crate) fn left_lease(&mut self, task: i64) {
        self.freed.push(task);
    }

    /// A task that was not leased is gone, or waits for a later time: others of its key may go on.
    pub(crate) fn removed(&mut self, line: Option<i32>) {
        self.of_freed_keys.extend(line);
    }

    /// More tasks of a queue run than when it was locked, by what is written now.
    pub(crate) fn count_leased(&mut self, queue: i32, more: i64) {
        if let Some(leased) = self.leased.get_mut(&queue) {
            *leased += more;
        }
    }

    /// Whether something is to be written.
    pub(crate) fn has_changes(&self) -> bool {
        !(self.freed.is_empty() && self.rung.is_empty() && self.of_freed_keys.is_empty())
    }

    /// What is to be written, where looks for turns begin as these marks say.
    pub(crate) fn take(&mut self, turns: &Marks) -> Option<Changes> {
        if !self.has_changes() {
            return None;
        }
        self.freed.sort_unstable();
        let (lanes, from) = turns.of_single_lanes(Instant::now());
        Some(Changes {
            lanes,
            from,
            freed: std::mem::take(&mut self.freed),
            rung: std::mem::take(&mut self.rung).into_iter().collect(),
            of_freed_keys: std::mem::take(&mut self.of_freed_keys).into_iter().collect(),
        })
    }

    /// Whether a task of this lane may start now by its limit alone.
    pub(crate) fn has_room(&self, lane: Lane, now: i64) -> bool {
        !lane.is_limited()
            || self
                .state(lane)
                .is_some_and(|state| state.has_slot() && state.next_start(now) <= now)
    }

    /// The limit of a lane.
    pub(crate) fn state(&self, lane: Lane) -> Option<&LimitState> {
        self.locked.as_ref()?.get(&lane.limit)
    }

    /// The arrival times that follow from what was taken and are not stored yet.
    pub(crate) fn take_arrivals(&mut self) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for (id, state) in self.locked.iter_mut().flatten() {
            let (number, stored) = state.stored_arrival;
            if state.arrival != stored {
                arrivals.limits.push(*id);
                arrivals.numbers.push(number);
                arrivals.times.push(state.arrival);
                state.stored_arrival = (number + 1, state.arrival);
            }
        }
        arrivals
    }

    /// The limit of a lane, to take of it.
    pub(crate) fn state_mut(&mut self, lane: Lane) -> Option<&mut LimitState> {
        self.locked.as_mut()?.get_mut(&lane.limit)
    }
}

/// The parameters of [`SET_ARRIVALS`].
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    limits: Vec<i32>,
    numbers: Vec<i64>,
    times: Vec<i64>,
}

impl Arrivals {
    pub(crate) const fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    pub(crate) fn values(&self) -> [&dyn Value; 3] {
        [&self.limits, &self.numbers, &self.times]
    }
}

/// The parameters of [`WRITE`].
#[derive(Debug)]
pub(crate) struct Changes {
    freed: Vec<i64>,
    rung: Vec<i32>,
    of_freed_keys: Vec<i32>,
    /// The lanes in which looks for turns do not begin at the first, and where they begin.
    lanes: Vec<i32>,
    from: Vec<i64>,
}

impl Changes {
    pub(crate) fn values(&self) -> [&dyn Value; 5] {
        [&self.freed, &self.rung, &self.of_freed_keys, &self.lanes, &self.from]
    }

    /// Takes in what [`WRITE`] returned after so long: the first turns of lanes.
    pub(crate) fn wrote(
        &self,
        marks: &mut Marks,
        rows: &[Row],
        took: Option<Duration>,
    ) -> Result<()> {
        let now = Instant::now();
        let changed = self.freed.len() + self.rung.len() + self.of_freed_keys.len();
        for row in rows {
            let (lane, turn): (i32, i64) = (row.column(0)?, row.column(1)?);
            if let Some(took) = took.filter(|_| !self.lanes.contains(&lane)) {
                marks.looked(&[lane], (took, changed), now);
            }
            marks.took_some(&[lane], (turn, i64::MIN), now);
            // A look that is being made in parallel may have missed it.
            marks.added(lane, (turn, i64::MIN));
        }
        Ok(())
    }
}
