//! Cancelling tasks: one that waits ends at once, one that runs when its attempt does.
//!
//! A request to cancel a running task is a row that names the token of its lease. The pool that holds the task notifies
//! its handler. Whatever then ends the lease, except a completion, ends the task as cancelled: a failure, a release, its
//! expiry. Transactions look for requests only if there are some once they have ended leases.

use std::collections::HashSet;

use tokio_postgres::Row;

use super::{LEAVE, Stored};
use crate::engine::postgres::batch::queues::{CANCELLED, CANCELLED_BY_TYPE, DEAD, LEASED, is_kept};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::{Cancelled, Seen, Target, Targets};
use crate::model::{Result, TaskId};

/// Requests that running tasks be cancelled.
pub(crate) const REQUEST: &str = "INSERT INTO prismq.cancel (task, token)
     SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT (task) DO UPDATE SET token = excluded.token";
/// Of these tasks, those that are to be cancelled and do not run any more.
pub(crate) const STOPPED: &str =
    "SELECT t.id, l.queue, t.state, t.token, t.priority, t.attempt, t.max_attempts, t.line
     FROM prismq.cancel c JOIN prismq.task t ON t.id = ANY (ARRAY[c.task]) JOIN prismq.lane l ON l.id = t.lane
     WHERE c.task = ANY ($1) AND t.state <> 2 ORDER BY c.task FOR UPDATE OF t";
/// Whether any task is to be cancelled.
pub(crate) const ANY: &str = "SELECT EXISTS (SELECT FROM prismq.cancel)";
/// All tasks that are to be cancelled.
pub(crate) const REQUESTED: &str = "SELECT task, token FROM prismq.cancel ORDER BY task";
/// Ends requests.
pub(crate) const WITHDRAW: &str = "DELETE FROM prismq.cancel WHERE task = ANY ($1)";
/// Ends tasks as cancelled that are kept, by the retention of their queue or of their type.
pub(crate) const END_KEPT: &str = "WITH t AS (UPDATE prismq.task t SET
         state = k.state, lease_expires_at = NULL, suspect = false, start_by = NULL, ended_at = $3,
         ending = nextval('prismq.ending')
         FROM unnest($1::bigint[], $2::integer[], $4::smallint[], $5::bigint[]) k (id, queue, state, at)
         WHERE t.id = ANY (ARRAY[k.id]) RETURNING t.id, t.ending, k.queue, k.state, k.at)
     INSERT INTO prismq.ended (queue, state, ending, at, id) SELECT queue, state, ending, at, id FROM t";

impl Run<'_, '_> {
    /// Cancels those of the tasks that wait, and requests it of those that run. Dead tasks have ended.
    pub(crate) fn cancel(&mut self, targets: &Targets) -> Result<Cancelled> {
        let found = self.find(&targets.tasks, &targets.states)?;
        let running: Vec<&Stored> = found.iter().filter(|task| task.state == LEASED).collect();
        if !running.is_empty() {
            let ids: Vec<i64> = running.iter().map(|task| task.id).collect();
            let tokens: Vec<i64> = running.iter().map(|task| task.token).collect();
            self.execute(REQUEST, &[&ids, &tokens])?;
            self.has_cancel_requests = true;
        }
        let requested =
            running.iter().map(|task| (TaskId::from_i64(task.id), task.token)).collect();
        let waits = |task: &&Stored| !matches!(task.state, LEASED | DEAD) && !is_kept(task.state);
        let waiting: Vec<Stored> = found.iter().filter(waits).copied().collect();
        self.end(&waiting)?;
        Ok(Cancelled { ended: u64::try_from(waiting.len()).unwrap_or(u64::MAX), requested })
    }

    /// Runs a statement that ends leases, and looks in the same round trip whether any task is to be cancelled. Not
    /// earlier: a request may be committed while the statement waits for its task. From then on the tasks are locked,
    /// and who would request it of one finds that it does not run.
    pub(crate) fn end_leases(
        &mut self,
        sql: &'static str,
        params: &[&dyn Value],
    ) -> Result<Vec<Row>> {
        if self.has_cancel_requests {
            return self.query(sql, params);
        }
        let mut answers = self.query_all(&[(sql, params), (ANY, &[])])?;
        let any = answers.pop().unwrap_or_default();
        self.has_cancel_requests = any.first().map_or(Ok(false), |row| row.column(0))?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Ends those of the tasks as cancelled of which that was requested and that do not run any more; returns them.
    pub(crate) fn end_requested(&mut self, ids: &[i64]) -> Result<HashSet<i64>> {
        if !self.has_cancel_requests || ids.is_empty() {
            return Ok(HashSet::new());
        }
        let rows = self.query(STOPPED, &[&ids.to_vec()])?;
        let stopped: Vec<Stored> = rows.iter().map(Stored::read).collect::<Result<_>>()?;
        self.end(&stopped)?;
        let ended: Vec<i64> = stopped.iter().map(|task| task.id).collect();
        self.withdraw_requests(&ended)?;
        Ok(ended.into_iter().collect())
    }

    /// Ends tasks as cancelled that do not run any more.
    pub(crate) fn end_as_cancelled(&mut self, ids: &[i64]) -> Result<()> {
        let target = |id: &i64| Target { id: TaskId::from_i64(*id), seen: Seen::Nothing };
        let targets: Vec<Target> = ids.iter().map(target).collect();
        if targets.is_empty() {
            return Ok(());
        }
        let stopped: Vec<Stored> =
            self.find(&targets, &[])?.into_iter().filter(|task| task.state != LEASED).collect();
        self.end(&stopped)?;
        self.withdraw_requests(ids)
    }

    /// Drops the requests to cancel these tasks, which have ended.
    pub(crate) fn withdraw_requests(&mut self, ids: &[i64]) -> Result<()> {
        if !self.has_cancel_requests || ids.is_empty() {
            return Ok(());
        }
        self.execute(WITHDRAW, &[&ids.to_vec()])
    }

    /// Ends tasks as cancelled, and keeps those whose queues do so.
    fn end(&mut self, tasks: &[Stored]) -> Result<()> {
        let wall = self.now.wall.as_micros();
        let ids: Vec<i64> = tasks.iter().map(|task| task.id).collect();
        let until = self.kept_by_type_until(&ids)?;
        let mut dropped = Vec::new();
        let (mut ids, mut queues) = (Vec::new(), Vec::new());
        let (mut states, mut at) = (Vec::new(), Vec::new());
        for task in tasks {
            self.counters.of(task.queue).cancelled += 1;
            let (state, ended) = match until.get(&task.id) {
                Some(until) => (CANCELLED_BY_TYPE, *until),
                None if self.queue(task.queue)?.keeps_cancelled => (CANCELLED, wall),
                None => {
                    dropped.push(*task);
                    continue;
                }
            };
            ids.push(task.id);
            queues.push(task.queue);
            states.push(state);
            at.push(ended);
            let counters = self.counters.of(task.queue);
            counters.count(task.state, -1);
            counters.count(state, 1);
            self.limits.removed(task.line);
        }
        self.remove(&dropped)?;
        if ids.is_empty() {
            return Ok(());
        }
        let params: [&dyn Value; 5] = [&ids, &queues, &wall, &states, &at];
        self.execute(LEAVE, &[&ids])?;
        self.execute(END_KEPT, &params)
    }
}
