//! The processes that a driver consists of: itself, its group, and all it started, whichever group or parent those
//! have now.

use std::collections::HashSet;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::base::process_time::TICK;

/// The variable by which a process is recognised that has left its group and lost its parent.
pub(super) const MARK: &str = "PRISMQ_DRIVER";
/// How long killed processes may take to be gone.
const END_BOUND: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What the processes have used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time of those that are still there.
    pub processor: Duration,
    /// How many there are.
    pub processes: usize,
}

/// The processes of a driver.
#[derive(Debug, Clone)]
pub struct Family {
    leader: u32,
    mark: String,
    /// Those that were seen, with the times at which they began: ids are used again.
    seen: Arc<Mutex<HashSet<(u32, u64)>>>,
}

/// One line of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    group: u32,
    is_zombie: bool,
    ticks: u32,
    began: u64,
}

impl Family {
    pub(super) fn new(leader: u32, mark: String) -> Self {
        Self { leader, mark, seen: Arc::default() }
    }

    /// Those that run now.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        self.stats().iter().filter(|stat| !stat.is_zombie).map(|stat| stat.pid).collect()
    }

    /// Looks for them: one that is seen once is found again, wherever it goes.
    pub(super) fn look(&self) {
        drop(self.stats());
    }

    /// What they have used until now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let stats = self.stats();
        let ticks = stats.iter().map(|stat| stat.ticks).fold(0, u32::saturating_add);
        Usage { processor: TICK * ticks, processes: stats.len() }
    }

    /// Kills all of them, and those that they start meanwhile. Returns those that are still there after ten seconds.
    pub fn end(&self) -> Vec<u32> {
        let until = Instant::now() + END_BOUND;
        loop {
            let mut left = self.stats();
            for stat in &left {
                send(stat.pid, Signal::KILL);
                // Whose parent has died is a child of this process now, and stays in the table until it is waited for.
                if stat.pid != self.leader {
                    reap(stat.pid);
                }
            }
            left.retain(|stat| !stat.is_zombie);
            if left.is_empty() || Instant::now() > until {
                return left.iter().map(|stat| stat.pid).collect();
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits for those that have ended and whose parent has too. One that is not waited for counts as running where its
    /// id is asked for, as PostgreSQL does when it starts.
    pub(super) fn reap(&self) {
        self.stats().iter().filter(|stat| stat.is_zombie).for_each(|stat| reap(stat.pid));
    }

    /// Asks those of these processes that belong to it to end, and waits for that for so long at most.
    pub(super) fn terminate(&self, processes: &[u32], bound: Duration) {
        let until = Instant::now() + bound;
        self.signal(processes, Signal::TERM);
        let is_meant = |pid: &u32| processes.contains(pid);
        while self.members().iter().any(is_meant) && Instant::now() < until {
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Kills those of these processes that belong to it.
    pub(super) fn kill(&self, processes: &[u32]) {
        self.signal(processes, Signal::KILL);
    }

    /// A driver may name any process: only its own are meant.
    fn signal(&self, processes: &[u32], signal: Signal) {
        for member in self.members().into_iter().filter(|member| processes.contains(member)) {
            send(member, signal);
        }
    }

    fn stats(&self) -> Vec<Stat> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let all: Vec<Stat> = pids.filter_map(stat_of).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut members: HashSet<u32> = all
            .iter()
            .filter(|stat| {
                stat.pid == self.leader
                    || stat.group == self.leader
                    || seen.contains(&(stat.pid, stat.began))
                    || self.is_marked(stat.pid)
            })
            .map(|stat| stat.pid)
            .collect();
        loop {
            let children = all.iter().filter(|stat| members.contains(&stat.parent));
            let found: Vec<u32> =
                children.map(|stat| stat.pid).filter(|pid| !members.contains(pid)).collect();
            if found.is_empty() {
                break;
            }
            members.extend(found);
        }
        let members: Vec<Stat> =
            all.into_iter().filter(|stat| members.contains(&stat.pid)).collect();
        seen.extend(members.iter().map(|stat| (stat.pid, stat.began)));
        members
    }

    fn is_marked(&self, pid: u32) -> bool {
        let wanted = format!("{MARK}={}", self.mark);
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    }
}

fn stat_of(pid: u32) -> Option<Stat> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name of the program may contain anything, also brackets: what follows the last one is counted.
fn parse(pid: u32, stat: &str) -> Option<Stat> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(Stat {
        pid,
        parent: number(1)?,
        group: number(2)?,
        is_zombie: matches!(fields.first(), Some(&"Z" | &"X")),
        ticks: number(11)?.saturating_add(number(12)?),
        began: fields.get(19)?.parse().ok()?,
    })
}

fn pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Sends a signal to a process, unless it is gone already.
fn send(process: u32, signal: Signal) {
    if let Some(pid) = pid(process) {
        let _ = kill_process(pid, signal);
    }
}

fn reap(process: u32) {
    if let Some(pid) = pid(process) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_any_name_is_read() {
        let stat = "7 (a) b) Z 3 5 5 0 -1 4 0 0 0 0 12 30 0 0 20 0 1 0 99 0";
        let expected = Stat { pid: 7, parent: 3, group: 5, is_zombie: true, ticks: 42, began: 99 };
        assert_eq!(parse(7, stat), Some(expected));
        assert_eq!(parse(7, "7 (a"), None);
    }
}
