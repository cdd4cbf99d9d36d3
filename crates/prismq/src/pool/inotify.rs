//! Commits of other processes: the kernel reports when the queue's file changes, and it is asked only
//! while the pool waits for work. On systems without inotify the leader polls at intervals instead.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;

use super::Shared;

/// A change is reported when it is written, which is before it is synced and committed: the waits
/// between looks for the commit, each this many times, which covers a quick disk and then a slow one.
const LOOKS: [Duration; 3] =
    [Duration::from_micros(100), Duration::from_millis(1), Duration::from_millis(5)];
const LOOKS_EACH: usize = 16;

/// A watch on one file. The file itself is not opened, which SQLite's locks would not survive.
#[derive(Debug)]
pub(super) struct Inotify {
    changes: OwnedFd,
    stop: OwnedFd,
}

impl Inotify {
    /// Begins to watch.
    pub(super) fn new(file: &Path) -> io::Result<Self> {
        let changes =
            inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&changes, file, inotify::WatchFlags::MODIFY)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { changes, stop })
    }

    /// Lets [`Self::run`] return.
    pub(super) fn stop(&self) {
        if let Err(error) = rustix::io::write(&self.stop, &1_u64.to_ne_bytes()) {
            tracing::error!(%error, "the thread that watches the queue's file cannot be stopped");
        }
    }

    /// Calls the leader for what other processes commit, until it is stopped.
    pub(super) fn run(&self, shared: &Shared) {
        let mut known = shared.queue.version().ok();
        loop {
            let seen = shared.listen.count();
            let scheduler = shared.scheduler();
            let (waits, ends) = (scheduler.waits_for_work(), scheduler.ends());
            drop(scheduler);
            if ends {
                return;
            }
            if !waits {
                shared.listen.wait(seen, None);
                continue;
            }
            if let Err(error) = self.sleep() {
                tracing::warn!(%error, "inotify failed: commits of other processes are polled for");
                return;
            }
            if self.look(shared, &mut known) {
                shared.scheduler().look_again();
                shared.signal.raise();
            }
        }
    }

    /// Sleeps until the file changes or the end.
    fn sleep(&self) -> io::Result<()> {
        let mut fds =
            [PollFd::new(&self.changes, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // What changed does not matter, only that something did.
        let mut events = [0_u8; 1024];
        while rustix::io::read(&self.changes, &mut events).is_ok_and(|read| read > 0) {}
        Ok(())
    }

    /// Whether another process committed something, now or within a few milliseconds.
    fn look(&self, shared: &Shared, known: &mut Option<i64>) -> bool {
        for wait in LOOKS.iter().flat_map(|wait| [*wait; LOOKS_EACH]) {
            let version = shared.queue.version().ok();
            if version != *known {
                *known = version;
                return true;
            }
            if !shared.scheduler().waits_for_work() {
                return false;
            }
            thread::sleep(wait);
        }
        false
    }
}
