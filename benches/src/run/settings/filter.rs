//! Which benchmarks the command line selects.
//!
//! Criterion keeps its filter to itself and applies it only when it is handed a benchmark; rounds are run
//! before that. This is the same rule on the same arguments.

use regex::Regex;

use crate::base::error::{Error, Result};
use crate::run::settings::invocation::Invocation;

/// Selects benchmarks by their id.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All of them.
    All,
    /// None (`--ignored`).
    Nothing,
    /// The one with this id (`--exact`).
    Exact(String),
    /// Those whose id contains a match.
    Matching(Regex),
}

impl Filter {
    /// The filter of a command line.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not a regular expression.
    pub fn of(invocation: &Invocation) -> Result<Self> {
        if invocation.has("--ignored") {
            return Ok(Self::Nothing);
        }
        let Some(filter) = invocation.filter() else { return Ok(Self::All) };
        if invocation.has("--exact") {
            return Ok(Self::Exact(filter.to_owned()));
        }
        Regex::new(filter).map(Self::Matching).map_err(|_| Error::Setting {
            variable: "FILTER",
            value: filter.to_owned(),
            allowed: "regular expressions, or an id after --exact",
        })
    }

    /// Whether it selects the benchmark of this id.
    #[must_use]
    pub fn selects(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Exact(exact) => id == exact,
            Self::Matching(regex) => regex.is_match(id),
        }
    }
}
