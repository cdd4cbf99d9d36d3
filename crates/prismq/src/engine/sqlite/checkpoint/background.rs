//! The thread that checkpoints beside the commits, cuts the WAL once the queue is idle, and shrinks the file.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rusqlite::Connection;

use super::run::{Outcome, checkpoint, cut, note};
use super::shrink::Shrinker;
use super::{Shared, WAL_IDLE, WAL_PAGES, WAL_PAGES_CHECKPOINT};
use crate::engine::DeferredLog;

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Background {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) shrinker: Shrinker,
    /// What it is to log itself, once it holds no turn.
    pub(super) log: DeferredLog,
    /// When to cut the WAL, if nothing is copied until then.
    pub(super) cut_at: Option<Instant>,
}

impl Background {
    pub(super) fn run(mut self) {
        let mut seen = 0;
        loop {
            let next = self.cut_at.into_iter().chain(self.shrinker.next()).min();
            let asleep = next.is_none() && self.shrinker.is_on();
            self.shared.asleep.store(asleep, Ordering::SeqCst);
            if asleep && self.shrinker.has_missed_a_commit(&self.connection) {
                self.shrinker.wake(Instant::now());
                continue;
            }
            let timeout = next.map(|next| next.saturating_duration_since(Instant::now()));
            let raised = self.shared.wake.wait(seen, timeout);
            // Once it is in doubt what of the file lasts, nothing is written any more.
            if self.shared.stop.load(Ordering::SeqCst) || self.shared.poison.is_set() {
                return;
            }
            let now = Instant::now();
            if raised != seen {
                seen = raised;
                self.shrinker.wake(now);
            }
            let shared = self.shared.clone();
            let turn = shared.turn();
            if shared.due.swap(false, Ordering::SeqCst) {
                self.checkpoint();
            } else if self.cut_at.is_some_and(|at| at <= now) {
                let cut = cut(&self.connection, &shared.poison, &self.log) == Outcome::Done;
                self.cut_at = (!cut).then(|| Instant::now() + WAL_IDLE);
            }
            if self.shrinker.next().is_some_and(|at| at <= now) {
                self.shrink();
            }
            // The writer waits for the turn.
            drop(turn);
            self.log.write();
        }
    }

    fn checkpoint(&mut self) -> Outcome {
        let outcome = checkpoint(&self.connection, &self.shared.poison, &self.log);
        self.cut_at = Some(Instant::now() + WAL_IDLE);
        outcome
    }

    fn shrink(&mut self) {
        match self.shrinker.look(&self.connection) {
            Ok(true) => {
                self.cut_at = Some(Instant::now() + WAL_IDLE);
                // The WAL must not grow for this while a reader pins it.
                if WAL_PAGES.get() >= WAL_PAGES_CHECKPOINT && self.checkpoint() == Outcome::Pinned {
                    self.shrinker.rest();
                }
            }
            Ok(false) => {}
            Err(error) => {
                note(&error, &self.shared.poison);
                self.log.add(move || {
                    tracing::warn!(
                        %error,
                        "free pages were not given back: tried again after a commit"
                    );
                });
                self.shrinker.rest();
            }
        }
    }
}
