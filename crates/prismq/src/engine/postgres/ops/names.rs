//! Adding queues and lanes, before the transaction that needs them: it would keep others from adding any until it ends.
//! A lane without tasks costs nothing.

use crate::engine::Operation;
use crate::engine::postgres::batch::columns::Columns;
use crate::engine::postgres::batch::run::{Run, Shared};
use crate::engine::postgres::client::{Transaction, Value};
use crate::model::limits::{QUEUES_MAX, TASK_TYPES_MAX};
use crate::model::{Error, NewTask, Result};

/// Keeps others from adding lanes, so that ids are committed in their order.
const LOCK: &str = "LOCK TABLE prismq.lane IN SHARE ROW EXCLUSIVE MODE";
/// Adds a queue, if there is room.
const ADD_QUEUE: &str = "INSERT INTO prismq.queue (name) SELECT $1
     WHERE (SELECT count(*) FROM prismq.queue) < $2 ON CONFLICT DO NOTHING";
/// Adds a lane, if there is room.
const ADD_LANE: &str = "INSERT INTO prismq.lane (queue, type, requirements)
     SELECT q.id, $2, $3 FROM prismq.queue q WHERE q.name = $1 AND (SELECT count(*) FROM prismq.lane) < $4
     ON CONFLICT DO NOTHING";
/// The id of a queue.
const QUEUE: &str = "SELECT id FROM prismq.queue WHERE name = $1";

/// The tasks of these operations whose lanes are not known.
pub(crate) fn unknown<'a>(shared: &Shared, batch: &'a [Operation]) -> Vec<&'a NewTask> {
    let lanes = shared.lanes();
    let mut unknown: Vec<&NewTask> = Vec::new();
    for operation in batch {
        let Operation::Enqueue(tasks) = operation else { continue };
        for task in tasks {
            let same = |other: &&NewTask| {
                other.queue == task.queue
                    && other.task_type == task.task_type
                    && other.requirements == task.requirements
            };
            if lanes.of(task).is_none() && !unknown.iter().any(same) {
                unknown.push(task);
            }
        }
    }
    unknown
}

/// Adds the lanes of these tasks, as far as there is room, and knows them.
pub(crate) fn add(
    transaction: &mut Transaction<'_>,
    shared: &Shared,
    tasks: &[&NewTask],
) -> Result<()> {
    let texts = [LOCK, ADD_QUEUE, ADD_LANE].map(|sql| shared.statements.text(sql));
    let [lock, add_queue, add_lane] = &texts;
    transaction.query(lock, &[])?;
    let (queues_max, types_max) = (i64::from(QUEUES_MAX), i64::from(TASK_TYPES_MAX));
    for task in tasks {
        let (queue, task_type) = (&*task.queue, &*task.task_type);
        let requirements = task.requirements.to_text();
        let of_lane: [&dyn Value; 4] = [&queue, &task_type, &requirements, &types_max];
        transaction.pipeline(&[(add_queue, &[&queue, &queues_max]), (add_lane, &of_lane)])?;
    }
    Ok(())
}

impl Run<'_, '_> {
    /// The number of the queue of this name, added if it is new.
    pub(super) fn queue_to_set(&mut self, name: &str) -> Result<Result<i32>> {
        self.execute(ADD_QUEUE, &[&name, &i64::from(QUEUES_MAX)])?;
        let row = self.query(QUEUE, &[&name])?.pop();
        Ok(match row {
            Some(row) => Ok(row.column(0)?),
            None => Err(Error::TooManyNames { queue: name.to_owned() }),
        })
    }
}
