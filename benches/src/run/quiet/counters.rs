//! The kernel's counters of what a machine did: processor time, steal, pressure (`man 5 proc`;
//! `Documentation/accounting/psi.rst`) and a control group's throttling (`cgroup-v2.rst`, `cpu.stat`).

use std::fs;
use std::path::Path;
use std::time::Duration;

use prismq_record::Disturbance;

use super::Sources;
use crate::base::number::as_f64;
use crate::base::process_time::{KTHREADD, ticks_of};
use crate::environment::groups;

/// Places in the first line of `/proc/stat`: the times in which a core did something for a program
/// (user, nice, system), and steal. Interrupts belong to no process.
const BUSY: usize = 3;
const STEAL: usize = 7;
/// Times from the ninth on are counted in others already.
const TIMES: usize = 8;
/// Ticks by which a difference may be wrong: the reading of a core before and after, and of a process.
const RESOLUTION_TICKS: f64 = 4.0;

/// All counters at one moment; what cannot be read is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counters {
    /// In ticks, of all cores.
    all: Option<u64>,
    busy: Option<u64>,
    steal: Option<u64>,
    /// In ticks, of the run's processes and the kernel's threads.
    own: Option<u64>,
    /// In microseconds.
    cpu_pressure: Option<u64>,
    io_pressure: Option<u64>,
    throttled: Option<u64>,
}

impl Counters {
    pub(super) fn read(sources: &Sources) -> Self {
        let proc = &sources.proc;
        let times = text(&proc.join("stat")).and_then(|stat| times(&stat));
        let sum = |count: usize| Some(times.as_ref()?.iter().take(count).sum());
        Self {
            all: sum(TIMES),
            busy: sum(BUSY),
            steal: times.as_ref().and_then(|times| times.get(STEAL).copied()),
            own: ticks_of(proc, &[sources.own, KTHREADD]),
            cpu_pressure: pressure(&proc.join("pressure/cpu")),
            io_pressure: pressure(&proc.join("pressure/io")),
            throttled: throttled(sources),
        }
    }

