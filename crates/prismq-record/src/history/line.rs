//! A line of the history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint::joined;
use crate::record::Direction;

/// The `schema` of a [`HistoryLine`].
pub const HISTORY_SCHEMA: &str = "prismq/history";
/// Its version. Readers accept every line of the same major version.
pub const HISTORY_VERSION: &str = "1.1.0";

/// A concluded run. What could not be determined is null; the reason stands in the run's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryLine {
    /// Always `prismq/history`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = HISTORY_SCHEMA)))]
    pub schema: String,
    /// The version of the format this line was written in.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = crate::schema::VERSION_PATTERN)))]
    pub schema_version: String,
    /// The run, a ULID.
    pub run_id: String,
    /// When its last suite ended, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub ended_at: Timestamp,
    /// Full hash of the commit that was measured.
    pub commit: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// Whether tracked files differed from the commit.
    pub dirty: Option<bool>,
    /// The machine; null if the suites of the run differ in machine, engine or profile.
    pub fingerprint: Option<String>,
    /// The engine under test.
    pub engine: Option<String>,
    /// The profile.
    pub profile: Option<String>,
    /// The status of the run: `PASS`, `PARTIAL`, `FAIL`, `REGRESSION`, `INCONCLUSIVE` or `INVALID`.
    pub status: String,
    /// What a target is held against, and what was measured in several rounds; nothing of a scenario
    /// that is invalid.
    pub metrics: Vec<HistoryMetric>,
}

/// A figure of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryMetric {
    /// `scenario:metric`, for example `latency/end_to_end/workers=1:p99_ms`.
    pub id: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// The work it was measured at, as the hash of the scenario's parameters; null in lines of 1.0,
    /// which do not record it.
    #[serde(default)]
    pub config_hash: Option<String>,
}

impl HistoryLine {
    /// What makes figures comparable: machine, engine and profile.
    #[must_use]
    pub fn identity(&self) -> Option<(&str, &str, &str)> {
        Some((self.fingerprint.as_deref()?, self.engine.as_deref()?, self.profile.as_deref()?))
    }

    /// Whether its figures are comparable with those of a run of this
    /// [`identity`](crate::fingerprint::identity).
    #[must_use]
    pub fn is_of(&self, identity: &str) -> bool {
        let own =
            self.identity().map(|(machine, engine, profile)| joined(machine, engine, profile));
        own.as_deref() == Some(identity)
    }
}
