//! The thread that checkpoints concurrently with commits, truncates the WAL when the queue is idle, shrinks the
//! database, and deletes what is beyond retention.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rusqlite::Connection;

use super::prune::Pruner;
use super::run::{Outcome, checkpoint, poison_if_unsynced, truncate};
use super::shrink::Shrinker;
use super::wal_hook::wal_pages;
use super::{Shared, WAL_IDLE, WAL_PAGES_CHECKPOINT};
use crate::engine::DeferredLog;
use crate::engine::sqlite::connection::path_of;
use crate::time::Moment;

/// The state of the thread.
#[derive(Debug)]
pub(super) struct Background {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) shrinker: Shrinker,
    pub(super) pruner: Pruner,
    /// Its own log lines, written while it holds no lock.
    pub(super) log: DeferredLog,
    /// When to truncate the WAL, unless there is a checkpoint before.
    pub(super) truncate_at: Option<Instant>,
}

impl Background {
    pub(super) fn run(mut self) {
        let mut seen = 0;
        loop {
            let times = [self.truncate_at, self.shrinker.next(), self.pruner.next()];
            // The age of tasks is checked while nothing is committed too.
            let wants_commits = self.shrinker.is_on() || self.prunes();
            let asleep = wants_commits && times.iter().all(Option::is_none);
            let next = times.into_iter().flatten().chain(self.pruner.latest()).min();
            self.shared.asleep.store(asleep, Ordering::SeqCst);
            if asleep && self.has_missed_a_commit() {
                self.wake(Instant::now());
                continue;
            }
            let timeout = next.map(|next| next.saturating_duration_since(Instant::now()));
            let raised = self.shared.wake.wait(seen, timeout);
            // A poisoned queue writes nothing any more.
            if self.shared.stop.load(Ordering::SeqCst) || self.shared.poison.is_set() {
                return;
            }
            let now = Instant::now();
            if raised != seen {
                seen = raised;
                self.wake(now);
            }
            let shared = self.shared.clone();
            let checkpointing = shared.lock_checkpoints();
            if shared.due.swap(false, Ordering::SeqCst) {
                self.checkpoint();
            } else if self.truncate_at.is_some_and(|at| at <= now) {
                let truncated =
                    truncate(&self.connection, &shared.poison, &self.log) == Outcome::Done;
                self.truncate_at = (!truncated).then(|| Instant::now() + WAL_IDLE);
            }
            if self.shrinker.next().is_some_and(|at| at <= now) {
                self.shrink();
            }
            if self.pruner.latest().is_some_and(|at| at <= now) {
                self.prune();
            }
            // The writer may wait for it.
            drop(checkpointing);
            self.log.write();
        }
    }

    /// Something was committed.
    fn wake(&mut self, now: Instant) {
        self.shrinker.wake(now);
        if self.prunes() {
            self.pruner.wake(now);
        }
    }

    /// Whether something was committed since the last checks.
    fn has_missed_a_commit(&self) -> bool {
        (self.shrinker.is_on() && self.shrinker.has_missed_a_commit(&self.connection))
            || (self.prunes() && self.pruner.has_missed_a_commit(&self.connection))
    }

    /// Whether there is a retention to keep.
    fn prunes(&self) -> bool {
        self.shared.retains.load(Ordering::SeqCst) && self.shared.clock.get().is_some()
    }

    fn prune(&mut self) {
        let Some(clock) = self.shared.clock.get() else { return self.pruner.rest() };
        let now = Moment::now(&**clock);
        if let Err(error) = self.pruner.check(&self.connection, now) {
            poison_if_unsynced(&error, &self.shared.poison);
            let path = path_of(&self.connection);
            self.log.add(move || {
                tracing::warn!(
                    path,
                    %error,
                    "deleting what is beyond retention failed: retried after the next commit"
                );
            });
            self.pruner.rest();
        }
    }

    fn checkpoint(&mut self) -> Outcome {
        let outcome = checkpoint(&self.connection, &self.shared.poison, &self.log);
        self.truncate_at = Some(Instant::now() + WAL_IDLE);
        outcome
    }

    fn shrink(&mut self) {
        match self.shrinker.check(&self.connection) {
            Ok(true) => {
                self.truncate_at = Some(Instant::now() + WAL_IDLE);
                // Shrinking must not make the WAL grow while a reader holds an old snapshot.
                if wal_pages() >= WAL_PAGES_CHECKPOINT && self.checkpoint() == Outcome::Pinned {
                    self.shrinker.rest();
                }
            }
            Ok(false) => {}
            Err(error) => {
                poison_if_unsynced(&error, &self.shared.poison);
                let path = path_of(&self.connection);
                self.log.add(move || {
                    tracing::warn!(
                        path,
                        %error,
                        "shrinking the file failed: retried after the next commit"
                    );
                });
                self.shrinker.rest();
            }
        }
    }
}
