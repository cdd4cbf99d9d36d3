//! Which process opened the queues: a fork inherits the handles, but neither their threads nor their locks,
//! and must leave them alone, closing included.

use std::process;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::error::{Error, Result};

// No lock, which a thread of the parent could have held while it forked.
static OPENED_BY: AtomicU32 = AtomicU32::new(0);
static HANDLES: AtomicUsize = AtomicUsize::new(0);

/// Of one open queue: the process it belongs to.
#[derive(Debug)]
pub(crate) struct Owner {
    process: u32,
}

impl Owner {
    /// This process, unless it is a fork that inherited open queues: SQLite would take the locks of the
    /// parent for its own.
    pub(crate) fn register() -> Result<Self> {
        let process = process::id();
        let opened_by = OPENED_BY.load(Ordering::SeqCst);
        if opened_by != process && HANDLES.load(Ordering::SeqCst) > 0 {
            return Err(Error::Forked { opened_by });
        }
        OPENED_BY.store(process, Ordering::SeqCst);
        HANDLES.fetch_add(1, Ordering::SeqCst);
        Ok(Self { process })
    }

    /// Whether this is the process that opened the queue, else an error.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_this_process() {
            return Ok(());
        }
        Err(Error::Forked { opened_by: self.process })
    }

    pub(crate) fn is_this_process(&self) -> bool {
        self.process == process::id()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        HANDLES.fetch_sub(1, Ordering::SeqCst);
    }
}
