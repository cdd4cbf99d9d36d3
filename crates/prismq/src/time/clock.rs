//! The clock that a queue reads, and that of the machine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::boot;
use super::{Signal, Timestamp};

/// A source of time. All handles on a file must use the same one.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use prismq::{ManualClock, NewTask, Queue, Timestamp};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("queue.db");
/// let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
/// let queue = Queue::builder(path).clock(clock.clone()).open()?;
/// queue.enqueue(NewTask::new("report", []).delay(Duration::from_secs(3600)))?;
/// assert!(queue.claim(&prismq::Claim::new(["report"]))?.is_empty());
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(queue.claim(&prismq::Claim::new(["report"]))?.len(), 1);
/// # Ok(())
/// # }
/// ```
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time of the wall clock, which may be set forward and back.
    fn now(&self) -> Timestamp;

    /// The time that delays, leases and ageing follow: it should advance steadily, never go back, and be the same
    /// for all processes that use the file. The wall clock's unless a clock has a better one.
    ///
    /// A clock whose monotonic time restarts must identify each start by [`Clock::boot_id`].
    fn monotonic(&self) -> Timestamp {
        self.now()
    }

    /// Identifies the start that [`Clock::monotonic`] counts from, if it restarts, as a machine's does at each boot.
    /// The queue then stores an offset in its file when the file is first opened after the start, so that its time
    /// goes on by what has passed on the wall clock. `None` if it never restarts: it is then used unchanged.
    fn boot_id(&self) -> Option<String> {
        None
    }

    /// How long a thread should sleep until [`Clock::monotonic`] reaches `due`; `None` to sleep until a signal.
    fn sleep_until(&self, due: Timestamp) -> Option<Duration>;

    /// Registers a signal to be raised whenever time jumps, so that sleeping threads check it again.
    fn on_jump(&self, signal: &Arc<Signal>);
}

/// The machine's clocks. On Linux the monotonic time is the time since boot, suspend included (`CLOCK_BOOTTIME`), the
/// same for all processes; elsewhere, and where `/proc` does not give the boot's id, it is the wall clock's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Timestamp {
        boot::elapsed().unwrap_or_else(|| self.now())
    }

    fn boot_id(&self) -> Option<String> {
        boot::id().map(str::to_owned)
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        Some(due.since(self.monotonic()))
    }

    fn on_jump(&self, _signal: &Arc<Signal>) {}
}
