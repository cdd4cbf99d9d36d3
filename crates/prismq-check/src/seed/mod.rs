//! Seeds: every test that leaves something to chance can be run again as it was.

use std::env;
use std::thread;
use std::time::Duration;

/// The variable that names a seed to replay.
const SEED: &str = "PRISMQ_SEED";
/// The variable that says for how many minutes the long part of each such test runs.
const SOAK: &str = "PRISMQ_SOAK";

/// The seed of a test. When the test fails, it prints the command that runs it again with this seed.
#[derive(Debug)]
pub struct Replay {
    seed: u64,
    command: String,
}

impl Replay {
    /// The seed that `PRISMQ_SEED` names, or one never used before, for this test of a package's test
    /// program.
    #[must_use]
    pub fn of(package: &str, program: &str, test: &str) -> Self {
        let named = env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        let seed = named.unwrap_or_else(|| fastrand::u64(..));
        let soak = env::var(SOAK).map(|minutes| format!("{SOAK}={minutes} ")).unwrap_or_default();
        let command = format!(
            "{soak}{SEED}={seed} cargo test -p {package} --test {program} -- --exact {test}"
        );
        Self { seed, command }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Chance that is the same for the same seed.
    #[must_use]
    pub fn chance(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {}; to replay: {}", self.seed, self.command);
        }
    }
}

/// For how long the long part of a test runs, if it is to run: the minutes `PRISMQ_SOAK` names.
#[must_use]
pub fn soak() -> Option<Duration> {
    let minutes: u64 = env::var(SOAK).ok()?.parse().ok()?;
    Some(Duration::from_secs(minutes.saturating_mul(60)))
}
