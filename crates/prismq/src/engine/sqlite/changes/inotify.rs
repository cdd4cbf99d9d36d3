//! Commits of other processes as the Linux kernel reports them: by writes to the `-wal`.

use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use rustix::thread::set_current_timer_slack;

use crate::engine::Changes;
use crate::engine::sqlite::writer::Writer;

/// A change is reported when it is written, which is before it is synced and committed: how long to sleep between looks for
/// the commit, each this many times, which covers a quick disk and then a slow one.
const LOOKS: [(Duration, usize); 3] =
    [(SHORTEST, QUICK), (Duration::from_millis(1), 16), (Duration::from_millis(5), 16)];
/// The shortest sleep.
const SHORTEST: Duration = Duration::from_micros(20);
/// How many looks follow each other so quickly.
const QUICK: usize = 64;

/// How long to sleep after so many looks; `None` after the last.
fn pause_after(looks: usize) -> Option<Duration> {
    let mut pauses = LOOKS.iter().flat_map(|(pause, times)| std::iter::repeat_n(*pause, *times));
    pauses.nth(looks)
}

/// What a look finds.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// `None` while the file cannot be used.
    version: Option<i64>,
    /// Whether the file was written since the last look.
    written: bool,
    /// Transactions that this process has committed.
    own: u64,
}

/// A watch on one file. The file itself is not opened, as closing it would drop SQLite's locks.
#[derive(Debug)]
pub(super) struct Inotify {
    changes: OwnedFd,
    interrupted: OwnedFd,
    /// Whether the last wait ended before its last look.
    unfinished: AtomicBool,
    writer: Weak<Mutex<Writer>>,
}

