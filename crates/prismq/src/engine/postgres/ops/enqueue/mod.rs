//! Adding tasks: those of all calls that follow each other by one statement.

pub(crate) mod depth;
mod rows;
mod unique;

use self::rows::Rows;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::run::Run;
use crate::engine::{Answer, Operation};
use crate::model::{Enqueued, Error, NewTask, Result, TaskId};

/// Adds the tasks of these operations; an answer for each.
pub(crate) fn enqueue(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let mut answers = Vec::with_capacity(group.len());
    let mut rows = Rows::default();
    for operation in group {
        let Operation::Enqueue(tasks) = operation else { continue };
        if tasks.iter().any(|task| task.unique.is_some())
            && let Err(refused) = run.refuse_old_snapshot("unique tasks")?
        {
            answers.push(Err(refused));
            continue;
        }
        let lanes = match admitted(run, tasks)? {
            Ok(lanes) => lanes,
            Err(refused) => {
                answers.push(Err(refused));
                continue;
            }
        };
        let mut added = Vec::with_capacity(tasks.len());
        for (task, lane) in tasks.iter().zip(lanes) {
            let id = run.take_id()?;
            if let Some(rule) = &task.unique {
                // The holder of its key may be among those that are yet to be inserted.
                rows.flush(run)?;
                if let Some(instead) = unique::resolve(run, id, task, rule)? {
                    added.push(instead);
                    continue;
                }
            }
            rows.add(run, id, task, lane)?;
            added.push(Enqueued::Inserted(TaskId::from_i64(id)));
        }
        answers.push(Ok(Answer::Enqueued(added)));
    }
    rows.flush(run)?;
    Ok(answers)
}

/// The lanes of tasks that may be added. Inner error: none of them may.
fn admitted(run: &mut Run<'_, '_>, tasks: &[NewTask]) -> Result<Result<Vec<Lane>>> {
    let checked = tasks.iter().try_for_each(refuse_limited);
    if let Err(error) = checked.and_then(|()| NewTask::validate_due(tasks, run.now)) {
        return Ok(Err(error));
    }
    let lanes: Vec<Lane> = match tasks.iter().map(|task| run.lane_of(task)).collect() {
        Ok(lanes) => lanes,
        Err(error) => return Ok(Err(error)),
    };
    Ok(depth::refuse_full(run, tasks, &lanes)?.map(|()| lanes))
}

/// Refuses tasks under a limit or with a key, which this engine does not do yet.
fn refuse_limited(task: &NewTask) -> Result<()> {
    match task.limit.name.is_some() || task.limit.key.is_some() {
        true => Err(Error::NotOffered { what: "limits and keys of tasks" }),
        false => Ok(()),
    }
}
