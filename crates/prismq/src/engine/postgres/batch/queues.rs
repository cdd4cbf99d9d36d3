//! How queues are set, and the numbers that stand for states and orders.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Row;

use crate::engine::postgres::client::Columns;
use crate::model::{Error, KeyInputs, Order, Result, State};

/// States as they are stored.
pub(crate) const READY: i16 = 0;
pub(crate) const SCHEDULED: i16 = 1;
pub(crate) const LEASED: i16 = 2;
pub(crate) const DEAD: i16 = 3;
pub(crate) const COMPLETED: i16 = 4;
pub(crate) const CANCELLED: i16 = 6;
/// As [`COMPLETED`] and [`CANCELLED`], but kept for the time of the task's type.
pub(crate) const COMPLETED_BY_TYPE: i16 = 7;
pub(crate) const CANCELLED_BY_TYPE: i16 = 8;

/// Whether a task in this state was completed or cancelled, and is kept.
pub(crate) const fn is_kept(state: i16) -> bool {
    matches!(state, COMPLETED | CANCELLED | COMPLETED_BY_TYPE | CANCELLED_BY_TYPE)
}

/// The state that is stored as this number.
pub(crate) fn state(stored: i16) -> Result<State> {
    match stored {
        READY => Ok(State::Ready),
        SCHEDULED => Ok(State::Scheduled),
        LEASED => Ok(State::Leased),
        DEAD => Ok(State::Dead),
        COMPLETED | COMPLETED_BY_TYPE => Ok(State::Completed),
        CANCELLED | CANCELLED_BY_TYPE => Ok(State::Cancelled),
        other => Err(unknown("a task has the state", other.into())),
    }
}

/// The columns that [`Settings::read`] reads.
macro_rules! settings {
    () => {
        "q.id, q.ordering, q.ageing_step, q.paused, q.depth, q.keep, q.cancelled_keep, q.concurrency,
         CASE WHEN q.ordering = 4 THEN (SELECT ARRAY[v.number, v.time] FROM prismq.virtual_time v WHERE v.queue = q.id
             ORDER BY v.number DESC, v.time DESC LIMIT 1) END"
    };
}
pub(crate) use settings;

/// The settings of queues.
pub(crate) const SETTINGS: &str =
    concat!("SELECT ", settings!(), " FROM prismq.queue q WHERE q.id = ANY ($1)");

/// Adds what the virtual time of a queue is after a row with this number, and deletes that and those shortly before it,
/// which claims added at the same time. What others have locked they delete. A claim that two others have overtaken adds
/// nothing.
pub(crate) const SET_VIRTUAL_TIME: &str = "WITH d AS (DELETE FROM prismq.virtual_time WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM prismq.virtual_time WHERE queue = $1 AND number > $2 - 100 AND number <= $2
         FOR UPDATE SKIP LOCKED)))
     INSERT INTO prismq.virtual_time (queue, number, time) SELECT $1, $2 + 1, $3
     WHERE NOT EXISTS (SELECT FROM prismq.virtual_time WHERE queue = $1 AND number > $2 + 1)";

/// How one queue is set, as of the transaction in progress.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) id: i32,
    pub(crate) order: Order,
    pub(crate) virtual_time: i64,
    /// The number of the row that says so; 0 without one.
    pub(crate) virtual_number: i64,
    pub(crate) paused: bool,
    /// Most live tasks.
    pub(crate) depth: Option<i32>,
    /// How many completed tasks are kept.
    pub(crate) keep: i32,
    /// Whether cancelled tasks are kept.
    pub(crate) keeps_cancelled: bool,
    /// Most tasks that run at once.
    pub(crate) concurrency: Option<i32>,
}

impl Settings {
    /// From the columns from this one on; `None` where there is no queue.
    pub(crate) fn read(row: &Row, from: usize) -> Result<Option<Self>> {
        let Some(id) = row.column(from)? else { return Ok(None) };
        let cancelled: Option<i32> = row.column(from + 6)?;
        let virtual_time: Option<Vec<i64>> = row.column(from + 8)?;
        let (virtual_number, virtual_time) = match virtual_time.as_deref() {
            Some([number, time]) => (*number, *time),
            _ => (0, 0),
        };
        Ok(Some(Self {
            id,
            order: order(row.column(from + 1)?, row.column(from + 2)?)?,
            virtual_time,
            virtual_number,
            paused: row.column(from + 3)?,
            depth: row.column(from + 4)?,
            keep: row.column(from + 5)?,
            keeps_cancelled: cancelled.is_none_or(|keep| keep > 0),
            concurrency: row.column(from + 7)?,
        }))
    }

    /// The key of a task with the id 0, and by how much that of the next id differs; `None` if keys depend on more.
    pub(crate) fn key_by_id(&self, priority: i32) -> Option<(i64, i64)> {
        if matches!(self.order, Order::Ageing { .. } | Order::WeightedRandom) {
            return None;
        }
        let inputs = KeyInputs { id: 0, priority, run_at: 0, virtual_time: 0, chance: 0.0 };
        let first = self.order.key(inputs);
        Some((first, self.order.key(KeyInputs { id: 1, ..inputs }) - first))
    }

    /// The first key of its order.
    pub(crate) fn first_key(&self) -> i64 {
        self.order.first_key(self.virtual_time)
    }
}

/// The order that is stored as these numbers.
pub(crate) fn order(ordering: i16, ageing_step: i64) -> Result<Order> {
    match ordering {
        0 => Ok(Order::Priority),
        1 => Ok(Order::FirstInFirstOut),
        2 => Ok(Order::LastInFirstOut),
        3 => Ok(Order::Ageing {
            step: Duration::from_micros(u64::try_from(ageing_step).unwrap_or(0)),
        }),
        4 => Ok(Order::WeightedRandom),
        other => Err(unknown("a queue has the order", other.into())),
    }
}

/// The numbers that stand for an order.
pub(crate) fn stored(order: Order) -> (i16, i64) {
    match order {
        Order::Priority => (0, 0),
        Order::FirstInFirstOut => (1, 0),
        Order::LastInFirstOut => (2, 0),
        Order::Ageing { step } => (3, i64::try_from(step.as_micros()).unwrap_or(i64::MAX)),
        Order::WeightedRandom => (4, 0),
    }
}

/// A number that this version does not know.
pub(crate) fn unknown(what: &str, number: i64) -> Error {
    failure(format!(
        "{what} {number}, which this version does not know: use the version of prismq that wrote it"
    ))
}

/// Something that is always there is not.
pub(crate) fn missing(what: &str) -> Error {
    failure(format!("{what} is missing: the tables were changed by another program"))
}

/// An error of this engine itself.
pub(crate) fn failure(text: String) -> Error {
    Error::Database { source: Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(text)) }
}
