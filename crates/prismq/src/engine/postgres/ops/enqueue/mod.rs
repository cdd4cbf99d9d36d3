//! Adding tasks: those of all calls that follow each other by one statement.

pub(crate) mod depth;
pub(crate) mod lines;
pub(crate) mod plain;
mod rows;
pub(crate) mod unique;

use std::collections::{BTreeSet, HashSet};

use self::lines::Lines;
use self::rows::Rows;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::engine::{Answer, Operation};
use crate::model::{Enqueued, Error, NewTask, Result, TaskId};

/// Those of some limits that are set.
pub(crate) const KNOWN: &str =
    "SELECT name FROM prismq.limits WHERE name = ANY ($1) AND NOT removed";

/// Adds the tasks of these operations; an answer for each.
pub(crate) fn enqueue(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Vec<Result<Answer>>> {
    let mut answers = Vec::with_capacity(group.len());
    let mut rows = Rows::default();
    let limits = known_limits(run, group)?;
    let lines = Lines::of(run, group)?;
    for operation in group {
        let Operation::Enqueue(tasks) = operation else { continue };
        let needs_latest = if tasks.iter().any(|task| task.unique.is_some()) {
            Some("unique tasks")
        } else {
            tasks.iter().any(|task| task.limit.key.is_some()).then_some("tasks with keys")
        };
        if let Some(what) = needs_latest
            && let Err(refused) = run.refuse_old_snapshot(what)?
        {
            answers.push(Err(refused));
            continue;
        }
        let lanes = match admitted(run, tasks, &limits)? {
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
                // What it does to the holder of its key may change when that is due.
                run.due_holds = false;
                // The holder of its key may be among those that are yet to be inserted.
                rows.flush(run)?;
                if let Some(instead) = unique::resolve(run, id, task, rule)? {
                    added.push(instead);
                    continue;
                }
            }
            rows.add(run, id, task, (lane, lines.of_task(lane, task)))?;
            added.push(Enqueued::Inserted(TaskId::from_i64(id)));
        }
        answers.push(Ok(Answer::Enqueued(added)));
    }
    rows.flush(run)?;
    Ok(answers)
}

/// The lanes of tasks that may be added. Inner error: none of them may.
fn admitted(
    run: &mut Run<'_, '_>,
    tasks: &[NewTask],
    limits: &HashSet<String>,
) -> Result<Result<Vec<Lane>>> {
    let mut names = tasks.iter().filter_map(|task| task.limit.name.as_deref());
    if let Some(limit) = names.find(|name| !limits.contains(*name)) {
        return Ok(Err(Error::UnknownLimit { limit: limit.to_owned() }));
    }
    if let Err(error) = NewTask::validate_due(tasks, run.now) {
        return Ok(Err(error));
    }
    let lanes: Vec<Lane> = match tasks.iter().map(|task| run.lane_of(task)).collect() {
        Ok(lanes) => lanes,
        Err(error) => return Ok(Err(error)),
    };
    Ok(depth::refuse_full(run, tasks, &lanes)?.map(|()| lanes))
}

/// The tasks of these operations.
fn tasks(group: &[Operation]) -> impl Iterator<Item = &NewTask> {
    group.iter().flat_map(|operation| match operation {
        Operation::Enqueue(tasks) => tasks.as_slice(),
        _ => &[],
    })
}

/// Those of the limits that tasks name which are set.
fn known_limits(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<HashSet<String>> {
    let names = tasks(group).filter_map(|task| task.limit.name.as_deref());
    known(run, &names.collect())
}

/// Those of these limits which are set.
pub(crate) fn known(run: &mut Run<'_, '_>, names: &BTreeSet<&str>) -> Result<HashSet<String>> {
    if names.is_empty() {
        return Ok(HashSet::new());
    }
    let names: Vec<&str> = names.iter().copied().collect();
    run.query(KNOWN, &[&names])?.iter().map(|row| row.column(0)).collect()
}
