//! What a driver says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line of a driver: an answer if it has an id, else an error or a text for the log.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Said {
    /// That of the request it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<Value>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// A text for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// One word for programs, such as `unknown_request`, `lane_full` or `failed`.
    pub code: String,
    /// What happened, to what.
    pub message: String,
}

/// A text for the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Log {
    /// The text.
    pub text: String,
}

/// How the end of an attempt is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Settle {
    /// The driver acknowledges and sees the call return.
    Call,
    /// The queue reports it after the commit.
    Hook,
    /// It is not seen.
    None,
}

/// When a task whose worker died is run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RedeliveryKind {
    /// When its lease has expired.
    Lease,
    /// When a heartbeat is missing.
    Heartbeat,
    /// When the store is opened again.
    Restart,
    /// When an operator does it.
    Manual,
    /// It is not.
    Never,
}

/// When a task whose worker died is run again, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redelivery {
    /// When.
    pub kind: RedeliveryKind,
    /// How soon after the kill; 0 stands for the lease that was asked for and a little more.
    pub within_ms: u64,
}

/// What some queues can do and others cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Can {
    /// Many tasks in a call.
    Batch,
    /// Priorities.
    Priority,
    /// Failed tasks are retried.
    Retry,
    /// Types of tasks.
    Types,
    /// Counting tasks by state.
    Census,
    /// Two drivers in one directory.
    Processes,
    /// What this version does not know.
    #[serde(other)]
    Unknown,
}

/// What an acknowledged task survives. The strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Class {
    /// Nothing: it is in memory.
    #[serde(rename = "M")]
    Memory,
    /// The end of the process.
    #[serde(rename = "C")]
    Process,
    /// A power cut, once some stated time has passed.
    #[serde(rename = "P")]
    Periodic,
    /// A power cut: it is synced before the answer.
    #[serde(rename = "S")]
    Synced,
}

impl Class {
    /// Its letter.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Memory => "M",
            Self::Process => "C",
            Self::Periodic => "P",
            Self::Synced => "S",
        }
    }
}

/// The classes that a queue's documents claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Durability {
    /// By its default settings.
    pub default: Class,
    /// By its strictest.
    pub strictest: Class,
}

/// The library that a driver embeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence.
    pub licence: String,
}

/// Where that library stores tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Store {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Answers `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct About {
    /// Version of the protocol.
    pub v: u32,
    /// The driver and its version.
    pub driver: String,
    /// The library.
    pub library: Library,
    /// What it runs on.
    pub runtime: String,
    /// Where it stores tasks.
    pub store: Store,
    /// How the end of an attempt is known.
    pub settle: Settle,
    /// When a task whose worker died is run again.
    pub redelivery: Redelivery,
    /// What it can.
    pub can: Vec<Can>,
    /// What it claims.
    pub durability: Durability,
}

impl About {
    /// Whether it can do this.
    #[must_use]
    pub fn can(&self, what: Can) -> bool {
        self.can.contains(&what)
    }
}

/// Answers `clock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Now {
    /// Now.
    pub now_ns: u64,
}

/// A process of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// What it does.
    pub role: String,
}

/// Answers `open`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opened {
    /// Processes of the store.
    pub pids: Vec<Process>,
    /// Settings, read back.
    pub settings: BTreeMap<String, String>,
    /// Files or directories of the store.
    pub paths: Vec<String>,
}

/// Answers `load`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Loaded {
    /// Tasks acknowledged.
    pub count: u64,
}

/// Answers `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Started {
    /// When the crew was ready.
    pub started_ns: u64,
}

/// Answers `enqueue`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Enqueued {
    /// Tasks acknowledged.
    pub count: u64,
    /// Tasks that failed, by message.
    #[serde(default)]
    pub errors: BTreeMap<String, u64>,
}

/// Answers `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stopped {
    /// When the crew had stopped.
    pub stopped_ns: u64,
    /// What went wrong in it.
    #[serde(default)]
    pub errors: Vec<String>,
}

/// Answers `census`; what is unknown is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Census {
    /// May be claimed.
    pub ready: Option<u64>,
    /// Wait for their time.
    pub scheduled: Option<u64>,
    /// Are held by a worker.
    pub running: Option<u64>,
    /// Failed for good.
    pub dead: Option<u64>,
}

/// Answers `close` and `bye`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Closed {}
