//! Due tasks become ready, and expired leases are reclaimed: in bounded batches before the first claim of a
//! transaction. What another transaction is moving is passed over.

use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::queues::{DEAD, READY};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::model::Result;

/// Makes due tasks ready; suspects stay suspects.
pub(crate) const PROMOTE: &str = "WITH s AS (DELETE FROM prismq.scheduled WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM prismq.scheduled WHERE run_at <= $1 AND run_at >= $3 ORDER BY run_at, id LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING id),
     t AS (UPDATE prismq.task t SET state = 0 FROM s WHERE t.id = ANY (ARRAY[s.id])
           RETURNING t.id, t.lane, t.line, t.suspect, t.order_key),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), suspect, order_key, id FROM t)
     SELECT lane, count(*), line, min(order_key) FROM t GROUP BY lane, line";

/// Looks at leases whose time has come, and reclaims those that were not extended. Tasks that others have locked, such as
/// one that an application is completing in a transaction of its own, are looked at again a second later. An attempt that was not begun does
/// not count, so that a task does not die of another that killed its process. Its tasks may have killed the holder:
/// those that are not dead become suspects.
pub(crate) const RECLAIM: &str = "WITH h AS (DELETE FROM prismq.expiry WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM prismq.expiry WHERE at <= $1 AND at >= $5 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING ids),
     c AS MATERIALIZED (SELECT DISTINCT unnest(ids) AS id FROM h ORDER BY 1),
     o AS MATERIALIZED (SELECT t.id FROM c JOIN prismq.task t ON t.id = ANY (ARRAY[c.id])
         WHERE t.state = 2 AND t.lease_expires_at <= $1),
     x AS MATERIALIZED (
         SELECT t.id, t.begun, t.begun AND t.attempt >= t.max_attempts AS dies FROM o JOIN prismq.task t ON t.id = ANY (ARRAY[o.id])
         WHERE t.state = 2 AND t.lease_expires_at <= $1 ORDER BY o.id FOR UPDATE OF t SKIP LOCKED),
     l AS (INSERT INTO prismq.expiry (at, ids) SELECT $1 + 1000000, array_agg(id) FROM o
           WHERE id NOT IN (SELECT id FROM x) HAVING count(*) > 0),
     t AS (UPDATE prismq.task t SET
               state = CASE WHEN x.dies THEN 3 ELSE 0 END, suspect = NOT x.dies,
               error = CASE WHEN x.dies THEN $3 ELSE t.error END,
               attempt = t.attempt - (NOT x.begun AND t.attempt > 0)::integer,
               failures = t.failures + x.begun::integer,
               run_at = CASE WHEN x.dies THEN $1 ELSE t.run_at END,
               ended_at = CASE WHEN x.dies THEN $1 END,
               ending = CASE WHEN x.dies THEN nextval('prismq.ending') END,
               lease_expires_at = NULL
           FROM x WHERE t.id = ANY (ARRAY[x.id])
           RETURNING t.id, t.lane, t.line, t.failures, t.state, x.begun, t.token, t.attempt, t.order_key, t.ending),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), true, order_key, id FROM t WHERE state = 0),
     e AS (INSERT INTO prismq.ended (queue, state, ending, at, id, lane)
           SELECT l.queue, 3, t.ending, $1, t.id, t.lane FROM t JOIN prismq.lane l ON l.id = t.lane WHERE t.state = 3),
     a AS (INSERT INTO prismq.attempt (task, token, attempt, ended_at, error)
           SELECT id, token, attempt, $4, $3 FROM t WHERE begun)
     SELECT id, lane, failures, state FROM t";

/// Most hints of expiry that one transaction looks at, each of up to 32 leases.
const HINTS_MAX: i64 = 64;

const LEASE_EXPIRED: &str = "the lease expired before the attempt was settled";

impl Run<'_, '_> {
    /// Ends tasks that have not started in time, promotes due tasks and reclaims expired leases, each up to a bound.
    pub(crate) fn advance(&mut self) -> Result<()> {
        let (now, from) = (self.now.monotonic.as_micros(), self.due_from.scheduled);
        let is_due = |at: Option<i64>| at.is_some_and(|at| at <= now);
        self.due_holds &= self.due.first(self.now).is_none_or(|at| at > self.now.monotonic);
        if is_due(self.due.deadline) {
            self.end_overdue()?;
        }
        if is_due(self.due.scheduled) {
            for row in self.query(PROMOTE, &[&now, &STEP_TASKS_MAX, &from])? {
                let (lane, promoted): (i32, i64) = (row.column(0)?, row.column(1)?);
                let line: Option<i32> = row.column(2)?;
                self.add(lane, (row.column(3)?, i64::MIN));
                let Some(queue) = self.queue_of(lane)? else { continue };
                let counters = self.counters.of(queue);
                counters.scheduled -= promoted;
                counters.ready += promoted;
                self.limits.added(line);
            }
        }
        if is_due(self.due.expiry) {
            self.reclaim(now)?;
        }
        Ok(())
    }

    fn reclaim(&mut self, now: i64) -> Result<()> {
        let (wall, from) = (self.now.wall.as_micros(), self.due_from.expiry);
        let rows = self.end_leases(RECLAIM, &[&now, &HINTS_MAX, &LEASE_EXPIRED, &wall, &from])?;
        // Those that are ready are suspects, which claims look for from the first place each time.
        let mut reclaimed = Vec::with_capacity(rows.len());
        for row in &rows {
            let (id, lane, state): (i64, i32, i16) =
                (row.column(0)?, row.column(1)?, row.column(3)?);
            let Some(queue) = self.queue_of(lane)? else { continue };
            let counters = self.counters.of(queue);
            counters.leased -= 1;
            counters.reclaimed += 1;
            counters.count(if state == DEAD { DEAD } else { READY }, 1);
            reclaimed.push(id);
            if self.is_limited(lane) {
                self.limits.left_lease(id);
            }
            if state == DEAD {
                self.log_dead(id, lane, LEASE_EXPIRED);
            }
        }
        self.prune_attempts(&rows)?;
        self.end_requested(&reclaimed).map(drop)
    }
}
