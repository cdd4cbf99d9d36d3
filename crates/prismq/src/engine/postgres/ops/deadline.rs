//! Time to live: a task that has not started in time becomes a dead letter.
//!
//! Tasks whose time has come are looked at before the first claim of a transaction, up to a bound. A claim checks what
//! it leases as well, so that no task is given late however many are due; and a lease says when its task must have
//! started, for a pool that holds it ahead.

use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::columns::Columns;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::ops::manage::LEAVE;
use crate::model::Result;

/// Takes the tasks to be looked at, and returns those that have not started. One that is leased for the first time has
/// not started, perhaps, and is looked at again after its lease.
pub(crate) const LOOK: &str = "WITH d AS (DELETE FROM prismq.deadline WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM prismq.deadline WHERE at <= $1 ORDER BY at, id LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING id),
     t AS MATERIALIZED (SELECT t.id, t.state, t.attempt, t.lease_expires_at FROM d JOIN prismq.task t ON t.id = d.id
           WHERE t.start_by <= $1 AND (t.state IN (0, 1) AND t.attempt = 0 OR t.state = 2 AND t.attempt = 1)
           FOR UPDATE OF t),
     l AS (INSERT INTO prismq.deadline (at, id)
           SELECT greatest(lease_expires_at, $1) + 1, id FROM t WHERE state = 2 ON CONFLICT DO NOTHING)
     SELECT id FROM t WHERE state <> 2 ORDER BY id";
/// Makes tasks dead that never ran; of each, its queue, the state it was in, and where it stood.
pub(crate) const END: &str = "WITH o AS MATERIALIZED (
         SELECT t.id, t.state, l.queue FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane WHERE t.id = ANY ($1)),
     t AS (UPDATE prismq.task t SET state = 3, error = $2, attempt = 0, lease_expires_at = NULL, suspect = false,
               start_by = NULL, run_at = $3, ended_at = $3, ending = nextval('prismq.ending')
           FROM o WHERE t.id = o.id RETURNING t.id, t.lane, t.line, t.ending, o.queue, o.state),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id, lane) SELECT queue, 3, ending, $3, id, lane FROM t)
     SELECT queue, state, id, lane, line FROM t";

/// The error of a task that expired.
const EXPIRED: &str = "expired: it was not started within its time to live";

impl Run<'_, '_> {
    /// Looks at tasks whose time to start has come, up to a bound.
    pub(super) fn end_overdue(&mut self) -> Result<()> {
        let now = self.now.monotonic.as_micros();
        let rows = self.query(LOOK, &[&now, &STEP_TASKS_MAX])?;
        let ids: Vec<i64> = rows.iter().map(|row| row.column(0)).collect::<Result<_>>()?;
        self.end_late(&ids)
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
