//! What was measured of several queues side by side.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Direction, Environment, Known};

/// The `schema` of a [`VersusRecord`].
pub const VERSUS_SCHEMA: &str = "prismq/versus";

/// Queues that were measured side by side, each in a process of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersusRecord {
    /// Always `prismq/versus`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = VERSUS_SCHEMA)))]
    pub schema: String,
    /// The version of the schema this record was written with.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = crate::schema::VERSION_PATTERN)))]
    pub schema_version: String,
    /// A ULID.
    pub run_id: String,
    /// When it began, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub started_at: Timestamp,
    /// When it ended, UTC.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
    pub ended_at: Timestamp,
    /// Whether it was stopped before all rounds were measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// The profile: `smoke`, `standard` or `full`.
    pub profile: String,
    /// The seed of the order in which queues took turns.
    pub seed: u64,
    /// The arguments it was started with.
    pub argv: Vec<String>,
    /// The version of the protocol between harness and drivers.
    pub protocol: u32,
    /// Where it ran.
    pub environment: Environment,
    /// Appends of a page that the disk kept in a second, measured between the rounds of queues.
    pub syncs_per_s: Vec<f64>,
    /// The queues that were measured, each with one durability.
    pub contenders: Vec<Contender>,
    /// Those that were not.
    pub left_out: Vec<LeftOut>,
}

/// A queue with one durability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Contender {
    /// Its name in tables.
    pub name: String,
    /// Which durability: `default` or `strictest`.
    pub durability: String,
    /// The driver and its version.
    pub driver: String,
    /// The library.
    pub library: String,
    /// The library's version.
    pub version: String,
    /// The library's licence.
    pub licence: String,
    /// What the driver runs on.
    pub runtime: String,
    /// Where tasks are stored, with its version.
    pub store: String,
    /// Where the library's documents say how durability is set.
    pub source: String,
    /// Settings that the driver read back.
    pub settings: BTreeMap<String, String>,
    /// How the end of an attempt is known: `call`, `hook` or `none`.
    pub settle: String,
    /// When a task whose worker died is run again.
    pub redelivery: String,
    /// The class of durability that its documents claim: `M`, `C`, `P` or `S`.
    pub claimed: String,
    /// The class that was verified.
    pub verified: Known<String>,
    /// What was seen with every sync slowed; `None` where syncs cannot be slowed.
    pub slowed: Option<SlowedSyncs>,
    /// What became of its tasks when it was killed.
    pub kill: Option<KillBalance>,
    /// What the workload of a file needs and the queue does not offer; it then has no figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_offered: Option<String>,
    /// Workloads of which it has no figure, or not in every round, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, String>,
    /// Its figures.
    pub figures: Vec<VersusFigure>,
    /// Why its figures must not be used.
    pub faults: Vec<String>,
}

/// Single enqueues with every sync slowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SlowedSyncs {
    /// How much each sync was slowed, in milliseconds.
    pub delay_ms: f64,
    /// Enqueues.
    pub calls: u64,
    /// Syncs meanwhile.
    pub syncs: u64,
    /// The fastest enqueue, in milliseconds.
    pub fastest_ms: f64,
}

/// The books of a queue that was killed and opened again: with its store, and where that has processes, it and they alone;
/// those of all kills together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillBalance {
    /// Tasks whose enqueue was acknowledged.
    pub acknowledged: u64,
    /// Tasks whose enqueue was under way.
    pub in_doubt: u64,
    /// Acknowledged tasks that were never run.
    pub lost: u64,
    /// Tasks that were running and that the queue, as declared, does not run again by itself.
    pub given_up: u64,
    /// Runs of tasks whose completion was known.
    pub done_twice: u64,
    /// Tasks run again that were in flight.
    pub redelivered: u64,
    /// From when all killed processes were gone to the last task run, in milliseconds; the longest.
    pub recovered_ms: f64,
}

/// A figure of a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersusFigure {
    /// What was done.
    pub workload: String,
    /// Name with its unit as suffix, for example `p99_ms`.
    pub metric: String,
    /// The unit.
    pub unit: String,
    /// Which direction is better.
    pub direction: Direction,
    /// Whether it depends on how the queue is set, or on what it offers to be set: such a figure is shown, but not ranked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unranked: bool,
    /// One for each round.
    pub samples: Vec<f64>,
}

/// A queue that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}
