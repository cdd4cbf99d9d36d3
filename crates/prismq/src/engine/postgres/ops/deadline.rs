//! Time to live: a task that has not started in time becomes a dead letter.
//!
//! Tasks whose time has come are looked at before the first claim of a transaction, up to a bound. A claim checks what
//! it leases as well, so that no task is given late however many are due; and a lease says when its task must have
//! started, for a pool that holds it ahead.

use std::collections::BTreeSet;

use tokio_postgres::Row;

use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::manage::LEAVE;
use crate::model::Result;

/// Takes what says that tasks are to be looked at, from this time on.
pub(crate) const TAKE: &str = "DELETE FROM prismq.deadline WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM prismq.deadline WHERE at >= $3 AND at <= $1 ORDER BY at, id LIMIT $2 FOR UPDATE SKIP LOCKED))
     RETURNING id";
/// Tasks that have not started and whose time has come.
macro_rules! late {
    () => {
        "t.id = ANY ($1) AND t.start_by <= $2 AND t.attempt = 0"
    };
}
/// Locks where those of them wait that nobody else has locked, before the tasks, as everyone does.
pub(crate) const HOLD: &str = concat!(
    "WITH r AS MATERIALIZED (SELECT x.id FROM prismq.task t JOIN prismq.ready x ON x.lane = ANY (ARRAY[coalesce(t.line, t.lane)])
         AND x.suspect = t.suspect AND x.order_key = t.order_key AND x.id = t.id
         WHERE ",
    late!(),
    " AND t.state = 0 ORDER BY x.id FOR UPDATE OF x SKIP LOCKED),
     s AS MATERIALIZED (SELECT x.id FROM prismq.task t JOIN prismq.scheduled x ON x.run_at = ANY (ARRAY[t.run_at]) AND x.id = t.id
         WHERE ",
    late!(),
    " AND t.state = 1 ORDER BY x.id FOR UPDATE OF x SKIP LOCKED)
     SELECT id FROM r UNION ALL SELECT id FROM s"
);
/// Locks those that nobody else has locked.
pub(crate) const LOCK: &str = concat!(
    "SELECT t.id FROM prismq.task t WHERE ",
    late!(),
    " AND t.state IN (0, 1) ORDER BY t.id FOR UPDATE OF t SKIP LOCKED"
);
/// All that have not started, with the end of the lease of one that is leased for the first time: it has not started,
/// perhaps.
pub(crate) const LOOK: &str =
    "SELECT t.id, t.lease_expires_at FROM prismq.task t WHERE t.id = ANY ($1) AND t.start_by <= $2
     AND (t.state IN (0, 1) AND t.attempt = 0 OR t.state = 2 AND t.attempt = 1) ORDER BY t.id";
/// Has tasks looked at again.
pub(crate) const AGAIN: &str = "INSERT INTO prismq.deadline (at, id)
     SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING";
/// Makes tasks dead that never ran; of each, its queue, the state it was in, and where it stood.
pub(crate) const END: &str = "WITH o AS MATERIALIZED (
         SELECT t.id, t.state, l.queue FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane WHERE t.id = ANY ($1)),
     t AS (UPDATE prismq.task t SET state = 3, error = $2, attempt = 0, lease_expires_at = NULL, suspect = false,
               start_by = NULL, run_at = $3, ended_at = $3, ending = nextval('prismq.ending')
           FROM o WHERE t.id = ANY (ARRAY[o.id]) RETURNING t.id, t.lane, t.line, t.ending, o.queue, o.state),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id, lane) SELECT queue, 3, ending, $3, id, lane FROM t)
     SELECT queue, state, id, lane, line FROM t";

/// In how many microseconds a task is looked at again that another transaction has locked.
const LOOK_AGAIN: i64 = 1_000_000;

/// The error of a task that expired.
const EXPIRED: &str = "expired: it was not started within its time to live";

impl Run<'_, '_> {
    /// Looks at tasks whose time to start has come, up to a bound. Those that others have locked, a transaction of the
    /// application's among them, keep no claim waiting: they are looked at again.
    pub(super) fn end_overdue(&mut self) -> Result<()> {
        let (now, from) = (self.now.monotonic.as_micros(), self.due_from.deadline);
        let taken = ids_of(&self.query(TAKE, &[&now, &STEP_TASKS_MAX, &from])?)?;
        let ids: Vec<i64> = taken.into_iter().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let late: [&dyn Value; 2] = [&ids, &now];
        let mut answers =
            self.query_all(&[(HOLD, late.as_slice()), (LOCK, &late), (LOOK, &late)])?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let (held, locked, rows) = (next(), next(), next());
        let (held, locked) = (ids_of(&held)?, ids_of(&locked)?);
        let (mut over, mut again, mut at) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let (id, lease_end): (i64, Option<i64>) = (row.column(0)?, row.column(1)?);
            if lease_end.is_none() && held.contains(&id) && locked.contains(&id) {
                over.push(id);
            } else {
                again.push(id);
                at.push(lease_end.unwrap_or(now + LOOK_AGAIN).max(now) + 1);
            }
        }
        if !again.is_empty() {
            self.execute(AGAIN, &[&at, &again])?;
        }
        self.end_late(&over)
    }

    /// Makes tasks dead that have not started in time.
    pub(super) fn end_late(&mut self, ids: &[i64]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.now.monotonic.as_micros();
        self.execute(LEAVE, &[&ids.to_vec()])?;
        for row in self.query(END, &[&ids.to_vec(), &EXPIRED, &now])? {
            let (queue, state): (i32, i16) = (row.column(0)?, row.column(1)?);
            let counters = self.counters.of(queue);
            counters.count(state, -1);
            counters.dead += 1;
            counters.expired += 1;
            if self.is_limited(row.column(3)?) {
                self.limits.left_lease(row.column(2)?);
                self.limits.removed(row.column(4)?);
            }
        }
        Ok(())
    }
}

/// Ids in the first column of rows, in order.
fn ids_of(rows: &[Row]) -> Result<BTreeSet<i64>> {
    rows.iter().map(|row| row.column(0)).collect()
}
