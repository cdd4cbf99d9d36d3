//! What each step does.

use std::path::Path;
use std::time::Duration;

use prismq::{
    Claim, Keep, Lease, Limit, NewTask, Order, Queue, Result, Retention, RetryPolicy, TaskError,
};
use rusqlite::Connection;

use super::stage::{
    CHURN, EACH, KEEPING, LARGE_BYTES, LEASE, PAUSED, churn, claim, keyed, open, refused, schedule,
    task, unique, unique_key,
};
use super::{Stage, Step};

impl Step {
    /// Runs the step.
    ///
    /// # Errors
    /// Those of the queue.
    pub fn run(self, path: &Path, stage: &mut Stage) -> Result<()> {
        if matches!(self, Self::Create | Self::Open | Self::Recover) {
            stage.queue = Some(open(path, &stage.clock)?);
            return Ok(());
        }
        if self == Self::Restore {
            return Queue::restore(Self::copy_of(path)).to(path).map(drop);
        }
        if self == Self::Close {
            stage.queue = None;
            return Ok(());
        }
        let (Some(queue), lease) = (&stage.queue, stage.leases.first()) else { return Ok(()) };
        match self {
            Self::Enqueue => queue.enqueue(task(20)).map(drop),
            Self::EnqueueLarge => {
                queue.enqueue(NewTask::new("large", vec![21; LARGE_BYTES])).map(drop)
            }
            Self::EnqueueNewNames => {
                queue.enqueue(NewTask::new("new type", [22]).queue("new queue")).map(drop)
            }
            Self::EnqueueAll => {
                let tasks: Vec<_> = (0..50).map(|number| task(number).priority(7)).collect();
                queue.enqueue_all(&tasks).map(drop)
            }
            Self::EnqueueUnique => queue.enqueue(unique(60)).map(drop),
            Self::EnqueueReplacing => {
                let payload = vec![61; LARGE_BYTES];
                let delay = Duration::from_secs(5);
                let replacing = NewTask::new("job", payload).unique(unique_key());
                queue.enqueue(replacing.delay(delay).expires_after(LEASE)).map(drop)
            }
            Self::EnqueueExpiring => queue.enqueue(task(62).expires_after(LEASE)).map(drop),
            Self::EnqueueKeyed => queue.enqueue(keyed(63, "ann")).map(drop),
            Self::EnqueueIn => enqueue_in(path, queue),
            Self::Transaction => {
                queue.transaction(|tx| tx.enqueue_all([task(32), task(33)])).map(drop)
            }
            Self::TakeIn => queue.claim(&claim().max(2)).map(drop),
            Self::SetSchedule => queue.schedules().set(&schedule("new")).map(drop),
            Self::PauseSchedule => queue.schedules().pause("one"),
            Self::RunSchedule => queue.schedules().run_now("one").map(drop),
            Self::FireSchedules => queue.claim(&claim().max(2)).map(drop),
            Self::Claim => queue.claim(&claim().max(2)).map(drop),
            Self::Promote => queue.claim(&Claim::new(["late"]).lease(LEASE)).map(drop),
            Self::Reclaim => queue.claim(&claim().max(2)).map(drop),
            Self::ReclaimDead => queue.claim(&Claim::new(["once"])).map(drop),
            Self::Expire => queue.claim(&claim().max(2)).map(drop),
            Self::ClaimKeyed => queue.claim(&Claim::new(["keyed"]).max(9).lease(LEASE)).map(drop),
            Self::SetOrder => queue.set_order("empty", Order::FirstInFirstOut),
            Self::Pause => queue.pause("default"),
            Self::Resume => queue.resume(PAUSED),
            Self::SetHistory => queue.set_history(KEEPING, 1),
            Self::SetRetention => {
                let keep = Keep::last(9).for_at_most(LEASE);
                let retention = Retention { cancelled: keep, dead: keep, ..Retention::default() };
                queue.set_retention("default", retention)
            }
            Self::SetDepth => queue.set_depth_limit("default", Some(9)),
            Self::SetRetry => {
                queue.set_retry("job", Some(RetryPolicy::fixed(Duration::from_secs(3))))
            }
            Self::SetLimit => queue.set_limit(EACH, Limit::rate(3, LEASE)),
            Self::SetConcurrency => queue.set_concurrency("default", Some(2)),
            Self::Cancel => queue.tasks().queue("default").of_type("job").cancel().map(drop_count),
            Self::CancelRunning => queue.tasks().running().cancel().map(drop_count),
            Self::Delete => queue.tasks().of_type("job").of_type("large").delete().map(drop_count),
            Self::Redrive => queue.tasks().dead().redrive().map(drop_count),
            Self::Backup => queue.backup(Self::copy_of(path)).map(drop),
            Self::Checkpoint => checkpoint(path),
            Self::AutoCheckpoint => churn(queue, CHURN),
            Self::CompleteIn => lease.map_or(Ok(()), |lease| complete_in(path, queue, lease)),
            _ => lease.map_or(Ok(()), |lease| self.settle(queue, lease)),
        }
    }

    fn settle(self, queue: &Queue, lease: &Lease) -> Result<()> {
        match self {
            Self::Fail => {
                let error = TaskError::new("not now").retry_after(Duration::from_secs(9));
                queue.fail(lease, error).map(drop)
            }
            Self::FailDead => queue.fail(lease, TaskError::permanent("never")).map(drop),
            Self::FailByPolicy | Self::FailCancelled => {
                queue.fail(lease, TaskError::new("not now")).map(drop)
            }
            Self::Snooze => queue.fail(lease, TaskError::snooze(Duration::from_secs(9))).map(drop),
            Self::CompleteWith => queue.complete_with(lease, vec![23; LARGE_BYTES]),
            Self::Release => queue.release(lease),
            Self::Extend => queue.extend(lease, LEASE * 3).map(drop),
            _ => queue.complete(lease),
        }
    }
}

/// How many tasks a step changed is checked by what the file holds.
const fn drop_count<T: Copy>(_: T) {}

fn enqueue_in(path: &Path, queue: &Queue) -> Result<()> {
    let own = Connection::open(path).map_err(refused)?;
    own.execute_batch("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").map_err(refused)?;
    prismq::sqlite::enqueue_in(queue, &own, [task(30), task(31)])?;
    own.execute_batch("COMMIT").map_err(refused)
}

fn complete_in(path: &Path, queue: &Queue, lease: &Lease) -> Result<()> {
    let own = Connection::open(path).map_err(refused)?;
    own.execute_batch("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").map_err(refused)?;
    prismq::sqlite::enqueue_in(queue, &own, [task(34)])?;
    prismq::sqlite::complete_in(queue, &own, lease)?;
    own.execute_batch("COMMIT").map_err(refused)
}

/// As a maintenance program would.
fn checkpoint(path: &Path) -> Result<()> {
    let own = Connection::open(path).map_err(refused)?;
    own.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(refused)
}
