//! Putting dead tasks back.

use crate::engine::postgres::client::Value;

use super::LEAVE;
use crate::engine::postgres::batch::queues::{READY, SCHEDULED};
use crate::engine::postgres::batch::run::Run;
use crate::engine::{Revival, Target};
use crate::model::{KeyInputs, Result, State};

/// Makes dead tasks wait again, under a higher token: whoever found them dead does not find them again. They had started in time, or were late already: their time to live is over.
pub(crate) const REVIVE: &str = "WITH t AS (UPDATE prismq.task t SET
         state = (k.run_at > $6)::integer, order_key = k.order_key, run_at = k.run_at, attempt = k.attempt,
         max_attempts = k.max_attempts, token = t.token + 1, begun = false, suspect = false, start_by = NULL, ended_at = NULL, ending = NULL
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::integer[])
             k (id, order_key, run_at, attempt, max_attempts)
         WHERE t.id = ANY (ARRAY[k.id]) RETURNING t.id, t.lane, t.line, t.order_key, t.run_at, t.state),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), false, order_key, id FROM t WHERE state = 0)
     INSERT INTO prismq.scheduled (run_at, id) SELECT run_at, id FROM t WHERE state = 1";

impl Run<'_, '_> {
    /// Puts those of the tasks back that are dead, and returns how many.
    ///
    /// Each gets a new place in its queue's order, as that may have been set since it was enqueued; in an order of ids
    /// it is the old one.
    pub(crate) fn redrive(&mut self, targets: &[Target], revival: Revival) -> Result<u64> {
        let dead = self.find(targets, &[State::Dead])?;
        let now = self.now.monotonic;
        let (mut ids, mut keys, mut run_at) = (Vec::new(), Vec::new(), Vec::new());
        let (mut attempts, mut most) = (Vec::new(), Vec::new());
        for (task, place) in dead.iter().zip(0..) {
            let due = revival.due_after(place).max(now);
            let settings = self.queue(task.queue)?;
            ids.push(task.id);
            keys.push(settings.order.key(KeyInputs {
                id: task.id,
                priority: task.priority,
                run_at: due.as_micros(),
                virtual_time: settings.virtual_time,
                chance: fastrand::f64(),
            }));
            run_at.push(due.as_micros());
            let (attempt, max_attempts) = revival.attempts(task.attempt, task.max_attempts);
            attempts.push(i32::try_from(attempt).unwrap_or(i32::MAX));
            most.push(i32::try_from(max_attempts).unwrap_or(i32::MAX));
            let counters = self.counters.of(task.queue);
            counters.dead -= 1;
            counters.count(if due > now { SCHEDULED } else { READY }, 1);
            if due <= now {
                self.limits.added(task.line);
            }
        }
        if !ids.is_empty() {
            let now = now.as_micros();
            let params: [&dyn Value; 6] = [&ids, &keys, &run_at, &attempts, &most, &now];
            self.execute(LEAVE, &[&ids])?;
            self.execute(REVIVE, &params)?;
        }
        Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
    }
}
