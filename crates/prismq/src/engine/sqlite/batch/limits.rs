//! What a transaction changes for limits and keys: gathered by lane, written before the next claim and at its end.
//!
//! Every way by which a task becomes ready, leaves its lease or waits for its due time reports here; tasks under no
//! limit and without a key are not looked at. What a claim takes is written by the claim itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::model::State;
use crate::time::Moment;

/// The limit and the key of a lane; 0 where it has none.
pub(crate) const LIMIT_AND_KEY: &str = "SELECT limits, key FROM prismq_lane WHERE id = ?1";
/// Frees slots of a key. The holder of an ordered key stays one until it is completed or dead.
pub(crate) const FREE_KEY: &str = "UPDATE prismq_key SET
         running = max(running - ?2, 0),
         holder = (SELECT id FROM prismq_task WHERE id = holder AND state != 3),
         idle_at = coalesce(idle_at, iif(running <= ?2, ?3, NULL))
     WHERE id = ?1";
/// Frees slots of a limit.
pub(crate) const FREE_LIMIT: &str =
    "UPDATE prismq_limit SET running = max(running - ?2, 0) WHERE id = ?1";
/// Opens the blocked lines of a key, unless they wait for its rate. They join those that are open with the next turn.
pub(crate) const UNBLOCK: &str = "UPDATE prismq_line SET state = 1,
         turn = max(turn, coalesce((SELECT min(open.turn) FROM prismq_line AS open
                                    WHERE open.base = prismq_line.base AND open.state = 1), turn))
     WHERE key = ?1 AND state = 2 AND (SELECT due_at IS NULL FROM prismq_key WHERE id = ?1)";
/// Opens a line of which a task became ready, behind the next turn of those that are open; also a blocked one if its
/// key is ordered, as the task may be the one that the others wait for.
pub(crate) const OPEN: &str = "UPDATE prismq_line SET state = 1,
         turn = max(turn, coalesce((SELECT min(open.turn) + 1 FROM prismq_line AS open
                                    WHERE open.base = prismq_line.base AND open.state = 1), turn))
     WHERE lane = ?1
       AND (state = 0 OR state = 2 AND (SELECT ordered FROM prismq_key WHERE id = key))";
/// Counts scheduled tasks of a line.
pub(crate) const COUNT_SCHEDULED: &str =
    "UPDATE prismq_line SET scheduled = max(scheduled + ?2, 0) WHERE lane = ?1";

/// What changed in one lane.
#[derive(Debug, Default, Clone, Copy)]
struct Change {
    /// Leases that ended.
    freed: i64,
    /// Scheduled tasks, more or fewer.
    scheduled: i64,
    /// Whether a task became ready.
    ready: bool,
    /// Whether a task was removed that did not run.
    removed: bool,
}

/// The changes of all lanes in the transaction in progress, and the lines it has found.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    changes: BTreeMap<i64, Change>,
    /// The lane of a key's tasks, by their base lane and the key.
    pub(super) lines: HashMap<(i64, Arc<str>), i64>,
}

impl Limits {
    /// A task was added to this lane, or put back, in this state.
    pub(crate) fn enqueued(&mut self, lane: i64, state: State) {
        if lane < 0 {
            self.enters(lane, state);
        }
    }

    /// A scheduled task of this lane is due.
    pub(crate) fn promoted(&mut self, lane: i64) {
        if lane < 0 {
            self.of(lane).scheduled -= 1;
            self.enters(lane, State::Ready);
        }
    }

    /// The lease of a task ended, and this is its state now. `lane` is 0 if it is under no limit and has no key.
    pub(crate) fn left_lease(&mut self, lane: i64, state: State) {
        if lane != 0 {
            self.of(lane).freed += 1;
            self.enters(lane, state);
        }
    }

    /// A task of this lane that was in this state, and not leased, is removed.
    pub(crate) fn removed(&mut self, lane: i64, state: State) {
        if lane < 0 {
            let change = self.of(lane);
            change.removed = true;
            change.scheduled -= i64::from(state == State::Scheduled);
        }
    }

    fn enters(&mut self, lane: i64, state: State) {
        let change = self.of(lane);
        match state {
            State::Ready => change.ready = true,
            State::Scheduled => change.scheduled += 1,
            _ => {}
        }
    }

    fn of(&mut self, lane: i64) -> &mut Change {
        self.changes.entry(lane).or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.changes.clear();
        self.lines.clear();
    }

    /// Writes the changes at the end of a transaction, and forgets what it has found.
    pub(crate) fn flush(&mut self, connection: &Connection, now: Moment) -> Result<()> {
        self.write(connection, now)?;
        self.lines.clear();
        Ok(())
    }

    /// Writes the changes, inside their transaction.
    pub(crate) fn write(&mut self, connection: &Connection, now: Moment) -> Result<()> {
        for (lane, change) in std::mem::take(&mut self.changes) {
            if change.scheduled != 0 && lane < 0 {
                connection.prepare_cached(COUNT_SCHEDULED)?.execute([lane, change.scheduled])?;
            }
            if change.freed > 0 || change.removed {
                free(connection, lane, change.freed, now)?;
            }
            if change.ready && lane < 0 {
                connection.prepare_cached(OPEN)?.execute([lane])?;
            }
        }
        Ok(())
    }
}

/// Frees slots of the limit and the key of a lane.
fn free(connection: &Connection, lane: i64, slots: i64, now: Moment) -> Result<()> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached(LIMIT_AND_KEY)?
        .query_row([lane], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((limit, key)) = found else { return Ok(()) };
    if limit != 0 {
        connection.prepare_cached(FREE_LIMIT)?.execute([limit, slots])?;
    }
    if key != 0 {
        let now = now.monotonic.as_micros();
        connection.prepare_cached(FREE_KEY)?.execute(params![key, slots, now])?;
        connection.prepare_cached(UNBLOCK)?.execute([key])?;
    }
    Ok(())
}
