//! Deleting tasks that are beyond their queue's retention.

use rusqlite::{Connection, Result};

use super::delete;
use crate::engine::Targets;
use crate::engine::sqlite::batch::kept::retention::{self, Excess};
use crate::engine::sqlite::batch::ledger::Ledger;

/// Deletes those of the tasks that are beyond the retention of a queue now: they may have been found before the
/// transaction in progress, since when others may have deleted or redriven tasks, or set the retention. To be called
/// where the counters of the transaction are written.
pub(crate) fn delete(
    connection: &Connection,
    ledger: &mut Ledger,
    queue: i64,
    excess: &Excess,
) -> Result<()> {
    let Some(kept) = retention::of(connection, queue)? else { return Ok(()) };
    for (kind, ended) in &excess.ended {
        let rule = kept.rule(*kind, ledger.now);
        let mut deleted = 0;
        for ended in ended {
            if !rule.is_excess(deleted, ended.at) {
                break;
            }
            let task = Targets { tasks: vec![ended.target], states: vec![kind.state()] };
            deleted += delete::delete(connection, ledger, &task)?;
        }
    }
    Ok(())
}