    pub(super) fn since(&self, before: &Self, elapsed: Duration) -> Disturbance {
        let gone =
            |of: fn(&Self) -> Option<u64>| Some(as_f64(of(self)?.saturating_sub(of(before)?)));
        let all = gone(|counters| counters.all).filter(|ticks| *ticks > 0.0);
        let of_cores = |ticks: Option<f64>| Some(100.0 * ticks? / all?);
        let others = gone(|counters| counters.busy)
            .zip(gone(|counters| counters.own))
            .map(|(busy, own)| (busy - own).max(0.0));
        let us = elapsed.as_secs_f64() * 1e6;
        let of_time = |time: Option<f64>| time.filter(|_| us > 0.0).map(|time| 100.0 * time / us);
        Disturbance {
            seconds: elapsed.as_secs_f64(),
            resolution_percent: of_cores(Some(RESOLUTION_TICKS)).unwrap_or(100.0).min(100.0),
            others_percent: of_cores(others),
            steal_percent: of_cores(gone(|counters| counters.steal)),
            throttled_percent: of_time(gone(|counters| counters.throttled)),
            cpu_pressure_percent: of_time(gone(|counters| counters.cpu_pressure)),
            io_pressure_percent: of_time(gone(|counters| counters.io_pressure)),
        }
    }
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn times(stat: &str) -> Option<Vec<u64>> {
    let all = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    Some(all.split_whitespace().map_while(|time| time.parse().ok()).collect())
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345`, in microseconds.
fn pressure(path: &Path) -> Option<u64> {
    let text = text(path)?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    some.split_once("total=")?.1.trim().parse().ok()
}

/// Of the control group and those above it, the most that one was stopped, in microseconds.
fn throttled(sources: &Sources) -> Option<u64> {
    let membership = text(&sources.proc.join(format!("{}/cgroup", sources.own)))?;
    let folders = groups(&sources.control_groups, &membership);
    let stopped =
        folders.iter().filter_map(|folder| throttled_in(&text(&folder.join("cpu.stat"))?));
    stopped.max()
}

/// Version 2 counts in microseconds, version 1 in nanoseconds.
fn throttled_in(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_usec", time) => time.parse().ok(),
        ("throttled_time", time) => Some(time.parse::<u64>().ok()? / 1000),
        _ => None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const OWN: u32 = 100;

    /// A machine of two cores whose time passes on request only.
    pub(in crate::run::quiet) struct Machine {
        root: TempDir,
        ticks: Cell<(u64, u64, u64)>,
    }

    impl Machine {
        pub(in crate::run::quiet) fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let machine = Self { root, ticks: Cell::new((0, 0, 0)) };
            machine.pass(1_000, 300, 300);
            machine
        }

        pub(in crate::run::quiet) fn sources(&self) -> Sources {
            let of = |name: &str| self.root.path().join(name);
            Sources { proc: of("proc"), control_groups: of("cgroup"), own: OWN }
        }

        /// Lets this many ticks of all cores pass, of which the run and others use some.
        pub(in crate::run::quiet) fn pass(&self, all: u64, own: u64, others: u64) {
            let (was, own_was, others_was) = self.ticks.get();
            let (all, own, others) = (was + all, own_was + own, others_was + others);
            self.ticks.set((all, own, others));
            let idle = all - own - others;
            self.write(
                "proc/stat",
                &format!("cpu  {} 0 0 {idle} 0 0 0 0 9 9\ncpu0 1\n", own + others),
            );
            let (half, rest) = (own / 2, own - own / 2);
            self.write(
                "proc/100/stat",
                &format!("100 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 {half} 0 0 {rest} 20"),
            );
            self.write(
                "proc/7/stat",
                &format!("7 (other) S 1 1 1 0 -1 0 0 0 0 0 {others} 0 0 0 20"),
            );
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn between(machine: &Machine, change: impl FnOnce()) -> Disturbance {
        let before = Counters::read(&machine.sources());
        change();
        Counters::read(&machine.sources()).since(&before, Duration::from_secs(1))
    }

    #[test]
    fn others_are_what_is_busy_without_the_run_itself() {
        let machine = Machine::new();
        let found = between(&machine, || machine.pass(200, 100, 50));
        assert_eq!((found.others_percent, found.resolution_percent), (Some(25.0), 2.0));
        assert_eq!(found.steal_percent, Some(0.0));
        assert!(found.beyond().unwrap().contains("other processes used 25 %"));
    }

    #[test]
    fn a_few_ticks_of_a_short_round_are_no_disturbance() {
        let machine = Machine::new();
        let found = between(&machine, || machine.pass(20, 10, 5));
        assert_eq!((found.others_percent, found.resolution_percent), (Some(25.0), 20.0));
        assert_eq!(found.beyond(), None);
        assert_eq!(between(&machine, || {}).beyond(), None, "no time has passed");
    }

    #[test]
    fn steal_pressure_and_throttling_are_read_where_there_are_any() {
        let machine = Machine::new();
        let found = between(&machine, || machine.pass(200, 0, 0));
        assert_eq!((found.throttled_percent, found.io_pressure_percent), (None, None));

        let write = |pressure: u64, stopped: u64, steal: u64| {
            let line = format!(
                "some avg10=0.00 avg60=0.00 avg300=0.00 total={pressure}\nfull x total=1\n"
            );
            machine.write("proc/pressure/cpu", &line);
            machine.write("proc/pressure/io", &line);
            machine.write("proc/100/cgroup", "0::/box/inner\n");
            machine.write(
                "cgroup/box/cpu.stat",
                &format!("nr_throttled 3\nthrottled_usec {stopped}\n"),
            );
            machine
                .write("proc/stat", &format!("cpu  0 0 0 {} 0 0 0 {steal} 0 0\n", 5_000 - steal));
        };
        write(100, 1_000, 0);
        let before = Counters::read(&machine.sources());
        write(500_100, 251_000, 20);
        machine.write("proc/stat", "cpu  0 0 0 5180 0 0 0 20 0 0\n");
        let found = Counters::read(&machine.sources()).since(&before, Duration::from_secs(1));
        assert_eq!(
            (found.cpu_pressure_percent, found.io_pressure_percent),
            (Some(50.0), Some(50.0))
        );
        assert_eq!((found.throttled_percent, found.steal_percent), (Some(25.0), Some(10.0)));
        let beyond = found.beyond().unwrap();
        assert!(
            beyond.contains("hypervisor took 10 %") && beyond.contains("quota stopped it for 25 %")
        );
    }

    #[test]
    fn a_groups_time_is_read_in_both_versions() {
        assert_eq!(throttled_in("usage_usec 5\nthrottled_usec 70\n"), Some(70));
        assert_eq!(throttled_in("nr_periods 1\nthrottled_time 70000\n"), Some(70));
        assert_eq!(throttled_in("usage_usec 5\n"), None);
    }
}
