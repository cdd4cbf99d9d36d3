//! Adding tasks that can run at once, by settings that are assumed. The database assigns the ids in the same statement, so
//! that nothing has to be waited for before the rest of the batch is sent.

use std::collections::BTreeMap;

use crate::engine::postgres::batch::queues::missing;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::send::Ticket;
use crate::engine::postgres::client::Columns;
use crate::engine::postgres::clock::Time;
use crate::engine::{Answer, Operation};
use crate::model::{Enqueued, Error, Result, TaskId};

/// Adds tasks: `key` is the order key for the id 0, `step` what each id adds to it. Ids ascend in the order of the tasks. What
/// all tasks share is given once, and an empty array in its place. It counts the tasks too, as each statement costs the
/// server and the client as much as two tasks.
const INSERT: &str =
    "WITH t AS (INSERT INTO prismq.task (id, lane, state, order_key, priority, max_attempts, enqueued_at, run_at, payload)
         SELECT id, lane, 0, key + step * id, priority, max_attempts,
             (SELECT coalesce($8, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)),
             (SELECT coalesce($7, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)), payload
         FROM (SELECT nextval('prismq.task_id') AS id, coalesce(lane, $11) AS lane, coalesce(key, $12) AS key,
                   coalesce(step, $13) AS step, coalesce(priority, $14) AS priority,
                   coalesce(max_attempts, $15) AS max_attempts, payload
               FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::integer[], $5::integer[], $6::bytea[])
                   AS k (lane, key, step, priority, max_attempts, payload) OFFSET 0) n
         RETURNING id, lane, order_key),
     r AS (INSERT INTO prismq.ready (lane, suspect, order_key, id) SELECT lane, false, order_key, id FROM t),
     c AS (INSERT INTO prismq.counter_delta (queue, ready, enqueued)
           SELECT queue, tasks, tasks FROM unnest($9::integer[], $10::bigint[]) AS k (queue, tasks))
     SELECT array_agg(id) FROM t";

/// Where an added task stands, but for its id.
#[derive(Debug, Clone, Copy)]
struct Place {
    lane: i32,
    key: i64,
    step: i64,
}

/// Tasks that are added, of each operation, and the statement that returns their ids.
#[derive(Debug)]
pub(crate) struct Added {
    operations: Vec<Vec<Place>>,
    ticket: Ticket,
}

/// Adds the tasks of these operations.
pub(crate) fn enqueue(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Added> {
    let mut operations = Vec::with_capacity(group.len());
    let (mut lanes, mut keys, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut priorities, mut max_attempts) = (Vec::new(), Vec::new());
    let mut payloads: Vec<&[u8]> = Vec::new();
    let mut counts: BTreeMap<i32, i64> = BTreeMap::new();
    for operation in group {
        let Operation::Enqueue(tasks) = operation else { continue };
        let mut places = Vec::with_capacity(tasks.len());
        for task in tasks {
            let lane = run.take_lane().ok_or_else(|| missing("the lane of a task"))?;
            let by_id = run.queue(lane.queue)?.key_by_id(task.priority);
            let (key, step) = by_id.ok_or_else(|| missing("an order by id"))?;
            *counts.entry(lane.queue).or_default() += 1;
            lanes.push(lane.id);
            keys.push(key);
            steps.push(step);
            priorities.push(task.priority);
            max_attempts.push(i32::try_from(task.max_attempts).unwrap_or(i32::MAX));
            payloads.push(&task.payload);
            places.push(Place { lane: lane.id, key, step });
        }
        operations.push(places);
    }
    let given = matches!(run.shared.time, Time::Given(_)).then_some(run.now);
    let now = given.map(|now| now.monotonic.as_micros());
    let wall = given.map(|now| now.wall.as_micros());
    let (queues, tasks): (Vec<i32>, Vec<i64>) = counts.into_iter().unzip();
    let (lanes, lane) = shared(lanes);
    let (keys, key) = shared(keys);
    let (steps, step) = shared(steps);
    let (priorities, priority) = shared(priorities);
    let (max_attempts, most) = shared(max_attempts);
    let ticket = run.put_off(
        INSERT,
        &[
            &lanes,
            &keys,
            &steps,
            &priorities,
            &max_attempts,
            &payloads,
            &now,
            &wall,
            &queues,
            &tasks,
            &lane,
            &key,
            &step,
            &priority,
            &most,
        ],
    );
    Ok(Added { operations, ticket })
}

/// A column of tasks, or its one value if all have the same: the server reads each value of an array on its own, and
/// stores the column for all of them.
fn shared<T: Copy + PartialEq>(column: Vec<T>) -> (Vec<T>, Option<T>) {
    match column.first() {
        Some(first) if column.iter().all(|value| value == first) => (Vec::new(), Some(*first)),
        _ => (column, None),
    }
}

impl Added {
    /// An answer for each operation, once the statement was sent.
    pub(in crate::engine::postgres::ops) fn answers(
        self,
        run: &mut Run<'_, '_>,
    ) -> Result<Vec<Result<Answer>>> {
        let row = run.take_answer(self.ticket).pop().ok_or_else(Error::unanswered)?;
        // NULL if no tasks were added.
        let mut ids: Vec<i64> = row.column::<Option<_>>(0)?.unwrap_or_default();
        ids.sort_unstable();
        let mut ids = ids.into_iter();
        let mut marks = run.shared.marks();
        let mut answers = Vec::with_capacity(self.operations.len());
        for places in self.operations {
            let mut added = Vec::with_capacity(places.len());
            for Place { lane, key, step } in places {
                let id = ids.next().ok_or_else(Error::unanswered)?;
                marks.added(lane, (key + step * id, id));
                added.push(Enqueued::Inserted(TaskId::from_i64(id)));
            }
            answers.push(Ok(Answer::Enqueued(added)));
        }
        Ok(answers)
    }
}
