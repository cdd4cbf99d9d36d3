//! The order of each queue, read anew by every transaction, as another process may have set it.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::{SqliteStore, lanes};
use crate::error::Error;
use crate::order::Order;
use crate::store::Answer;

/// How a queue orders its tasks right now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranking {
    pub(super) order: Order,
    /// The greatest key claimed so far, where the order needs it.
    pub(super) virtual_time: i64,
    changed: bool,
}

/// What the transaction in progress knows of its queues.
#[derive(Debug, Default)]
pub(super) struct Orders {
    by_queue: HashMap<i64, Ranking>,
}

impl Orders {
    pub(super) fn of(&mut self, connection: &Connection, queue: i64) -> Result<Ranking> {
        if let Some(ranking) = self.by_queue.get(&queue) {
            return Ok(*ranking);
        }
        let ranking = connection
            .prepare_cached("SELECT ordering, ageing_step, virtual_time FROM queue WHERE id = ?1")?
            .query_row([queue], ranking)?;
        self.by_queue.insert(queue, ranking);
        Ok(ranking)
    }

    /// A task with this key was claimed: later arrivals under a weighted order start from there.
    pub(super) fn claimed(&mut self, connection: &Connection, queue: i64, key: i64) -> Result<()> {
        let ranking = self.of(connection, queue)?;
        if ranking.order == Order::WeightedRandom && key > ranking.virtual_time {
            let ranking = Ranking { virtual_time: key, changed: true, ..ranking };
            self.by_queue.insert(queue, ranking);
        }
        Ok(())
    }

    /// Writes what changed and forgets the rest.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<()> {
        for (queue, ranking) in self.by_queue.drain().filter(|(_, ranking)| ranking.changed) {
            connection
                .prepare_cached("UPDATE queue SET virtual_time = ?2 WHERE id = ?1")?
                .execute([queue, ranking.virtual_time])?;
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.by_queue.clear();
    }
}

fn ranking(row: &Row<'_>) -> Result<Ranking> {
    let step = Duration::from_micros(row.get(1)?);
    let order = match row.get(0)? {
        0 => Order::Priority,
        1 => Order::FirstInFirstOut,
        2 => Order::LastInFirstOut,
        3 => Order::Ageing { step },
        4 => Order::WeightedRandom,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    };
    Ok(Ranking { order, virtual_time: row.get(2)?, changed: false })
}

impl SqliteStore {
    /// Outer error: SQL failed. Inner: the queue holds tasks.
    pub(super) fn set_order(
        &mut self,
        queue: &str,
        order: Order,
    ) -> crate::error::Result<crate::error::Result<Answer>> {
        // The ledger's counters are not in the table yet, and a batch may hold tasks for this queue.
        let Self { ledger, connection, path, .. } = self;
        ledger.flush(connection).map_err(|error| super::failure::classify(path, error))?;
        lanes::add_queue(&self.connection, queue).map_err(|error| self.failure(error))?;
        let found: Option<(i64, u64)> = self
            .prepare("SELECT id, ready + scheduled + leased + dead FROM queue WHERE name = ?1")?
            .query_row([queue], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|error| self.failure(error))?;
        let Some((id, tasks)) = found else {
            return Ok(Err(Error::TooManyNames { queue: queue.to_owned() }));
        };
        let current = self.ledger.orders.of(&self.connection, id);
        if current.map_err(|error| self.failure(error))?.order == order {
            return Ok(Ok(Answer::Ordered));
        }
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
        self.ledger.orders.clear();
        Ok(Ok(Answer::Ordered))
    }
}
