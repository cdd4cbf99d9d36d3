//! How each queue is set, read anew by every transaction, as another process may have set it.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, Result, Row, params};

use super::{SqliteStore, failure, history};
use crate::error::Error;
use crate::limits::ADVANCE_BATCH_MAX;
use crate::order::Order;
use crate::store::Answer;

/// How a queue is set right now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    ordering: i64,
    ageing_step: i64,
    /// How far virtual time has come, where the order needs it.
    pub(super) virtual_time: i64,
    /// Whether nothing is to be claimed.
    pub(super) paused: bool,
    /// How many completed tasks are kept.
    pub(super) keep: i64,
    /// How many suspects are ready, but for what the transaction has counted since.
    pub(super) suspects: i64,
    changed: bool,
}

impl Settings {
    /// An error for an order that there is not, which concerns only those who need it.
    pub(super) fn order(&self) -> Result<Order> {
        let unknown = |what, number: i64| {
            let remedy = "Queue::set_order sets it anew while the queue is empty";
            failure::damaged(format!(
                "a queue has the {what} {number}, which there is not: {remedy}"
            ))
        };
        match self.ordering {
            0 => Ok(Order::Priority),
            1 => Ok(Order::FirstInFirstOut),
            2 => Ok(Order::LastInFirstOut),
            3 => u64::try_from(self.ageing_step)
                .map(|step| Order::Ageing { step: Duration::from_micros(step) })
                .map_err(|_| unknown("ageing step", self.ageing_step)),
            4 => Ok(Order::WeightedRandom),
            other => Err(unknown("order", other)),
        }
    }

    /// The key from which on the queue's keys are in order.
    pub(super) fn first_key(&self) -> i64 {
        self.order().map_or(i64::MIN, |order| order.first_key(self.virtual_time))
    }
}

/// Outer error: SQL failed. Inner: the operation does not apply.
type Answered = crate::error::Result<crate::error::Result<Answer>>;

/// What the transaction in progress knows of its queues.
#[derive(Debug, Default)]
pub(super) struct Queues {
    by_queue: HashMap<i64, Settings>,
}

impl Queues {
    pub(super) fn of(&mut self, connection: &Connection, queue: i64) -> Result<Settings> {
        if let Some(settings) = self.by_queue.get(&queue) {
            return Ok(*settings);
        }
        let settings = connection
            .prepare_cached(
                "SELECT ordering, ageing_step, virtual_time, paused, keep, suspects
                 FROM queue WHERE id = ?1",
            )?
            .query_row([queue], settings)?;
        self.by_queue.insert(queue, settings);
        Ok(settings)
    }

    /// A task with this key was claimed: later arrivals under a weighted order start from there.
    pub(super) fn claimed(&mut self, connection: &Connection, queue: i64, key: i64) -> Result<()> {
        let settings = self.of(connection, queue)?;
        let before = settings.virtual_time;
        let virtual_time = settings.order().map_or(before, |order| order.time_after(before, key));
        if virtual_time != before {
            self.by_queue.insert(queue, Settings { virtual_time, changed: true, ..settings });
        }
        Ok(())
    }

    /// Writes what changed and forgets the rest.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        for (queue, settings) in self.by_queue.drain().filter(|(_, settings)| settings.changed) {
            connection
                .prepare_cached("UPDATE queue SET virtual_time = ?2 WHERE id = ?1")?
                .execute([queue, settings.virtual_time])?;
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.by_queue.clear();
    }
}

fn settings(row: &Row<'_>) -> Result<Settings> {
    Ok(Settings {
        ordering: row.get(0)?,
        ageing_step: row.get(1)?,
        virtual_time: row.get(2)?,
        paused: row.get(3)?,
        keep: row.get(4)?,
        suspects: row.get(5)?,
        changed: false,
    })
}

impl SqliteStore {
    /// Outer error: SQL failed. Inner: the queue holds tasks.
    pub(super) fn set_order(&mut self, queue: &str, order: Order) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        if self.settings_of(id)?.order().is_ok_and(|set| set == order) {
            return Ok(Ok(Answer::Ordered));
        }
        let tasks: u64 = self
            .prepare("SELECT ready + scheduled + leased + dead FROM queue WHERE id = ?1")?
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
            "UPDATE queue SET ordering = ?2, ageing_step = ?3, virtual_time = 0 WHERE id = ?1",
            params![id, number, step],
        )?;
        self.ledger.queues.clear();
        Ok(Ok(Answer::Ordered))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(super) fn set_paused(&mut self, queue: &str, paused: bool) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.execute("UPDATE queue SET paused = ?2 WHERE id = ?1", params![id, paused])?;
        self.ledger.queues.clear();
        Ok(Ok(Answer::Paused(paused)))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(super) fn set_history(&mut self, queue: &str, keep: u32) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.execute("UPDATE queue SET keep = ?2 WHERE id = ?1", params![id, keep])?;
        self.ledger.queues.clear();
        let left = history::prune(&self.connection, &self.ledger.remarks, id, ADVANCE_BATCH_MAX);
        Ok(Ok(Answer::Pruned { more: left.map_err(|error| self.failure(error))? > 0 }))
    }

    /// The number of the queue of this name, made if there is room for it, with all that the batch so far
    /// has counted for it in the table.
    fn queue_to_set(&mut self, queue: &str) -> crate::error::Result<crate::error::Result<i64>> {
        let Self { ledger, connection, path, .. } = self;
        ledger.queue_named(connection, queue).map_err(|error| failure::classify(path, error))
    }

    /// How a queue is set.
    pub(super) fn settings_of(&mut self, queue: i64) -> crate::error::Result<Settings> {
        let settings = self.ledger.queues.of(&self.connection, queue);
        settings.map_err(|error| self.failure(error))
    }
}
