//! Settings: limits, retry policies, the retention of types and, in this file, a queue's order, pause, history, retention and depth.

pub(crate) mod limits;
pub(crate) mod retry;
pub(crate) mod type_retention;

use crate::engine::Answer;
use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::queues;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::enqueue::depth::LIVE;
use crate::model::{Error, Order, Result, Retention};

/// Outer error: SQL failed. Inner: the operation does not apply.
type Answered = Result<Result<Answer>>;

/// Waits for every transaction, which has read the row of `prismq.meta` and may add tasks by the settings of then, and keeps
/// others from beginning. Not for long, as others wait behind it: whoever sets the order tries again.
const LOCK_SETTINGS: &str = "LOCK TABLE prismq.meta IN ACCESS EXCLUSIVE MODE";
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = 200";
const SET_ORDER: &str = "WITH v AS (DELETE FROM prismq.virtual_time WHERE queue = $1)
     UPDATE prismq.queue SET ordering = $2, ageing_step = $3 WHERE id = $1";
const SET_PAUSED: &str = "UPDATE prismq.queue SET paused = $2 WHERE id = $1";
const SET_HISTORY: &str = "UPDATE prismq.queue SET keep = $2 WHERE id = $1";
const SET_DEPTH: &str = "UPDATE prismq.queue SET depth = $2 WHERE id = $1";

impl Run<'_, '_> {
    /// Outer error: SQL failed. Inner: the queue holds tasks.
    pub(crate) fn set_order(&mut self, queue: &str, order: Order) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        if self.queue(id)?.order == order {
            return Ok(Ok(Answer::Ordered));
        }
        self.write_counters();
        // A queue that holds tasks is refused without keeping others waiting.
        for locks in [[].as_slice(), &[LOCK_WAIT, LOCK_SETTINGS]] {
            locks.iter().try_for_each(|lock| self.execute(lock, &[]))?;
            let tasks: i64 = self.row(LIVE, &[&id])?.column(0)?;
            if tasks > 0 {
                let tasks = u64::try_from(tasks).unwrap_or(u64::MAX);
                return Ok(Err(Error::NotEmpty { queue: queue.to_owned(), tasks }));
            }
        }
        let (number, step) = queues::stored(order);
        self.set(id, SET_ORDER, &[&id, &number, &step])?;
        Ok(Ok(Answer::Ordered))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_paused(&mut self, queue: &str, paused: bool) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.set(id, SET_PAUSED, &[&id, &paused])?;
        Ok(Ok(Answer::Paused(paused)))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_history(&mut self, queue: &str, keep: u32) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.set(id, SET_HISTORY, &[&id, &i32::try_from(keep).unwrap_or(i32::MAX)])?;
        self.pruned(id)
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_retention(&mut self, queue: &str, retention: Retention) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.set_kept(id, retention)?;
        self.forget_queue(id);
        self.forget_settings();
        self.pruned(id)
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_depth(&mut self, queue: &str, limit: Option<u32>) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        self.set(id, SET_DEPTH, &[&id, &limit])?;
        Ok(Ok(Answer::DepthSet))
    }

    fn set(&mut self, queue: i32, sql: &'static str, params: &[&dyn Value]) -> Result<()> {
        self.execute(sql, params)?;
        self.forget_queue(queue);
        self.forget_settings();
        Ok(())
    }

    fn pruned(&mut self, queue: i32) -> Answered {
        self.write_counters();
        Ok(Ok(Answer::Pruned { more: self.prune(&[(queue, STEP_TASKS_MAX)])? }))
    }
}
