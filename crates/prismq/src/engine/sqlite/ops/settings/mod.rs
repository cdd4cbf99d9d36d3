//! Settings: limits, retry policies and, in this file, a queue's order, pause, history and retention.

pub(crate) mod limits;
pub(crate) mod retry;

use std::time::Duration;

use rusqlite::params;

use crate::engine::Answer;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::kept::{history, retention, type_retention};
use crate::engine::sqlite::batch::queues::Settings;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::manage::retain;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Error, Order, Result, Retention};

/// Outer error: SQL failed. Inner: the operation does not apply.
type Answered = Result<Result<Answer>>;

impl Writer {
    /// Outer error: SQL failed. Inner: the queue holds tasks.
    pub(crate) fn set_order(&mut self, queue: &str, order: Order) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        if self.settings_of(id)?.order().is_ok_and(|set| set == order) {
            return Ok(Ok(Answer::Ordered));
        }
        let tasks: u64 = self
            .prepare("SELECT ready + scheduled + leased FROM prismq_queue WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .map_err(|error| self.failure(error))?;
        if tasks > 0 {
            return Ok(Err(Error::NotEmpty { queue: queue.to_owned(), tasks }));
        }
        let (number, step) = match order {
            Order::Priority => (0, Duration::ZERO),
            Order::FirstInFirstOut => (1, Duration::ZERO),
            Order::LastInFirstOut => (2, Duration::ZERO),
            Order::Ageing { step } => (3, step),
            Order::WeightedRandom => (4, Duration::ZERO),
        };
        let step = i64::try_from(step.as_micros()).unwrap_or(i64::MAX);
        self.execute(
            "UPDATE prismq_queue SET ordering = ?2, ageing_step = ?3, virtual_time = 0 WHERE id = ?1",
            params![id, number, step],
        )?;
        self.ledger.queues.clear();
        Ok(Ok(Answer::Ordered))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_paused(&mut self, queue: &str, paused: bool) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.execute("UPDATE prismq_queue SET paused = ?2 WHERE id = ?1", params![id, paused])?;
        self.ledger.queues.clear();
        Ok(Ok(Answer::Paused(paused)))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_history(&mut self, queue: &str, keep: u32) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.execute("UPDATE prismq_queue SET keep = ?2 WHERE id = ?1", params![id, keep])?;
        self.ledger.queues.clear();
        let features = self.ledger.features;
        let left = history::prune(&self.connection, features, &self.ledger.log, id, STEP_TASKS_MAX);
        Ok(Ok(Answer::Pruned { more: left.map_err(|error| self.failure(error))? > 0 }))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_retention(&mut self, queue: &str, retention: Retention) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.ledger.queues.clear();
        let Self { ledger, connection, path, .. } = self;
        let mut prune = || {
            ledger.features.begin_using(connection, Features::RETENTION)?;
            retention::set(connection, id, retention)?;
            let left =
                history::prune(connection, ledger.features, &ledger.log, id, STEP_TASKS_MAX)?;
            let excess = retention::excess(connection, id, ledger.now)?;
            retain::delete(connection, ledger, id, &excess)?;
            Ok(left > 0 || excess.more)
        };
        let more = prune().map_err(|error| error::classify(path, error))?;
        Ok(Ok(Answer::Pruned { more }))
    }

    /// Sets or removes how long the ended tasks of a type are kept.
    pub(crate) fn set_type_retention(
        &mut self,
        task_type: &str,
        age: Option<Duration>,
        by_operator: bool,
    ) -> Result<Answer> {
        let Some(age) = age else {
            self.execute(type_retention::CLEAR, [task_type])?;
            return Ok(Answer::TypeRetentionSet);
        };
        let Self { ledger, connection, path, .. } = self;
        let used = Features::RETENTION | Features::TYPE_RETENTION;
        let used = ledger.features.begin_using(connection, used);
        used.map_err(|error| error::classify(path, error))?;
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        self.execute(type_retention::SET, params![task_type, by_operator, age])?;
        Ok(Answer::TypeRetentionSet)
    }

    /// The number of the queue of this name, added if it is new. The counters of the batch so far are written to its
    /// row.
    pub(super) fn queue_to_set(&mut self, queue: &str) -> Result<Result<i64>> {
        let Self { ledger, connection, path, .. } = self;
        ledger.queue_named(connection, queue).map_err(|error| error::classify(path, error))
    }

    /// How a queue is set.
    pub(crate) fn settings_of(&mut self, queue: i64) -> Result<Settings> {
        let settings = self.ledger.queues.of(&self.connection, queue);
        settings.map_err(|error| self.failure(error))
    }
}
