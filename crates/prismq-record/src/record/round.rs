//! What happened when in one repetition of a scenario, for charts over time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Disturbance, Histogram};

/// How work arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// A fixed number of callers or workers, each of which goes on when it is answered.
    Closed,
    /// Work arrives on a schedule of its own, whether or not the queue keeps up.
    Open,
    /// Work is enqueued before any worker runs, and is then drained.
    Backlog,
    /// No load: a property is probed.
    Probe,
}

/// One repetition. Times are seconds since its measured part began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Round {
    /// Its place in the order in which the rounds of the scenario were run, from 0.
    pub index: u64,
    /// How long its measured part took.
    pub seconds: f64,
    /// How long it ran before that, unmeasured.
    #[serde(default)]
    pub warm_up_seconds: f64,
    /// Its place in the order in which the rounds of all scenarios of the suite were run, from 0; since 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it began, its unmeasured part included, UTC; since 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub started_at: Option<Timestamp>,
    /// What was counted: `enqueued`, `completed`, `failed`, `lost`, `duplicated`, `empty_polls`,
    /// `claim_conflicts`, `busy_errors`, `busy_waits`, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// Its intervals, first to last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
    /// Its named parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Handlers run to their end, by worker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_worker: Vec<u64>,
    /// What others used of the machine during it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disturbance: Option<Disturbance>,
}

/// A part of a round's time. What was not observed is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interval {
    /// When it began, in seconds since the measured part did; negative in the warm-up.
    pub from_s: f64,
    /// How long it was, in seconds.
    pub seconds: f64,
    /// Tasks enqueued in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enqueued: Option<u64>,
    /// Tasks completed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// Times a connection waited for the write lock in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_waits: Option<u64>,
    /// Tasks ready, scheduled or leased at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u64>,
    /// Resident memory of the process at its end, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Size of the `-wal` at its end, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wal_bytes: Option<u64>,
    /// Size of the database file at its end, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_bytes: Option<u64>,
    /// End to end latencies of the tasks completed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_to_end: Option<Histogram>,
}

/// A named part of a round, for example `build` or `drain`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// When it began, in seconds since the measured part did.
    pub from_s: f64,
    /// When it ended.
    pub to_s: f64,
}
