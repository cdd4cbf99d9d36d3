//! What operators do with tasks by id: cancelling, deleting, redriving. Which tasks is decided before, by a read; here
//! each is changed only if it still is what it was.

mod cancel;
mod delete;
mod redrive;

use std::collections::HashMap;

use tokio_postgres::Row;

pub(crate) use self::cancel::REQUESTED;
use crate::engine::postgres::batch::queues::{self, LEASED, state};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::engine::postgres::client::tokens;
use crate::engine::postgres::ops::records;
use crate::engine::{Seen, Target};
use crate::model::{Result, State};

/// Locks where tasks wait or are kept, before the tasks: in the order in which a claim, a promotion and a pruning lock
/// them, so that neither of two transactions waits for the other.
pub(crate) const HOLD: &str =
    "WITH r AS MATERIALIZED (SELECT x.id FROM prismq.task t JOIN prismq.ready x ON x.lane = ANY (ARRAY[coalesce(t.line, t.lane)])
         AND x.suspect = t.suspect AND x.order_key = t.order_key AND x.id = t.id
         WHERE t.id = ANY ($1) AND t.state = 0 ORDER BY x.id FOR UPDATE OF x),
     s AS MATERIALIZED (SELECT x.id FROM prismq.task t JOIN prismq.scheduled x ON x.run_at = ANY (ARRAY[t.run_at]) AND x.id = t.id
         WHERE t.id = ANY ($1) AND t.state = 1 ORDER BY x.id FOR UPDATE OF x),
     e AS MATERIALIZED (SELECT x.id
         FROM (SELECT t.id, t.state, t.ending, l.queue FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane
               WHERE t.id = ANY ($1) AND t.state IN (3, 4, 6, 7, 8) OFFSET 0) t
         JOIN prismq.ended x ON x.queue = ANY (ARRAY[t.queue]) AND x.state = t.state AND x.ending = t.ending AND x.id = t.id
         ORDER BY x.id FOR UPDATE OF x)
     SELECT (SELECT count(*) FROM r), (SELECT count(*) FROM s), (SELECT count(*) FROM e)";
/// Tasks that may be changed: locked in the order of their ids, in which everyone locks them.
pub(crate) const FIND: &str =
    "SELECT t.id, l.queue, t.state, t.token, t.priority, t.attempt, t.max_attempts, t.line
     FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane WHERE t.id = ANY ($1)
     ORDER BY t.id FOR UPDATE OF t";
/// Takes tasks out of where they wait, or are kept.
pub(crate) const LEAVE: &str = "WITH k AS MATERIALIZED (
         SELECT t.id, coalesce(t.line, t.lane) AS lane, t.state, t.suspect, t.order_key, t.run_at, t.ending, l.queue
         FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane WHERE t.id = ANY ($1)),
     r AS (DELETE FROM prismq.ready x USING k WHERE k.state = 0 AND x.lane = ANY (ARRAY[k.lane]) AND x.suspect = k.suspect
           AND x.order_key = k.order_key AND x.id = k.id),
     s AS (DELETE FROM prismq.scheduled x USING k WHERE k.state = 1 AND x.run_at = ANY (ARRAY[k.run_at]) AND x.id = k.id),
     e AS (DELETE FROM prismq.ended x USING k WHERE k.state IN (3, 4, 6, 7, 8) AND x.queue = ANY (ARRAY[k.queue]) AND x.state = k.state
           AND x.ending = k.ending AND x.id = k.id)
     SELECT";
/// Deletes tasks.
pub(crate) const REMOVE: &str = concat!(
    "WITH d AS (DELETE FROM prismq.task WHERE id = ANY ($1) RETURNING id, failures > 0 OR noted AS recorded), ",
    records!(),
    " SELECT"
);

/// A stored task, as far as changing it needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    id: i64,
    pub(super) queue: i32,
    pub(super) state: i16,
    token: i64,
    pub(super) priority: i32,
    attempt: u32,
    max_attempts: u32,
    /// That of its key.
    pub(super) line: Option<i32>,
}

impl Stored {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.column(0)?,
            queue: row.column(1)?,
            state: row.column(2)?,
            token: row.column(3)?,
            priority: row.column(4)?,
            attempt: row.number(5)?,
            max_attempts: row.number(6)?,
            line: row.column(7)?,
        })
    }

    /// Whether it is what was found. The next claim gives a token that is one higher, or the lowest of its session.
    const fn is_same(&self, seen: Seen) -> bool {
        let is_kept = queues::is_kept(self.state);
        match seen {
            Seen::Nothing => true,
            Seen::Kept => is_kept,
            Seen::Stored { token } if self.state == LEASED => {
                let is_first = self.token > token && tokens::may_be_lowest(self.token);
                self.token == token || self.token == token + 1 || is_first
            }
            Seen::Stored { token } => !is_kept && self.token == token,
        }
    }
}

impl Run<'_, '_> {
    /// Those of the tasks that still are what they were, and are in one of the states; empty for all. In the order in which
    /// they were asked for.
    pub(super) fn find(&mut self, targets: &[Target], states: &[State]) -> Result<Vec<Stored>> {
        let ids: Vec<i64> = targets.iter().map(|target| target.id.as_i64()).collect();
        let mut answers = self.query_all(&[(HOLD, &[&ids]), (FIND, &[&ids])])?;
        let rows = answers.pop().unwrap_or_default();
        let mut stored: HashMap<i64, Stored> = HashMap::with_capacity(rows.len());
        for row in &rows {
            let task = Stored::read(row)?;
            if states.is_empty() || states.contains(&state(task.state)?) {
                stored.insert(task.id, task);
            }
        }
        let same = |target: &Target| {
            stored.remove(&target.id.as_i64()).filter(|task| task.is_same(target.seen))
        };
        Ok(targets.iter().filter_map(same).collect())
    }

    /// Deletes tasks, and all that is stored of them.
    fn remove(&mut self, tasks: &[Stored]) -> Result<()> {
        if tasks.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = tasks.iter().map(|task| task.id).collect();
        self.execute(LEAVE, &[&ids])?;
        self.execute(REMOVE, &[&ids])?;
        for task in tasks {
            self.counters.of(task.queue).count(task.state, -1);
            self.limits.removed(task.line);
        }
        Ok(())
    }
}
