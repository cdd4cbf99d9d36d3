//! Which scenarios need more rounds: those with a target that the rounds measured so far do not decide, as
//! the verdict will decide it.

use std::env;
use std::time::Duration;

use prismq_judge::targets::{Outcome, Target, check_scenario, read_of};
use prismq_record::Scenario;

use crate::base::error::{Error, Result};
use crate::base::paths;
use crate::base::profile::{Profile, Scale};

const VARIABLE: &str = "PRISMQ_BUDGET";
const BUDGET: Duration = Duration::from_secs(120);
const BUDGET_MAX_S: u64 = 3_600;

/// The targets of a run, and the time that its suites have for rounds that decide them.
#[derive(Debug)]
pub struct Decision {
    targets: Vec<Target>,
    profile: Profile,
    budget: Duration,
}

impl Decision {
    /// The targets of an engine, and the budget that `PRISMQ_BUDGET` gives the whole run, in seconds. A
    /// smoke run has none: it is to be short, and is not asked for what varies.
    ///
    /// # Errors
    /// [`Error::Setting`] for another budget than 0 to 3600; [`Error::Targets`] if the targets cannot be read.
    pub fn of_run(scale: Scale, engine: &str) -> Result<Self> {
        let Scale::Profile(profile) = scale else {
            return Ok(Self::new(Vec::new(), Profile::Smoke, Duration::ZERO));
        };
        let budget = if profile == Profile::Smoke { Duration::ZERO } else { asked_budget()? };
        Ok(Self::new(read_of(&paths::targets_file(), engine)?, profile, budget))
    }

    /// Of these targets.
    #[must_use]
    pub const fn new(targets: Vec<Target>, profile: Profile, budget: Duration) -> Self {
        Self { targets, profile, budget }
    }

    /// The profile of the run.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// A suite's share of the budget: as large as its share of the targets. Suites are processes of their own
    /// that do not wait for each other, so what one of them leaves is not given to the next.
    #[must_use]
    pub fn share(&self, suite: &str) -> Duration {
        let of_suite = |target: &&Target| target.scenario.split('/').next() == Some(suite);
        let own = u32::try_from(self.targets.iter().filter(of_suite).count()).unwrap_or(u32::MAX);
        let all = u32::try_from(self.targets.len()).unwrap_or(u32::MAX);
        (self.budget * own).checked_div(all).unwrap_or_default()
    }

    /// Whether a scenario, with the rounds and looks it has, has a target that is still open.
    ///
    /// # Errors
    /// [`Error::Targets`] if a target's unit is not its metric's.
    pub fn is_open(&self, scenario: &Scenario) -> Result<bool> {
        let checks = check_scenario(&self.targets, self.profile.asks_goals(), scenario)?;
        Ok(checks.iter().any(|check| matches!(check.outcome, Outcome::Undecided { .. })))
    }
}

/// The time that `PRISMQ_BUDGET` gives a run for rounds that decide targets, or two minutes.
///
/// # Errors
/// [`Error::Setting`] for another budget than 0 to 3600 seconds.
pub fn asked_budget() -> Result<Duration> {
    budget(env::var_os(VARIABLE).map(|asked| asked.to_string_lossy().into_owned()))
}

fn budget(asked: Option<String>) -> Result<Duration> {
    let Some(asked) = asked else { return Ok(BUDGET) };
    let seconds = asked.parse().ok().filter(|seconds| *seconds <= BUDGET_MAX_S);
    seconds.map(Duration::from_secs).ok_or(Error::Setting {
        variable: VARIABLE,
        value: asked,
        allowed: "whole seconds from 0 to 3600",
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prismq_judge::targets::parse;

    use super::{Decision, budget};
    use crate::base::profile::Profile;

    #[test]
    fn a_budget_is_whole_seconds() {
        let seconds = |asked: &str| budget(Some(asked.to_owned())).map(|budget| budget.as_secs());
        assert_eq!(budget(None).unwrap().as_secs(), 120);
        assert_eq!((seconds("0").unwrap(), seconds("3600").unwrap()), (0, 3_600));
        for asked in ["", "-1", "1.5", "3601", "2m"] {
            assert!(seconds(asked).unwrap_err().to_string().contains("PRISMQ_BUDGET"), "{asked}");
        }
    }

    #[test]
    fn a_suite_has_the_share_that_its_targets_have() {
        let targets = "[targets]\n\"latency/a/b:p99_ms\" = \"< 1 ms\"\n\"latency/c/d:p99_ms\" = \"< 1 ms\"\n\
                       \"memory/a/b:growth_mib\" = \"< 1 MiB\"\n";
        let targets = parse(targets, "t.toml").unwrap();
        let decision = Decision::new(targets, Profile::Standard, Duration::from_secs(90));
        let shares = ["latency", "memory", "stress"].map(|suite| decision.share(suite).as_secs());
        assert_eq!(shares, [60, 30, 0]);
        let none = Decision::new(Vec::new(), Profile::Standard, Duration::from_secs(90));
        assert_eq!(none.share("latency"), Duration::ZERO);
    }
}
