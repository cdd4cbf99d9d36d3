//! The settings of each queue, read again by every transaction, as another process may have changed them.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, Result, Row};

use crate::engine::sqlite::error;
use crate::model::Order;

/// The settings of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    ordering: i64,
    ageing_step: i64,
    /// The virtual time, under a weighted order.
    pub(crate) virtual_time: i64,
    /// Whether the queue is paused.
    pub(crate) paused: bool,
    /// How many completed tasks are kept.
    pub(crate) keep: i64,
    /// How many tasks may be leased, if that is bounded.
    pub(crate) concurrency: Option<i64>,
    /// How many are, without the changes of the transaction in progress.
    pub(crate) leased: i64,
    /// How many suspects are ready, without the changes of the transaction in progress.
    pub(crate) suspects: i64,
    changed: bool,
}

impl Settings {
    /// The order. A damaged one is an error only for operations that need it.
    pub(crate) fn order(&self) -> Result<Order> {
        order(self.ordering, self.ageing_step)
    }

    /// The first key of the queue's order.
    pub(crate) fn first_key(&self) -> i64 {
        self.order().map_or(i64::MIN, |order| order.first_key(self.virtual_time))
    }
}

/// The order that these numbers stand for.
pub(crate) fn order(ordering: i64, ageing_step: i64) -> Result<Order> {
    let unknown = |what, number: i64| {
        let remedy = "set it by Queue::set_order while the queue is empty";
        error::damaged(format!("a queue has the {what} {number}, which is unknown: {remedy}"))
    };
    match ordering {
        0 => Ok(Order::Priority),
        1 => Ok(Order::FirstInFirstOut),
        2 => Ok(Order::LastInFirstOut),
        3 => u64::try_from(ageing_step)
            .map(|step| Order::Ageing { step: Duration::from_micros(step) })
            .map_err(|_| unknown("ageing step", ageing_step)),
        4 => Ok(Order::WeightedRandom),
        other => Err(unknown("order", other)),
    }
}

/// The settings that the transaction in progress has read.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    by_queue: HashMap<i64, Settings>,
}

impl Queues {
    pub(crate) fn of(&mut self, connection: &Connection, queue: i64) -> Result<Settings> {
        if let Some(settings) = self.by_queue.get(&queue) {
            return Ok(*settings);
        }
        let settings = connection
            .prepare_cached(
                "SELECT ordering, ageing_step, virtual_time, paused, keep, suspects, concurrency, leased
                 FROM prismq_queue WHERE id = ?1",
            )?
            .query_row([queue], settings)?;
        self.by_queue.insert(queue, settings);
        Ok(settings)
    }

    /// Records that a task with this key was claimed: under a weighted order, virtual time moves to it.
    pub(crate) fn claimed(&mut self, connection: &Connection, queue: i64, key: i64) -> Result<()> {
        let settings = self.of(connection, queue)?;
        let before = settings.virtual_time;
        let virtual_time = settings.order().map_or(before, |order| order.time_after(before, key));
        if virtual_time != before {
            self.by_queue.insert(queue, Settings { virtual_time, changed: true, ..settings });
        }
        Ok(())
    }

    /// Writes what changed and clears the rest.
    pub(crate) fn flush(&mut self, connection: &Connection) -> Result<()> {
        for (queue, settings) in self.by_queue.drain().filter(|(_, settings)| settings.changed) {
            connection
                .prepare_cached("UPDATE prismq_queue SET virtual_time = ?2 WHERE id = ?1")?
                .execute([queue, settings.virtual_time])?;
        }
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
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
        concurrency: row.get(6)?,
        leased: row.get(7)?,
        changed: false,
    })
}
