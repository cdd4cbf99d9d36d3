//! The commit thread: it leads where futures wait, which cannot lead themselves. It is started with the first of them,
//! so that a queue used by blocking callers alone has none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Committer;
use crate::model::{Error, Result};

/// The thread of one committer, or none yet. Dropping it ends the thread, once what waits is applied.
#[derive(Debug)]
pub(crate) struct CommitThread {
    committer: Arc<Committer>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl CommitThread {
    pub(crate) const fn new(committer: Arc<Committer>) -> Self {
        Self { committer, thread: Mutex::new(None) }
    }

    /// Starts the thread unless it runs.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub(crate) fn start(&self) -> Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let committer = self.committer.clone();
            let started = thread::Builder::new()
                .name("prismq-commit".to_owned())
                .spawn(move || run(&committer))
                .map_err(|error| Error::Thread { source: Arc::new(error) })?;
            *thread = Some(started);
        }
        Ok(())
    }
}

/// Leads until it is to end.
fn run(committer: &Committer) {
    while committer.pending.wait_for_lead() {
        // Once the lead is handed over, the application's code may panic: its wakers, log subscriber and handlers.
        // That must not end the thread.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
            committer.lead(committer.pending.take_group());
            committer.engine.write_log();
        })) {
            // Its own drop may panic again.
            std::mem::forget(panic);
        }
    }
}

impl Drop for CommitThread {
    fn drop(&mut self) {
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        self.committer.pending.end_thread();
        // The last reference to a queue may be dropped by the thread itself, with the application's code that it
        // runs.
        if thread.thread().id() != thread::current().id() {
            // It does not panic.
            _ = thread.join();
        }
    }
}
