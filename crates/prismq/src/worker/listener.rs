//! Hearing other processes at once: the kernel tells when the queue's file changes, and only while a
//! worker watches for work is it asked. On systems without inotify the watching worker looks at
//! intervals instead.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;

use super::Crew;

/// A change is told when it is written, which is before it is synced and committed: the waits between
/// looks for the commit, each this many times, which covers a quick disk and then a slow one.
const LOOKS: [Duration; 3] =
    [Duration::from_micros(100), Duration::from_millis(1), Duration::from_millis(5)];
const LOOKS_EACH: usize = 16;

/// One file being listened to. The file itself is not opened, which SQLite's locks would not survive.
#[derive(Debug)]
pub(super) struct Listener {
    changes: OwnedFd,
    stop: OwnedFd,
}

impl Listener {
    /// Begins to listen.
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
            tracing::error!(%error, "the listener of a pool cannot be told to stop");
        }
    }

    /// Tells the workers of what other processes commit, until it is stopped.
    pub(super) fn run(&self, crew: &Crew) {
        let mut known = crew.queue.version().ok();
        loop {
            let seen = crew.listen.count();
            let state = crew.state();
            let (watched, dismissed) = (state.is_watched(), state.is_dismissed());
            drop(state);
            if dismissed {
                return;
            }
            if !watched {
                crew.listen.wait(seen, None);
                continue;
            }
            if let Err(error) = self.sleep() {
                tracing::warn!(%error, "a pool no longer hears other processes at once");
                return;
            }
            if self.look(crew, &mut known) {
                crew.queue.work().raise();
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
    fn look(&self, crew: &Crew, known: &mut Option<i64>) -> bool {
        for wait in LOOKS.iter().flat_map(|wait| [*wait; LOOKS_EACH]) {
            let version = crew.queue.version().ok();
            if version != *known {
                *known = version;
                return true;
            }
            if !crew.state().is_watched() {
                return false;
            }
            thread::sleep(wait);
        }
        false
    }
}
