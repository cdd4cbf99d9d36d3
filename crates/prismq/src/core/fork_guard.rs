//! The guard against forks: a forked process inherits the handles, but neither their threads nor their locks, and
//! must neither use nor close them.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{Error, Result};

/// The process that has queues open (upper half) and how many (lower half): one atomic, as threads open queues
/// concurrently. Not a lock, which a thread of the parent could hold at the fork.
static OPEN: AtomicU64 = AtomicU64::new(0);
const HALF: u32 = 32;

/// The process that an open queue belongs to.
#[derive(Debug)]
pub(crate) struct ForkGuard {
    process: u32,
}

impl ForkGuard {
    /// This process, unless it is a fork that inherited open queues: locks on a file belong to a process,
    /// and the fork would take those of its parent for its own.
    pub(crate) fn register() -> Result<Self> {
        let process = process::id();
        let own = u64::from(process) << HALF;
        let one_more = |open: u64| match opener(open) == process {
            true => Some(open + 1),
            false => (handles(open) == 0).then_some(own | 1),
        };
        OPEN.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
            .map_err(|open| Error::Forked { opened_by: opener(open) })?;
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

impl Drop for ForkGuard {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::SeqCst);
    }
}

const fn opener(open: u64) -> u32 {
    (open >> HALF) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn handles(open: u64) -> u32 {
    open as u32
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn threads_that_open_queues_at_once_are_no_forks() {
        for _ in 0..200 {
            let start = Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        ForkGuard::register().unwrap()
                    });
                }
            });
        }
    }
}
