//! The types of a record.
//!
//! A suite writes one [`SuiteRecord`]; the verdict gathers those of one run into a [`RunRecord`].
//! What could not be determined is `null` with a reason, never 0.

mod disturbance;
mod environment;
mod histogram;
mod metric;
mod round;
mod sync_check;
mod verdict;
mod versus;

pub use disturbance::{
    Disturbance, OTHERS_MAX_PERCENT, STEAL_MAX_PERCENT, THROTTLED_MAX_PERCENT, disturbances,
};
pub use environment::{Build, Conditions, Environment, Git, Machine, Pragma, Sqlite};
pub use histogram::{Histogram, HistogramError};
pub use metric::{ConfidenceInterval, Direction, Floor, Known, Metric};
pub use round::{Interval, Model, Phase, Round};
pub use sync_check::{SyncCheck, SyncFinding};
pub use verdict::{ComparedMetric, ComparisonRecord, Threshold, VerdictRecord};
pub use versus::{
    Contender, KillBalance, LeftOut, SlowedSyncs, VERSUS_SCHEMA, VersusFigure, VersusRecord,
};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The `schema` of a [`SuiteRecord`].
pub const SUITE_SCHEMA: &str = "prismq/suite";
/// The `schema` of a [`RunRecord`].
pub const RUN_SCHEMA: &str = "prismq/run";
/// Version of both schemas. Readers accept every record of the same major version.
pub const SCHEMA_VERSION: &str = "1.7.0";

/// What one suite measured in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SuiteRecord {
    /// Always `prismq/suite`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = SUITE_SCHEMA)))]
    pub schema: String,
    /// The version of the schema this record was written with.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = crate::schema::VERSION_PATTERN)))]
    pub schema_version: String,
    /// The run it belongs to, a ULID shared by all suites of one `cargo bench`.
    pub run_id: String,
    /// Name of the suite.
    pub suite: String,
    /// When the suite began, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub started_at: Timestamp,
    /// When the suite ended, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub ended_at: Timestamp,
    /// The profile: `smoke`, `standard` or `full`.
    pub profile: String,
    /// The engine under test: `prismq` or `pooled`.
    pub engine: String,
    /// The arguments the suite was started with.
    pub argv: Vec<String>,
    /// Where and with what it ran.
    pub environment: Environment,
    /// The suites of a whole run, this one among them, in the order they run and are reported; since 1.3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suites_of_run: Vec<String>,
    /// Whether goals are asked of it: its profile's loads are large enough to reach them; since 1.3.
    #[serde(default = "yes")]
    pub goals: bool,
    /// What was measured.
    pub scenarios: Vec<Scenario>,
}

const fn yes() -> bool {
    true
}

/// One measured scenario: `suite/scenario/param=value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scenario {
    /// Stable identifier, for example `throughput/drain/workers=5`.
    pub id: String,
    /// Everything that defines the work; scenarios are comparable only if these are equal.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Whether the figures may be used at all.
    pub validity: Validity,
    /// The figures.
    pub metrics: Vec<Metric>,
    /// Distributions by name, for example `end_to_end`: all rounds together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<String, Histogram>,
    /// How work arrives; since 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Hash of `parameters`: two scenarios of one id are comparable only if it is the same; since 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_hash: Option<String>,
    /// The seed of its random choices; since 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What happened in each repetition, in the order they were run; since 1.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// What makes the figures doubtful but not invalid, one sentence each; since 1.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// How often its targets were checked against the rounds measured until then (interim analyses), the last
    /// time included; since 1.2.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub looks: u64,
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_one(looks: &u64) -> bool {
    *looks == 1
}

impl Scenario {
    /// The metric of this name, if the scenario has it.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// How many of its rounds were disturbed by others on the machine, and how, if any was.
    #[must_use]
    pub fn disturbed(&self) -> Option<String> {
        let beyond = |round: &Round| round.disturbance.as_ref()?.beyond();
        let found: Vec<String> = self.rounds.iter().filter_map(beyond).collect();
        let first = found.first()?;
        Some(format!("disturbed in {} of {} rounds: {first}", found.len(), self.rounds.len()))
    }

    /// Its warnings but for that it was disturbed, of which [`disturbances`] has one line for many scenarios.
    pub fn other_warnings(&self) -> impl Iterator<Item = &String> {
        let disturbed = self.disturbed();
        self.warnings.iter().filter(move |warning| Some(*warning) != disturbed.as_ref())
    }

    /// Why it has no figure at all, if it has none.
    #[must_use]
    pub fn unmeasured(&self) -> Option<&str> {
        let measured = self.metrics.iter().any(|metric| metric.value.is_some());
        let mut reasons = self.metrics.iter().filter_map(|metric| metric.reason.as_deref());
        reasons.next().filter(|_| !measured)
    }

    /// Whether others disturbed half of its rounds or more.
    #[must_use]
    pub fn is_mostly_disturbed(&self) -> bool {
        let disturbed = self.rounds.iter().filter(|round| round.is_disturbed()).count();
        disturbed > 0 && 2 * disturbed >= self.rounds.len()
    }
}

impl Round {
    /// Whether others on the machine disturbed it.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        self.disturbance.as_ref().is_some_and(|disturbance| disturbance.beyond().is_some())
    }
}

/// Whether a scenario's figures may be used: lost or duplicated work makes them invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Validity {
    /// All the scenario's own checks held.
    Valid,
    /// At least one check failed; the figures must not be used.
    Invalid {
        /// What failed, one sentence each.
        reasons: Vec<String>,
    },
    /// The load was not what it was meant to be, while others used the machine in most rounds: the figures must not be
    /// used, and say nothing about the program.
    Disturbed {
        /// What was not as meant, one sentence each.
        reasons: Vec<String>,
    },
}

impl Validity {
    /// Why the figures must not be used, one sentence each; `None` if they may.
    #[must_use]
    pub fn reasons(&self) -> Option<&[String]> {
        match self {
            Self::Valid => None,
            Self::Invalid { reasons } | Self::Disturbed { reasons } => Some(reasons),
        }
    }
}

/// All suites of one run, gathered by the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunRecord {
    /// Always `prismq/run`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = RUN_SCHEMA)))]
    pub schema: String,
    /// The version of the schema this record was written with.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = crate::schema::VERSION_PATTERN)))]
    pub schema_version: String,
    /// The run, a ULID.
    pub run_id: String,
    /// When the first suite began, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub started_at: Timestamp,
    /// When the last suite ended, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub ended_at: Timestamp,
    /// The records found, in the order the suites run.
    pub suites: Vec<SuiteRecord>,
    /// The suites that have no record in this run.
    pub missing: Vec<String>,
    /// The verdict when the run was concluded; since 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictRecord>,
}
