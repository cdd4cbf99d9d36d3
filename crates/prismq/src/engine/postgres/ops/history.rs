//! Deleting ended tasks beyond those that a queue is set to keep.

use std::time::Duration;

use crate::engine::postgres::batch::queues::{CANCELLED, COMPLETED, DEAD};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::send::Ticket;
use crate::engine::postgres::client::Columns;
use crate::engine::postgres::ops::records;
use crate::engine::postgres::ops::settings::type_retention::LANES;
use crate::model::limits::HISTORY_MAX;
use crate::model::{Error, Keep, Result, Retention};
use crate::time::Timestamp;

/// Whether no other transaction prunes the queue. Two that count at the same time would both delete what is beyond,
/// each passing over what the other has locked. The queue's row cannot be the lock: every enqueue under a depth limit
/// has it.
pub(crate) const LOCK: &str =
    "SELECT pg_catalog.pg_try_advisory_xact_lock('prismq.queue'::regclass::integer, $1)";
/// How many ended tasks of a queue there are, and which are to be kept.
pub(crate) const KEPT: &str = "WITH c AS MATERIALIZED (
         SELECT coalesce(kept, 0) - coalesce(kept_by_type, 0) AS kept,
                coalesce(cancelled_kept, 0) - coalesce(cancelled_kept_by_type, 0) AS cancelled_kept, dead
         FROM prismq.counter WHERE queue = $1
         UNION ALL
         SELECT coalesce(kept, 0) - coalesce(kept_by_type, 0),
                coalesce(cancelled_kept, 0) - coalesce(cancelled_kept_by_type, 0), dead
         FROM prismq.counter_delta WHERE queue = $1)
     SELECT (SELECT coalesce(sum(kept), 0)::bigint FROM c), (SELECT coalesce(sum(cancelled_kept), 0)::bigint FROM c),
            (SELECT coalesce(sum(dead), 0)::bigint FROM c),
            q.keep, q.completed_age, q.cancelled_keep, q.cancelled_age, q.dead_keep, q.dead_age
     FROM prismq.queue q WHERE q.id = $1";
/// Deletes the first of a queue's ended tasks: so many, and those that ended by this time, up to a bound; not those of
/// these lanes, whose types have a retention.
pub(crate) const PRUNE: &str = concat!(
    "WITH e AS (DELETE FROM prismq.ended WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM (SELECT ctid, at, row_number() OVER (ORDER BY ending, id) AS place FROM (
             SELECT ctid, at, ending, id FROM prismq.ended WHERE queue = $1 AND state = $2
                 AND (lane IS NULL OR lane <> ALL ($6))
             ORDER BY queue, state, ending, id LIMIT $5 FOR UPDATE SKIP LOCKED) f) o
         WHERE place <= $3 OR at <= $4))
         RETURNING id),
     d AS (DELETE FROM prismq.task t USING e WHERE t.id = ANY (ARRAY[e.id]) RETURNING t.id, t.failures > 0 OR t.noted AS recorded), ",
    records!(),
    " SELECT count(*) FROM e"
);
/// Sets which ended tasks of a queue are kept.
pub(crate) const SET: &str =
    "UPDATE prismq.queue SET keep = $2, completed_age = $3, cancelled_keep = $4,
         cancelled_age = $5, dead_keep = $6, dead_age = $7
     WHERE id = $1";

/// At most so many queues share a round trip, so that its answer comes before the client stops waiting for it.
const QUEUES_AT_ONCE: usize = 16;

/// What was asked of a queue.
struct Asked {
    /// Whether it is locked now.
    lock: Ticket,
    /// Its settings, and how many ended tasks it has.
    kept: Ticket,
    /// Those whose types have a retention.
    lanes: Option<Ticket>,
}

/// Tasks of a queue in one state that are deleted: at most so many.
struct Deletion {
    queue: i32,
    state: i16,
    most: i64,
    ticket: Ticket,
}

impl Run<'_, '_> {
    /// Deletes at most so many of each kind of ended tasks beyond the settings of these queues; whether more may be left.
    /// The counters so far must have been written: they are counted. A queue that another transaction prunes is left to it.
    pub(crate) fn prune(&mut self, queues: &[(i32, i64)]) -> Result<bool> {
        let mut more = false;
        for queues in queues.chunks(QUEUES_AT_ONCE) {
            let asked: Vec<_> = queues.iter().map(|(queue, _)| self.ask(*queue)).collect();
            self.send_put_off()?;
            let mut deletions = Vec::new();
            for ((queue, most), asked) in queues.iter().zip(asked) {
                deletions.extend(self.delete_beyond(*queue, *most, &asked)?);
            }
            if deletions.is_empty() {
                continue;
            }
            self.send_put_off()?;
            for deletion in &deletions {
                more |= self.count_deleted(deletion)?;
            }
        }
        Ok(more)
    }

