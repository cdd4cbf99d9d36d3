//! What processes use, as Linux counts it: processor time, switches, memory, bytes written to disks.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

/// What each thread of some processes did until now, by its process and its number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Threads(HashMap<(u32, OsString), Activity>);

/// What threads did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Time on a processor.
    pub processor: Duration,
    /// How often a processor was given to another thread, by a wait or by the scheduler.
    pub switches: u64,
}

impl Threads {
    /// Those of these processes; `None` where the system does not count.
    #[must_use]
    pub fn of(processes: &[u32]) -> Option<Self> {
        let mut all = HashMap::new();
        for process in processes {
            // It may have ended since, as may any of its threads.
            let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for thread in threads.flatten() {
                let path = thread.path();
                let Ok(schedstat) = fs::read_to_string(path.join("schedstat")) else { continue };
                let Ok(status) = fs::read_to_string(path.join("status")) else { continue };
                let activity =
                    Activity { processor: on_processor(&schedstat)?, switches: switches(&status)? };
                all.insert((*process, thread.file_name()), activity);
            }
        }
        (!all.is_empty()).then_some(Self(all))
    }

    /// What those that were there then, and still are, did since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Activity {
        let both = self.0.iter().filter_map(|(thread, now)| Some((now, earlier.0.get(thread)?)));
        both.fold(Activity::default(), |sum, (now, before)| Activity {
            processor: sum.processor + now.processor.saturating_sub(before.processor),
            switches: sum.switches + now.switches.saturating_sub(before.switches),
        })
    }
}

/// Memory of these processes in bytes: pages that several share count once in all (proportional set size). `None` where
/// the system does not count.
#[must_use]
pub fn memory(processes: &[u32]) -> Option<u64> {
    sum(processes, "smaps_rollup", "Pss:").map(|kib| kib * 1024)
}

/// Bytes that these processes have caused to be written to disks. `None` where the system does not count.
#[must_use]
pub fn written(processes: &[u32]) -> Option<u64> {
    sum(processes, "io", "write_bytes:")
}

/// Of those processes that are still there; `None` if there is none whose file has this line.
fn sum(processes: &[u32], file: &str, line: &str) -> Option<u64> {
    let of = |process| named(&fs::read_to_string(format!("/proc/{process}/{file}")).ok()?, line);
    processes.iter().filter_map(of).reduce(|one, other| one + other)
}

/// The first field of `schedstat`: nanoseconds on a processor.
fn on_processor(schedstat: &str) -> Option<Duration> {
    schedstat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn switches(status: &str) -> Option<u64> {
    Some(named(status, "voluntary_ctxt_switches:")? + named(status, "nonvoluntary_ctxt_switches:")?)
}

/// The number in the line with this name.
fn named(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_counts_is_read() {
        assert_eq!(on_processor("1902588 7 1\n"), Some(Duration::from_nanos(1_902_588)));
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t2\n";
        assert_eq!(switches(status), Some(7));
        assert_eq!(named("Rss:  12 kB\nPss:      9 kB\n", "Pss:"), Some(9));
        assert_eq!(named("Rss:  12 kB\n", "Pss:"), None);
    }

    #[test]
    fn this_process_was_active_and_has_memory() {
        let this = [std::process::id()];
        let before = Threads::of(&this).unwrap();
        std::thread::yield_now();
        let since = Threads::of(&this).unwrap().since(&before);
        assert!(since.processor > Duration::ZERO, "{since:?}");
        assert!(memory(&this).unwrap() > 1024 * 1024);
        assert_eq!(
            before.since(&Threads::default()),
            Activity::default(),
            "what has ended is left out"
        );
        assert_eq!((memory(&[u32::MAX]), written(&[u32::MAX])), (None, None));
        assert!(written(&this).is_some());
    }
}
