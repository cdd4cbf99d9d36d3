//! Commits of other processes as the Linux kernel reports them: by writes to the `-wal`.

use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use rustix::thread::set_current_timer_slack;

use crate::engine::Changes;
use crate::engine::sqlite::writer::Writer;

/// The shortest sleep between two looks, so that a long transaction of another process keeps no processor busy.
const SHORTEST: Duration = Duration::from_micros(20);
/// A change is reported when it is written, which is before it is synced and committed, and those of this process are
/// reported too: how long to sleep between looks for the commit, each this many times, which covers a quick disk and
/// then a slow one.
const LOOKS: [(Duration, usize); 3] =
    [(SHORTEST, 64), (Duration::from_millis(1), 16), (Duration::from_millis(5), 16)];

fn pauses() -> impl Iterator<Item = Duration> {
    LOOKS.iter().flat_map(|(pause, times)| std::iter::repeat_n(*pause, *times))
}

/// A watch on one file. The file itself is not opened, as closing it would drop SQLite's locks.
#[derive(Debug)]
pub(super) struct Inotify {
    changes: OwnedFd,
    interrupted: OwnedFd,
    writer: Weak<Mutex<Writer>>,
}

impl Inotify {
    pub(super) fn new(wal: &Path, writer: Weak<Mutex<Writer>>) -> io::Result<Self> {
        let changes =
            inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&changes, wal, inotify::WatchFlags::MODIFY)?;
        let interrupted = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { changes, interrupted, writer })
    }

    /// Sleeps until the file is written, the watch is interrupted or the time is up; whether it was written.
    fn sleep(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut fds = [
            PollFd::new(&self.changes, PollFlags::IN),
            PollFd::new(&self.interrupted, PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // What changed does not matter, only that something did.
        let (mut events, mut written) = ([0_u8; 1024], false);
        while rustix::io::read(&self.changes, &mut events).is_ok_and(|read| read > 0) {
            written = true;
        }
        Ok(written)
    }

    /// `None` while the file cannot be used.
    fn version(&self) -> Option<i64> {
        let writer = self.writer.upgrade()?;
        let version = writer.lock().unwrap_or_else(PoisonError::into_inner).version();
        version.ok()
    }
}

impl Changes for Inotify {
    fn wait(
        &self,
        version: &mut Option<i64>,
        timeout: Option<Duration>,
        wanted: &dyn Fn() -> bool,
    ) -> io::Result<bool> {
        // Else each sleep below takes 50 us longer. Where it fails, tasks begin that much later.
        _ = set_current_timer_slack(Some(NonZeroU64::MIN));
        self.sleep(timeout)?;
        let mut pauses_left = pauses();
        while let Some(pause) = pauses_left.next() {
            let now = self.version();
            if now != *version {
                *version = now;
                return Ok(true);
            }
            if !wanted() {
                break;
            }
            // What is written now may be the commit of another process, after one of this that was reported.
            if self.sleep(Some(pause))? {
                thread::sleep(SHORTEST);
                pauses_left = pauses();
            }
        }
        Ok(false)
    }

    fn interrupt(&self) {
        if let Err(error) = rustix::io::write(&self.interrupted, &1_u64.to_ne_bytes()) {
            tracing::error!(%error, "the thread that watches the queue's file cannot be stopped");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs::File;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_between_slow_looks_is_looked_for_quickly() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tasks.db-wal");
        let wal = File::create(&path).unwrap();
        let watch = Inotify::new(&path, Weak::new()).unwrap();
        let all = pauses().count();
        let looks = Cell::new(0);

        (&wal).write_all(b"a commit of this process").unwrap();
        let committed = watch.wait(&mut None, None, &|| {
            looks.set(looks.get() + 1);
            if looks.get() == all - 1 {
                (&wal).write_all(b"one of another process").unwrap();
            }
            true
        });

        assert!(!committed.unwrap(), "a version was read from nothing");
        assert_eq!(looks.get(), all - 1 + all);
    }
}