    /// Locks a queue, if no other transaction has, and counts its ended tasks.
    fn ask(&mut self, queue: i32) -> Asked {
        // The lock comes first: a statement counts what was committed before it began.
        Asked {
            lock: self.put_off(LOCK, &[&queue]),
            kept: self.put_off(KEPT, &[&queue]),
            lanes: self.has_type_retention.then(|| self.put_off(LANES, &[&queue])),
        }
    }

    /// Deletes what is beyond a queue's settings, with the next statement that is sent.
    fn delete_beyond(&mut self, queue: i32, most: i64, asked: &Asked) -> Result<Vec<Deletion>> {
        let is_locked =
            self.take_answer(asked.lock).first().map_or(Ok(false), |row| row.column(0))?;
        let kept = self.take_answer(asked.kept);
        let Some(row) = kept.first().filter(|_| is_locked) else { return Ok(Vec::new()) };
        let wall = self.now.wall;
        let lanes = asked.lanes.map(|lanes| self.take_answer(lanes)).unwrap_or_default();
        let lanes: Vec<i32> = lanes.iter().map(|row| row.column(0)).collect::<Result<_>>()?;
        let mut deletions = Vec::new();
        let kinds = [
            (COMPLETED, row.column(0)?, row.column::<Option<i32>>(3)?, row.column(4)?, wall),
            (CANCELLED, row.column(1)?, row.column(5)?, row.column(6)?, wall),
            (DEAD, row.column(2)?, row.column(7)?, row.column(8)?, self.now.monotonic),
        ];
        for (state, count, keep, age, now) in kinds {
            let mut count: i64 = count;
            if state == DEAD
                && !lanes.is_empty()
                && let Some(keep) = keep.filter(|keep| count > i64::from(*keep))
            {
                count = self.count_other_dead(queue, &lanes, i64::from(keep) + most + 1)?;
            }
            let beyond = keep.map_or(0, |keep| (count - i64::from(keep)).max(0));
            let ended_by = ended_by(now, age);
            if count <= 0 || (beyond == 0 && ended_by.is_none()) {
                continue;
            }
            let ended_by = ended_by.unwrap_or(i64::MIN);
            let ticket = self.put_off(PRUNE, &[&queue, &state, &beyond, &ended_by, &most, &lanes]);
            deletions.push(Deletion { queue, state, most, ticket });
        }
        Ok(deletions)
    }

    /// Counts what was deleted; whether more may be left.
    fn count_deleted(&mut self, deletion: &Deletion) -> Result<bool> {
        let Deletion { queue, state, most, ticket } = *deletion;
        let answer = self.take_answer(ticket);
        let deleted: i64 = answer.first().ok_or_else(Error::unanswered)?.column(0)?;
        let counters = self.counters.of(queue);
        counters.count(state, -deleted);
        counters.deleted += if state == DEAD { deleted } else { 0 };
        Ok(deleted >= most)
    }

    /// Sets which ended tasks of a queue are kept.
    pub(super) fn set_kept(&mut self, queue: i32, retention: Retention) -> Result<()> {
        let Retention { completed, cancelled, dead } = retention;
        let tasks = |keep: Keep| keep.tasks.map(|tasks| i32::try_from(tasks).unwrap_or(i32::MAX));
        let age =
            |keep: Keep| keep.age.map(|age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        let keep = tasks(completed).unwrap_or(i32::try_from(HISTORY_MAX).unwrap_or(i32::MAX));
        let (completed_age, cancelled_keep, cancelled_age) =
            (age(completed), tasks(cancelled), age(cancelled));
        let (dead_keep, dead_age) = (tasks(dead), age(dead));
        self.execute(
            SET,
            &[
                &queue,
                &keep,
                &completed_age,
                &cancelled_keep,
                &cancelled_age,
                &dead_keep,
                &dead_age,
            ],
        )
    }
}

/// The time that tasks of this age ended by.
fn ended_by(now: Timestamp, age: Option<i64>) -> Option<i64> {
    let age = Duration::from_micros(u64::try_from(age?).unwrap_or(0));
    Some(now.before(age).as_micros())
}
