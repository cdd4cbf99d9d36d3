//! Whether the machine was the run's own while a round was measured.
//!
//! Counters of the kernel are read before and after a round, outside of what is timed. A round in which
//! others used more of the machine than [`prismq_record::Disturbance::beyond`] allows is repeated,
//! as long as there is a budget for it.

mod counters;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use prismq_record::Disturbance;

use counters::Counters;

/// How long rounds of one suite may be repeated in all: five suites then take at most 100 s longer than
/// undisturbed, a sixth of the standard profile.
pub const BUDGET: Duration = Duration::from_secs(20);

/// Where the kernel's counters are.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Usually `/proc`.
    pub proc: PathBuf,
    /// Usually `/sys/fs/cgroup`.
    pub control_groups: PathBuf,
    /// The process whose tree is the run's own.
    pub own: u32,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            proc: Path::new("/proc").to_owned(),
            control_groups: Path::new("/sys/fs/cgroup").to_owned(),
            own: std::process::id(),
        }
    }
}

/// A look at the machine before something is measured.
#[derive(Debug)]
pub struct Quiet<'a> {
    sources: &'a Sources,
    before: Counters,
    since: Instant,
}

impl<'a> Quiet<'a> {
    /// Looks now.
    #[must_use]
    pub fn begin(sources: &'a Sources) -> Self {
        let before = Counters::read(sources);
        Self { sources, before, since: Instant::now() }
    }

    /// What others did since then.
    #[must_use]
    pub fn end(self) -> Disturbance {
        let elapsed = self.since.elapsed();
        Counters::read(self.sources).since(&self.before, elapsed)
    }
}

/// How much longer disturbed rounds may be repeated.
#[derive(Debug)]
pub struct Budget {
    sources: Sources,
    left: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Sources::default(), BUDGET)
    }
}

impl Budget {
    /// A budget of its own.
    #[must_use]
    pub const fn new(sources: Sources, left: Duration) -> Self {
        Self { sources, left }
    }

    /// Measures a round, and once more as often as others disturbed it and the budget allows. Gives the
    /// last with what others did in it.
    ///
    /// # Errors
    /// What `measure` gives.
    pub fn undisturbed<T, E>(
        &mut self,
        mut measure: impl FnMut() -> Result<T, E>,
    ) -> Result<(T, Disturbance), E> {
        loop {
            let quiet = Quiet::begin(&self.sources);
            let measured = measure()?;
            let disturbance = quiet.end();
            if disturbance.beyond().is_none() || self.left.is_zero() {
                return Ok((measured, disturbance));
            }
            let took = Duration::try_from_secs_f64(disturbance.seconds).unwrap_or(self.left);
            self.left = self.left.saturating_sub(took);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::counters::tests::Machine;
    use super::*;

    /// Rounds of a machine on which others use all of a core in the first this many.
    fn rounds(disturbed: usize, budget: Duration) -> (usize, Disturbance) {
        let machine = Machine::new();
        let mut budget = Budget::new(machine.sources(), budget);
        let mut rounds = 0;
        let measure = || {
            rounds += 1;
            let others = if rounds <= disturbed { 100 } else { 2 };
            machine.pass(200, 60, others);
            Ok::<_, Infallible>(rounds)
        };
        let (last, disturbance) = budget.undisturbed(measure).unwrap();
        assert_eq!(last, rounds, "the last round counts");
        (rounds, disturbance)
    }

    #[test]
    fn a_quiet_round_is_measured_once() {
        let (measured, disturbance) = rounds(0, BUDGET);
        assert_eq!(measured, 1);
        assert_eq!(disturbance.others_percent, Some(1.0));
    }

    #[test]
    fn a_disturbed_round_is_repeated_until_it_is_quiet() {
        let (measured, disturbance) = rounds(3, BUDGET);
        assert_eq!(measured, 4);
        assert_eq!(disturbance.beyond(), None);
    }

    #[test]
    fn what_stays_disturbed_is_given_as_it_is_once_the_budget_is_spent() {
        let (measured, disturbance) = rounds(usize::MAX, Duration::ZERO);
        assert_eq!(measured, 1);
        assert!(disturbance.beyond().unwrap().contains("other processes used 50 %"));
        let (measured, disturbance) = rounds(usize::MAX, Duration::from_nanos(1));
        assert_eq!(measured, 2);
        assert!(disturbance.beyond().is_some());
    }

    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "not checked: only Linux has /proc/stat")]
    fn this_machine_is_read() {
        let sources = Sources::default();
        let before = Quiet::begin(&sources);
        // Until the kernel's clock has ticked.
        let seen = loop {
            let now = Counters::read(&sources).since(&before.before, before.since.elapsed());
            if let Some(others) = now.others_percent {
                break others;
            }
        };
        assert!((0.0..=100.0).contains(&seen), "{seen}");
        assert!(before.end().seconds > 0.0);
    }
}
