//! Seeds: every test that leaves something to chance prints the command that repeats its failure.
//!
//! `PRISMQ_SEED=n` runs that seed alone. `PRISMQ_SOAK=minutes` runs the long part of such tests for so long, with new
//! seeds where a test goes through many.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// The variable that names a seed to replay.
const SEED: &str = "PRISMQ_SEED";
/// The variable that says for how many minutes the long part of each such test runs.
const SOAK: &str = "PRISMQ_SOAK";

/// The name of a test of the calling module, for [`SeedRunner`]: `this_test!("function")`.
#[macro_export]
macro_rules! this_test {
    ($function:expr) => {
        $crate::TestName::new(env!("CARGO_PKG_NAME"), module_path!(), $function)
    };
}

/// A test, as `cargo test` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestName {
    package: &'static str,
    program: String,
    test: String,
}

impl TestName {
    /// A function of this module of a test program; [`this_test!`] fills in the package and the module.
    #[must_use]
    pub fn new(package: &'static str, module: &str, function: &str) -> Self {
        let (program, within) = module.split_once("::").unwrap_or((module, ""));
        let test =
            if within.is_empty() { function.to_owned() } else { format!("{within}::{function}") };
        Self { package, program: program.to_owned(), test }
    }
}

/// The seeds of one test, one after another.
///
/// When the test fails, it prints the command that runs the last seed again.
#[derive(Debug)]
pub struct SeedRunner {
    test: TestName,
    seed: u64,
    rounds: u64,
    rounds_quick: u64,
    named: bool,
    until: Option<Instant>,
}

impl SeedRunner {
    /// A first seed that was never used before, unless `PRISMQ_SEED` names it: for a test whose every run explores.
    #[must_use]
    pub fn random(test: TestName) -> Self {
        Self::new(test, fastrand::u64(..), read(SEED), soak())
    }

    /// The same first seed on every run, but in a soak: for a test that passes or fails for what was changed alone.
    #[must_use]
    pub fn fixed(test: TestName) -> Self {
        let soak = soak();
        let first = if soak.is_some() { fastrand::u64(..) } else { 1 };
        Self::new(test, first, read(SEED), soak)
    }

    /// Goes through this many seeds, where it is neither a soak nor a replay; 1 unless set.
    #[must_use]
    pub const fn rounds_quick(mut self, rounds: u64) -> Self {
        self.rounds_quick = rounds;
        self
    }

    fn new(test: TestName, first: u64, named: Option<u64>, soak: Option<Duration>) -> Self {
        let until = soak.map(|soak| Instant::now() + soak);
        let seed = named.unwrap_or(first);
        Self { test, seed, rounds: 0, rounds_quick: 1, named: named.is_some(), until }
    }

    /// The present seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A generator that draws the same for the same seed.
    #[must_use]
    pub fn rng(&self) -> Rng {
        Rng::with_seed(self.seed)
    }

    /// The seed of the next round, if there is to be one: the present seed first, then the numbers after it.
    pub fn next_round(&mut self) -> Option<u64> {
        let goes_on = match (self.named, self.until) {
            (true, _) => self.rounds == 0,
            (false, Some(until)) => self.rounds < self.rounds_quick || Instant::now() < until,
            (false, None) => self.rounds < self.rounds_quick,
        };
        if !goes_on {
            return None;
        }
        if self.rounds > 0 {
            self.seed = self.seed.wrapping_add(1);
        }
        self.rounds += 1;
        Some(self.seed)
    }

    /// Rounds begun.
    #[must_use]
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }

    fn command(&self) -> String {
        let TestName { package, program, test } = &self.test;
        let soak = env::var(SOAK).map(|minutes| format!("{SOAK}={minutes} ")).unwrap_or_default();
        let seed = self.seed;
        format!("{soak}{SEED}={seed} cargo test -p {package} --test {program} -- --exact {test}")
    }
}

impl Drop for SeedRunner {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {}; to replay: {}", self.seed, self.command());
        }
    }
}

/// For how long the long part of a test runs, if it is to run: the minutes `PRISMQ_SOAK` names.
#[must_use]
pub fn soak() -> Option<Duration> {
    read(SOAK).map(|minutes| Duration::from_secs(minutes.saturating_mul(60)))
}

fn read(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(named: Option<u64>, soak: Option<Duration>) -> SeedRunner {
        SeedRunner::new(TestName::new("package", "program::a::b", "test"), 7, named, soak)
    }

    fn all(mut runner: SeedRunner) -> Vec<u64> {
        std::iter::from_fn(|| runner.next_round()).take(5).collect()
    }

    #[test]
    fn a_quick_run_goes_through_as_many_seeds_as_it_is_set_to() {
        assert_eq!(all(runner(None, None)), [7]);
        assert_eq!(all(runner(None, None).rounds_quick(3)), [7, 8, 9]);
    }

    #[test]
    fn a_replay_runs_the_named_seed_alone() {
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(all(runner(Some(3), None).rounds_quick(3)), [3]);
        assert_eq!(all(runner(Some(3), Some(day))), [3]);
    }

    #[test]
    fn a_soak_goes_on_until_its_time_is_over() {
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(all(runner(None, Some(day))), [7, 8, 9, 10, 11]);
        assert_eq!(all(runner(None, Some(Duration::ZERO)).rounds_quick(2)), [7, 8]);
    }

    #[test]
    fn the_command_names_the_test_as_cargo_does() {
        let expected = "PRISMQ_SEED=7 cargo test -p package --test program -- --exact a::b::test";
        assert!(runner(None, None).command().ends_with(expected));
        let of_the_root = TestName::new("package", "program", "test");
        assert_eq!((of_the_root.program.as_str(), of_the_root.test.as_str()), ("program", "test"));
    }
}
