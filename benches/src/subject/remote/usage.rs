//! What processes use, as Linux counts it: processor time, switches, memory, bytes written to disks.

use std::fs;
use std::time::Duration;

/// What the threads of some processes did until now. Those that have ended are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activity {
    /// Time on a processor.
    pub processor: Duration,
    /// How often a processor was given to another thread, by a wait or by the scheduler.
    pub switches: u64,
}

impl Activity {
    /// Of all threads of these processes; `None` where the system does not count.
    #[must_use]
    pub fn of(processes: &[u32]) -> Option<Self> {
        let mut sum = Self::default();
        for process in processes {
            // It may have ended since, as may any of its threads.
            let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for thread in threads.flatten().map(|thread| thread.path()) {
                let Ok(schedstat) = fs::read_to_string(thread.join("schedstat")) else { continue };
                let Ok(status) = fs::read_to_string(thread.join("status")) else { continue };
                sum.processor += on_processor(&schedstat)?;
                sum.switches += switches(&status)?;
            }
        }
        (sum.switches > 0).then_some(sum)
    }

    /// Since an earlier reading.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(earlier.processor),
            switches: self.switches.saturating_sub(earlier.switches),
        }
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
        let before = Activity::of(&this).unwrap();
        std::thread::yield_now();
        let since = Activity::of(&this).unwrap().since(before);
        assert!(since.processor > Duration::ZERO, "{since:?}");
        assert!(memory(&this).unwrap() > 1024 * 1024);
        assert_eq!((memory(&[u32::MAX]), written(&[u32::MAX])), (None, None));
        assert!(written(&this).is_some());
    }
}
