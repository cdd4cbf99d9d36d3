//! How much is measured: the suites of a run, the profile a user chooses, and the tiny load of test mode.

use std::env;

use crate::base::error::{Error, Result};

const VARIABLE: &str = "PRISMQ_PROFILE";

/// The suites of a run, in the order that cargo runs them.
pub const SUITES: [&str; 5] = ["concurrency", "latency", "memory", "stress", "throughput"];

/// The size of a run, chosen by `PRISMQ_PROFILE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// All suites in about a minute: does everything work? For CI.
    Smoke,
    /// All suites at the loads the goals are asked of, in some ten minutes: the figures of the README.
    #[default]
    Standard,
    /// Larger volumes and wider sweeps, in some fifty minutes: for a release.
    Full,
}

impl Profile {
    /// Reads the profile's name.
    ///
    /// # Errors
    /// [`Error::Setting`] for any other name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "smoke" => Ok(Self::Smoke),
            "standard" => Ok(Self::Standard),
            "full" => Ok(Self::Full),
            other => Err(Error::Setting {
                variable: VARIABLE,
                value: other.to_owned(),
                allowed: "smoke, standard and full",
            }),
        }
    }

    /// The profile the environment asks for.
    ///
    /// # Errors
    /// [`Error::Setting`] if it asks for one that does not exist.
    pub fn from_env() -> Result<Self> {
        match env::var_os(VARIABLE) {
            None => Ok(Self::default()),
            Some(value) => Self::parse(&value.to_string_lossy()),
        }
    }

    /// Whether its loads are large enough to be asked for goals.
    #[must_use]
    pub const fn asks_goals(self) -> bool {
        !matches!(self, Self::Smoke)
    }

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }
}

/// How large a load is: that of a profile, or one just large enough to check that all is correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Test mode: correctness only, nothing is measured.
    Trial,
    /// The load of a profile.
    Profile(Profile),
}

impl Scale {
    /// Whether a load is long enough for its rate to mean something: in a trial and a smoke run one stall
    /// of the disk is longer than a round.
    #[must_use]
    pub const fn measures_rates(self) -> bool {
        matches!(self, Self::Profile(Profile::Standard | Profile::Full))
    }

    /// The value of a load parameter at this scale.
    pub const fn pick<T: Copy>(self, trial: T, smoke: T, standard: T, full: T) -> T {
        match self {
            Self::Trial => trial,
            Self::Profile(Profile::Smoke) => smoke,
            Self::Profile(Profile::Standard) => standard,
            Self::Profile(Profile::Full) => full,
        }
    }
}
