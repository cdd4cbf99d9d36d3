//! One attempt at one task, as the pool gives it to a handler, and what the handler notes of it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use super::cancel::{CancelReason, StopFlags};
use crate::core::Core;
use crate::engine::Operation;
use crate::model::{
    Error, Lease, LeaseKey, LogLine, Note, Progress, Result, validate_checkpoint, validate_result,
};
use crate::pool::scheduler::Scheduler;
use crate::pool::shared::Shared;
use crate::time::Timestamp;

/// What a handler can ask about its attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(in crate::pool) lease: Lease,
    /// Which worker runs it, from 0.
    pub(in crate::pool) worker: usize,
    /// When its time limit ends.
    pub(in crate::pool) deadline: Option<Instant>,
    pub(in crate::pool) flags: Arc<StopFlags>,
    pub(in crate::pool) host: Host,
    /// What the task results in, as far as its handler has set it.
    pub(in crate::pool) result: Mutex<Option<Arc<[u8]>>>,
}

/// Who runs an attempt, and writes what its handler notes.
#[derive(Debug)]
pub(in crate::pool) enum Host {
    /// A pool, whose leader writes. It is not held: a handler may keep its context for longer than the pool lives.
    Pool(Weak<Shared>),
    /// A test without threads: each note is written at once.
    #[cfg(feature = "testing")]
    Test(Core),
}

impl Attempt {
    /// The span that its handler runs in.
    pub(in crate::pool) fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "prismq.attempt",
            id = %self.lease.id(),
            "type" = self.lease.task_type(),
            queue = self.lease.queue(),
            attempt = self.lease.attempt()
        )
    }

    /// Why its handler should stop.
    pub(super) fn cancelled(&self) -> Option<CancelReason> {
        self.flags.reason()
    }

    pub(crate) const fn key(&self) -> LeaseKey {
        self.lease.key
    }

    /// The queue that the task is in.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] once the pool is gone, as nobody extends the lease.
    pub(crate) fn core(&self) -> Result<Core> {
        match &self.host {
            Host::Pool(pool) => match pool.upgrade() {
                Some(pool) => Ok(pool.core.clone()),
                None => Err(Error::LeaseLost { id: self.lease.id(), token: self.lease.token() }),
            },
            #[cfg(feature = "testing")]
            Host::Test(core) => Ok(core.clone()),
        }
    }

    /// The handler has completed the task in a transaction that is committed.
    pub(crate) fn set_completed(&self) {
        self.flags.set_completed();
    }

    /// Begins to complete the task in a transaction of the handler's own, which then is to write what is
    /// [unwritten](Attempt::unwritten): until what is returned is dropped, the pool leaves it alone. Blocks while the
    /// pool's leader writes notes of the task.
    pub(crate) fn begin_completion(self: &Arc<Self>) -> OwnCompletion {
        let completion = OwnCompletion(self.clone());
        if let Some(pool) = self.pool() {
            let mut scheduler = pool.scheduler();
            scheduler.begin_own_completion(self.lease.key);
            let at_rest = |scheduler: &Scheduler| scheduler.notes_are_at_rest(self.lease.key);
            drop(pool.wait_until(scheduler, None, at_rest));
        }
        completion
    }

    /// What the handler has noted that is not written yet.
    pub(crate) fn unwritten(&self) -> Option<Note> {
        self.pool()?.scheduler().unwritten(self.lease.key)
    }

    fn pool(&self) -> Option<Arc<Shared>> {
        match &self.host {
            Host::Pool(pool) => pool.upgrade(),
            #[cfg(feature = "testing")]
            Host::Test(_) => None,
        }
    }

    /// Sets what the task results in.
    pub(super) fn set_result(&self, result: Arc<[u8]>) -> Result<()> {
        validate_result(&result)?;
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        Ok(())
    }

    /// What the handler has set as the task's result.
    pub(crate) fn result(&self) -> Option<Arc<[u8]>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reports how far the task has come.
    pub(super) fn progress(&self, fraction: f64, text: &str) {
        self.note(|at| Note {
            progress: Some(Progress::new(fraction, text, at)),
            ..Note::default()
        });
    }

    /// Logs a line with the task.
    pub(super) fn log(&self, line: &str) {
        let attempt = self.lease.attempt();
        self.note(|at| Note { lines: vec![LogLine::new(at, attempt, line)], ..Note::default() });
    }

    /// The operation that keeps a checkpoint.
    pub(super) fn checkpoint(&self, data: Arc<[u8]>) -> Result<Operation> {
        validate_checkpoint(&data)?;
        let note = Note { checkpoint: Some(data), ..Note::default() };
        Ok(Operation::Note { key: self.lease.key, note })
    }

    /// The last checkpoint of the task, if there was one.
    pub(super) fn resume(&self) -> Result<Option<Vec<u8>>> {
        self.core()?.engine()?.checkpoint(self.lease.id())
    }

    /// Takes note, and wakes the leader if it must write sooner than it wakes by itself.
    fn note(&self, note: impl FnOnce(Timestamp) -> Note) {
        match &self.host {
            Host::Pool(pool) => {
                let Some(pool) = pool.upgrade() else { return };
                let (note, now) = (note(pool.core.clock().now()), Instant::now());
                let mut scheduler = pool.scheduler();
                scheduler.take_note(self.lease.key, note, now);
                let must_wake_leader = scheduler.must_wake_leader(now);
                drop(scheduler);
                if must_wake_leader {
                    pool.leader_signal.raise();
                }
            }
            #[cfg(feature = "testing")]
            Host::Test(core) => {
                let note = note(core.clock().now());
                // As in a pool, what is noted after the lease was lost is dropped.
                _ = core.submit(Operation::Note { key: self.lease.key, note });
            }
        }
    }
}

/// A completion in a transaction of the handler's own, until it has ended.
#[must_use = "it ends when dropped"]
pub(crate) struct OwnCompletion(Arc<Attempt>);

impl Drop for OwnCompletion {
    fn drop(&mut self) {
        let Some(pool) = self.0.pool() else { return };
        let (key, completed, now) = (self.0.key(), self.0.flags.completed(), Instant::now());
        let mut scheduler = pool.scheduler();
        scheduler.end_own_completion(key, completed, now);
        if scheduler.must_wake_leader(now) {
            pool.leader_signal.raise();
        }
    }
}
