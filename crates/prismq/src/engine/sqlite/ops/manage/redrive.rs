//! Putting dead tasks back.

use rusqlite::{Connection, Result, params};

use super::Stored;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::schema::state;
use crate::engine::{Revival, Target};
use crate::model::{KeyInputs, State};

/// Priority, attempt and most attempts of a task.
pub(crate) const ATTEMPTS: &str =
    "SELECT priority, attempt, max_attempts FROM prismq_task WHERE id = ?1";
/// Makes a dead task wait again, under a higher token: whoever found it dead does not find it again.
pub(crate) const REVIVE: &str = "UPDATE prismq_task SET
         state = ?2, order_key = ?3, run_at = ?4, attempt = ?5, max_attempts = ?6, begun = 0, suspect = 0,
         token = token + 1
     WHERE id = ?1";

/// Puts those of the tasks back that are dead, and returns how many.
///
/// Each gets a new place in its queue's order, as that may have been set since it was enqueued; in an order of ids it
/// is the old one.
pub(crate) fn redrive(
    connection: &Connection,
    ledger: &mut Ledger,
    targets: &[Target],
    revival: Revival,
) -> Result<u64> {
    let now = ledger.now.monotonic;
    let mut redriven = 0;
    for target in targets {
        let Some(task) = Stored::find(connection, *target, &[State::Dead])? else {
            continue;
        };
        // Without its lane nobody knows its type.
        let Some(queue) = ledger.lanes.queue_of(connection, task.lane)? else { continue };
        let due = revival.due_after(redriven).max(now);
        let (priority, attempt, max_attempts) = connection
            .prepare_cached(ATTEMPTS)?
            .query_row([task.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let settings = ledger.queues.of(connection, queue)?;
        let key = settings.order()?.key(KeyInputs {
            id: task.id,
            priority,
            run_at: due.as_micros(),
            virtual_time: settings.virtual_time,
            chance: fastrand::f64(),
        });
        let state = if due > now { state::SCHEDULED } else { state::READY };
        let (attempt, max_attempts) = revival.attempts(attempt, max_attempts);
        connection.prepare_cached(REVIVE)?.execute(params![
            task.id,
            state,
            key,
            due.as_micros(),
            attempt,
            max_attempts
        ])?;
        // It had started in time, or was late already: its time to live is over.
        expiry::clear(connection, ledger.features, task.id)?;
        ledger.limits.enqueued(task.lane, state::loaded(state)?);
        let counters = ledger.counters.of(queue);
        counters.left(state::DEAD);
        match state {
            state::READY => counters.ready += 1,
            _ => counters.scheduled += 1,
        }
        redriven += 1;
    }
    Ok(redriven)
}
