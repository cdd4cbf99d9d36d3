//! Commits of other processes: the kernel reports when the queue's file changes, and it is asked only
//! while the pool waits for work. On systems without inotify the leader polls at intervals instead.
//!
//! What another process committed is claimed here at once, as a transaction of this process would claim it
//! for idle workers, so that it takes one switch of threads until a handler begins, not two.

use std::io;
use std::num::NonZeroU64;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use rustix::thread::set_current_timer_slack;

use super::Shared;
use crate::engine::{Answer, Operation};

/// A change is reported when it is written, which is before it is synced and committed: the waits
/// between looks for the commit, each so many times, which covers a quick disk and then a slow one.
const LOOKS: [(Duration, usize); 3] = [
    (Duration::from_micros(20), 64),
    (Duration::from_millis(1), 16),
    (Duration::from_millis(5), 16),
];

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

    /// Claims what other processes commit, then wakes the leader, until it is stopped.
    pub(super) fn run(&self, shared: &Shared) {
        // Else each of the waits takes 50 us longer. It only makes a task begin sooner.
        _ = set_current_timer_slack(Some(NonZeroU64::MIN));
        let mut known = shared.core.version().ok();
        loop {
            let seen = shared.idle_signal.count();
            let scheduler = shared.scheduler();
            let (waits, ends) = (scheduler.is_idle(), scheduler.is_ending());
            drop(scheduler);
            if ends {
                return;
            }
            if !waits {
                shared.idle_signal.wait(seen, None);
                continue;
            }
            if let Err(error) = self.sleep() {
                tracing::warn!(%error, "inotify failed: commits of other processes are polled for");
                return;
            }
            if look(shared, &mut known) {
                claim(shared);
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
}

/// Whether another process committed something, now or within a tenth of a second.
fn look(shared: &Shared, known: &mut Option<i64>) -> bool {
    for wait in LOOKS.iter().flat_map(|(wait, times)| std::iter::repeat_n(*wait, *times)) {
        let version = shared.core.version().ok();
        if version != *known {
            *known = version;
            return true;
        }
        if !shared.scheduler().is_idle() {
            return false;
        }
        thread::sleep(wait);
    }
    false
}

/// Claims for idle workers; the leader sees to the rest, and to what failed.
fn claim(shared: &Shared) {
    let mut scheduler = shared.scheduler();
    let (room, pauses) = (scheduler.reserve(None), scheduler.pauses());
    drop(scheduler);
    if room > 0 {
        let claim = shared.claim.clone().max(room).begun_max(0).suspects_max(0);
        let answer = shared.core.submit_all(vec![Operation::Claim(claim)]).pop();
        let leases = match answer {
            Some(Ok(Answer::Claimed(claimed))) => claimed.leases,
            _ => Vec::new(),
        };
        shared.deliver_reserved(room, leases, pauses);
    }
    shared.scheduler().end_idle();
    shared.leader_signal.raise();
}