impl Inotify {
    pub(super) fn new(wal: &Path, writer: Weak<Mutex<Writer>>) -> io::Result<Self> {
        let changes =
            inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&changes, wal, inotify::WatchFlags::MODIFY)?;
        let interrupted = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { changes, interrupted, unfinished: AtomicBool::new(false), writer })
    }

    /// Sleeps until the file is written or the time is up; `false` if the watch was interrupted.
    fn sleep(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut fds = [
            PollFd::new(&self.changes, PollFlags::IN),
            PollFd::new(&self.interrupted, PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!drain(&self.interrupted)),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks while this process does not write, so that what was written is its own if it has committed since.
    fn look(&self) -> Found {
        let writer = self.writer.upgrade();
        let writer = writer.as_ref().map(|it| it.lock().unwrap_or_else(PoisonError::into_inner));
        let written = drain(&self.changes);
        let Some(writer) = writer else { return Found { written, ..Found::default() } };
        let own = writer.contention.write_transactions.load(Ordering::Relaxed);
        Found { version: writer.version().ok(), written, own }
    }

    /// Looks until there is another version, or none is to be expected.
    fn look_for_commit(
        &self,
        version: &mut Option<i64>,
        until: Option<Instant>,
        wanted: &dyn Fn() -> bool,
    ) -> io::Result<bool> {
        let mut looks = 0;
        let mut own = None;
        loop {
            let found = self.look();
            if found.version != *version {
                *version = found.version;
                return Ok(true);
            }
            let in_time = until.is_none_or(|until| Instant::now() < until);
            if let Some(own) = own.replace(found.own).filter(|_| found.written && in_time) {
                // Another process writes and will commit, unless this one has committed: then both have written only seldom.
                looks = if found.own == own { 0 } else { QUICK };
            }
            let Some(pause) = pause_after(looks) else { return Ok(false) };
            looks += 1;
            let began = Instant::now();
            if !wanted() || !self.sleep(Some(pause))? {
                self.unfinished.store(true, Ordering::Relaxed);
                return Ok(false);
            }
            // A long transaction keeps no processor busy.
            thread::sleep(SHORTEST.saturating_sub(began.elapsed()));
        }
    }
}

/// Reads what there is, and whether there was anything: what changed does not matter.
fn drain(events: &OwnedFd) -> bool {
    let (mut buffer, mut any) = ([0_u8; 1024], false);
    while rustix::io::read(events, &mut buffer).is_ok_and(|read| read > 0) {
        any = true;
    }
    any
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
        let until = timeout.map(|timeout| Instant::now() + timeout);
        // What the last wait has heard of may be committed only now.
        if !self.unfinished.swap(false, Ordering::Relaxed) && !self.sleep(timeout)? {
            return Ok(false);
        }
        self.look_for_commit(version, until, wanted)
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
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::engine::Operation;
    use crate::engine::sqlite::tests::{NOW, writer};
    use crate::model::NewTask;
    use crate::time::ManualClock;

    /// A file that is watched, and a watch on it that finds no version.
    fn watched() -> (tempfile::TempDir, PathBuf, Inotify) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queue.db-wal");
        File::create(&path).unwrap();
        let watch = Inotify::new(&path, Weak::new()).unwrap();
        (dir, path, watch)
    }

    fn write(path: &Path) {
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"a frame").unwrap();
    }

    /// How many looks a write leads to if nothing else is written.
    const LAST: usize = LOOKS[0].1 + LOOKS[1].1 + LOOKS[2].1;

    /// How many looks a write leads to, if something happens before the last of them.
    fn looks(watch: &Inotify, mut version: Option<i64>, before_the_last: impl Fn()) -> usize {
        let looks = Cell::new(0);
        let wanted = || {
            looks.set(looks.get() + 1);
            if looks.get() == LAST {
                before_the_last();
            }
            true
        };
        assert!(!watch.wait(&mut version, None, &wanted).unwrap(), "no other process commits");
        looks.get()
    }

    #[test]
    fn what_another_process_writes_between_slow_looks_is_looked_for_quickly() {
        let (_dir, path, watch) = watched();
        write(&path);
        assert_eq!(looks(&watch, None, || write(&path)), 2 * LAST);
    }

    #[test]
    fn what_this_process_commits_is_not_looked_for_quickly() {
        let (dir, writer) = writer();
        let version = writer.version().unwrap();
        let writer = Arc::new(Mutex::new(writer));
        let wal = dir.path().join("queue.db-wal");
        let watch = Inotify::new(&wal, Arc::downgrade(&writer)).unwrap();
        let enqueue = || {
            let enqueue = Operation::Enqueue(vec![NewTask::new("job", [])]);
            writer.lock().unwrap().apply(&ManualClock::new(NOW), &[enqueue]).unwrap();
        };
        enqueue();
        assert_eq!(looks(&watch, Some(version), enqueue), 2 * LAST - QUICK);
    }

    #[test]
    fn looks_end_with_the_time_although_the_file_is_written_all_along() {
        let (_dir, path, watch) = watched();
        write(&path);
        let looks = Cell::new(0);
        let wanted = || {
            write(&path);
            looks.set(looks.get() + 1);
            looks.get() < 100_000
        };
        assert!(!watch.wait(&mut None, Some(Duration::from_millis(1)), &wanted).unwrap());
        assert!(looks.get() < 100_000, "it went on");
    }

    #[test]
    fn an_interrupt_ends_one_wait_and_what_was_written_is_looked_for_by_the_next() {
        let (_dir, path, watch) = watched();
        watch.interrupt();
        write(&path);
        let looks = Cell::new(0);
        let wanted = || {
            looks.set(looks.get() + 1);
            if looks.get() == 1 {
                watch.interrupt();
            }
            looks.get() < 3
        };
        assert!(!watch.wait(&mut None, None, &wanted).unwrap());
        assert_eq!(looks.get(), 0, "it has ended at once");
        watch.wait(&mut None, None, &wanted).unwrap();
        assert_eq!(looks.get(), 1, "it has ended amid its looks");
        watch.wait(&mut None, None, &wanted).unwrap();
        assert_eq!(looks.get(), 3, "it looks at once");
    }
}
