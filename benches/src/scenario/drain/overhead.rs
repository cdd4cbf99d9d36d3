//! The drain of [`super`] with nothing measured but how long it takes: no task's times, no ledger, no samples. What
//! the same drain takes longer with all of it is what measuring costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use crate::base::clock::{Time, now, processor_time};
use crate::base::error::{Error, Result};
use crate::load::pool::{BOUND, STOP_BOUND, pool};
use crate::load::tasks::{ENQUEUE_BATCH, fill, sized};
use crate::scenario::drain::{Drain, TASK_TYPE};
use crate::scenario::stage::Stage;
use crate::subject::{PoolSpec, Recording, Run, Settled, Sink};

/// Counts down to the last task.
struct Countdown {
    left: AtomicUsize,
    done: SyncSender<Time>,
}

impl Sink for Countdown {
    fn ran(&self, _: Run) {}

    fn settled(&self, _: Settled, _: Time) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Nobody waits any more only if it was given up.
            let _ = self.done.try_send(now());
        }
    }
}

/// What a drain took, from the start of the pool to the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// The time.
    pub time: Duration,
    /// The processor time of the process.
    pub processor: Duration,
}

/// Drains a backlog and measures nothing else.
///
/// # Errors
/// If the subject fails or the backlog is not drained.
pub fn bare_drain(stage: &Stage, load: &Drain) -> Result<Took> {
    let database = stage.database(load.workers)?;
    let subject = database.subject();
    fill(subject, &sized(TASK_TYPE, load.tasks, load.payload_bytes), ENQUEUE_BATCH)?;
    let (done, ended) = sync_channel(1);
    let countdown = Arc::new(Countdown { left: AtomicUsize::new(load.tasks), done });
    let pool = pool(load.workers, TASK_TYPE, load.work.clone());
    let pool = PoolSpec { recording: Recording::Endings, ..pool };
    let (started, before) = (now(), processor_time());
    let running = subject.start(&pool, countdown)?;
    let ended = ended.recv_timeout(BOUND);
    let processor = processor_time().saturating_sub(before);
    running.stop(STOP_BOUND);
    let undone = |_| Error::Unfit { reason: format!("a backlog was not drained within {BOUND:?}") };
    ended.map(|ended| Took { time: ended.since(started), processor }).map_err(undone)
}
