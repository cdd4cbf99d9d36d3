//! The commit threads, one for each submission queue: they lead where futures wait, which cannot lead themselves. They
//! are started with the first of them, so that a queue used by blocking callers alone has none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Committer;
use super::pending::Pending;
use crate::model::{Error, Result};

/// The threads of one committer, or none yet. Dropping them ends them, once what waits is applied.
#[derive(Debug)]
pub(crate) struct CommitThreads {
    committer: Arc<Committer>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl CommitThreads {
    pub(crate) const fn new(committer: Arc<Committer>) -> Self {
        Self { committer, threads: Mutex::new(Vec::new()) }
    }

    /// Starts those that do not run.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub(crate) fn start(&self) -> Result<()> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in threads.len()..self.committer.all_pending().count() {
            let committer = self.committer.clone();
            let lead = move || {
                let pending = committer.all_pending().nth(queue);
                pending.iter().for_each(|pending| run(&committer, pending));
            };
            let started = thread::Builder::new()
                .name("prismq-commit".to_owned())
                .spawn(lead)
                .map_err(|error| Error::Thread { source: Arc::new(error) })?;
            threads.push(started);
        }
        Ok(())
    }
}

/// Leads until it is to end.
fn run(committer: &Committer, pending: &Pending) {
    while pending.wait_for_lead() {
        // Once the lead is handed over, the application's code may panic: its wakers, log subscriber and handlers.
        // That must not end the thread.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
            committer.lead(pending, pending.take_group());
            committer.engine.after_call();
        })) {
            // Its own drop may panic again.
            std::mem::forget(panic);
        }
    }
}

impl Drop for CommitThreads {
    fn drop(&mut self) {
        self.committer.all_pending().for_each(Pending::end_thread);
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // The last reference to a queue may be dropped by the thread itself, with the application's code that it
            // runs.
            if thread.thread().id() != thread::current().id() {
                // It does not panic.
                _ = thread.join();
            }
        }
    }
}
