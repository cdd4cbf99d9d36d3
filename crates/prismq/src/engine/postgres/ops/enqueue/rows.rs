//! Tasks to be inserted by one statement.

use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::queues::{READY, SCHEDULED};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Value;
use crate::model::{KeyInputs, NewTask, Result};

/// Adds tasks to where they wait.
macro_rules! insert {
    ($elsewhere:literal) => {
        concat!(
            "WITH n AS MATERIALIZED (
         SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[], $5::integer[], $6::bigint[],
                              $7::bigint[], $8::bytea[], $9::integer[])
             AS n (id, lane, order_key, priority, max_attempts, run_at, start_by, payload, line)),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id)
           SELECT coalesce(line, lane), false, order_key, id FROM n WHERE run_at <= $10)",
            $elsewhere,
            "
     INSERT INTO prismq.task (id, lane, line, state, order_key, priority, max_attempts, enqueued_at, run_at, start_by,
         payload)
     SELECT id, lane, line, (run_at > $10)::integer, order_key, priority, max_attempts, $11, run_at, start_by, payload
     FROM n"
        )
    };
}
/// Where all are ready and none has a deadline: a tenth less work for the server.
const INSERT_READY: &str = insert!("");
const INSERT: &str = insert!(
    ",
     s AS (INSERT INTO prismq.scheduled (run_at, id) SELECT run_at, id FROM n WHERE run_at > $10),
     d AS (INSERT INTO prismq.deadline (at, id) SELECT start_by, id FROM n WHERE start_by IS NOT NULL)"
);

/// Payload bytes from which on a statement takes no more tasks.
const STATEMENT_BYTES_MAX: usize = 16 << 20;
/// Payload bytes up to which they are copied, so that the statement can be put off.
const COPIED_BYTES_MAX: usize = 256 << 10;
/// Most tasks of a statement.
const STATEMENT_TASKS_MAX: usize = 4096;

/// Tasks to be inserted, a column each.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    ids: Vec<i64>,
    lanes: Vec<i32>,
    keys: Vec<i64>,
    priorities: Vec<i32>,
    max_attempts: Vec<i32>,
    run_at: Vec<i64>,
    start_by: Vec<Option<i64>>,
    payloads: Vec<&'a [u8]>,
    lines: Vec<Option<i32>>,
    bytes: usize,
}

impl<'a> Rows<'a> {
    /// Adds a task, and inserts what there is if that is enough for a statement.
    pub(super) fn add(
        &mut self,
        run: &mut Run<'_, '_>,
        id: i64,
        task: &'a NewTask,
        (lane, line): (Lane, Option<i32>),
    ) -> Result<()> {
        let now = run.now;
        let settings = run.queue(lane.queue)?;
        let run_at = now.monotonic.after(task.delay_from(now));
        let counters = run.counters.of(lane.queue);
        counters.enqueued += 1;
        counters.count(if run_at > now.monotonic { SCHEDULED } else { READY }, 1);
        self.ids.push(id);
        self.lanes.push(lane.id);
        self.keys.push(settings.order.key(KeyInputs {
            id,
            priority: task.priority,
            run_at: run_at.as_micros(),
            virtual_time: settings.virtual_time,
            chance: fastrand::f64(),
        }));
        self.priorities.push(task.priority);
        self.max_attempts.push(i32::try_from(task.max_attempts).unwrap_or(i32::MAX));
        self.run_at.push(run_at.as_micros());
        let start_by = task.expires_after.map(|time| now.monotonic.after(time).as_micros());
        self.start_by.push(start_by);
        run.due_holds &= run_at <= now.monotonic && start_by.is_none();
        self.payloads.push(&task.payload);
        self.lines.push(line);
        if run_at <= now.monotonic {
            run.limits.added(line);
        }
        self.bytes += task.payload.len();
        if self.bytes >= STATEMENT_BYTES_MAX || self.ids.len() >= STATEMENT_TASKS_MAX {
            self.flush(run)?;
        }
        Ok(())
    }

    /// Inserts what there is.
    pub(super) fn flush(&mut self, run: &mut Run<'_, '_>) -> Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let (now, wall) = (run.now.monotonic.as_micros(), run.now.wall.as_micros());
        let params: [&dyn Value; 11] = [
            &self.ids,
            &self.lanes,
            &self.keys,
            &self.priorities,
            &self.max_attempts,
            &self.run_at,
            &self.start_by,
            &self.payloads,
            &self.lines,
            &now,
            &wall,
        ];
        let all_ready =
            self.run_at.iter().all(|at| *at <= now) && self.start_by.iter().all(Option::is_none);
        let insert = if all_ready { INSERT_READY } else { INSERT };
        if self.bytes <= COPIED_BYTES_MAX {
            run.put_off(insert, &params);
        } else {
            run.execute(insert, &params)?;
        }
        for ((lane, key), id) in self.lanes.iter().zip(&self.keys).zip(&self.ids) {
            run.add(*lane, (*key, *id));
        }
        *self = Self::default();
        Ok(())
    }
}
