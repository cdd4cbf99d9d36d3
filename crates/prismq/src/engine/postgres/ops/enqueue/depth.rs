//! Depth limits: most live tasks of a queue. Only enqueues are refused; a task that was let in can always come back.

use std::collections::HashSet;

use super::unique;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::model::{Error, NewTask, RefusedTasks, Result};

/// Locks a queue against other enqueues that its depth limit bounds.
const LOCK: &str = "SELECT depth FROM prismq.queue WHERE id = $1 FOR NO KEY UPDATE";
/// The live tasks of a queue.
pub(crate) const LIVE: &str = "SELECT coalesce(sum(coalesce(ready, 0) + coalesce(scheduled, 0) + coalesce(leased, 0)), 0)::bigint
     FROM (SELECT ready, scheduled, leased FROM prismq.counter WHERE queue = $1
           UNION ALL SELECT ready, scheduled, leased FROM prismq.counter_delta WHERE queue = $1) c";

/// Inner error: a queue would hold more live tasks than its limit.
pub(super) fn refuse_full(
    run: &mut Run<'_, '_>,
    tasks: &[NewTask],
    lanes: &[Lane],
) -> Result<Result<()>> {
    let mut queues: Vec<i32> = lanes.iter().map(|lane| lane.queue).collect();
    // In order, so that two transactions never wait for each other.
    queues.sort_unstable();
    queues.dedup();
    for queue in queues {
        if run.queue(queue)?.depth.is_none() {
            continue;
        }
        if let Err(refused) = run.refuse_old_snapshot("queues with a depth limit")? {
            return Ok(Err(refused));
        }
        let locked = run.row(LOCK, &[&queue])?;
        let Some(limit) = locked.column::<Option<i32>>(0)? else { continue };
        let so_far = run.counters.so_far(queue);
        let live: i64 = run.row(LIVE, &[&queue])?.column(0)?;
        let mut left = i64::from(limit) - live - so_far.ready - so_far.scheduled - so_far.leased;
        let mut keys = HashSet::new();
        for (task, _) in tasks.iter().zip(lanes).filter(|(_, lane)| lane.queue == queue) {
            // Not one whose key is taken, by a stored task or one before it in the same call.
            let adds = match &task.unique {
                Some(rule) => {
                    keys.insert((&task.task_type, unique::stored_key(task, rule)))
                        && !unique::is_taken(run, task, rule)?
                }
                None => true,
            };
            // The queue may hold more than a limit that was set since; what adds nothing is not refused for that.
            left -= i64::from(adds);
            if adds && left < 0 {
                let limit = u32::try_from(limit).unwrap_or(u32::MAX);
                return Ok(Err(Error::QueueFull {
                    queue: task.queue.to_string(),
                    limit,
                    tasks: RefusedTasks::new(tasks),
                }));
            }
        }
    }
    Ok(Ok(()))
}
