//! Where and with what a suite ran. Gathered by the harness, only described here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Known, SyncCheck};

/// The program, the machine and the database behind a set of figures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Environment {
    /// The commit that was measured.
    pub git: Known<Git>,
    /// How it was built.
    pub build: Build,
    /// The machine it ran on.
    pub machine: Machine,
    /// The SQLite library and its settings, as read back from an open database.
    pub sqlite: Sqlite,
    /// Whether a sync waits for the disk.
    #[serde(default)]
    pub sync: SyncCheck,
    /// How busy the machine was and how fast its disk, before the suite; since 1.1.
    #[serde(default)]
    pub before: Conditions,
    /// The same after it; since 1.1.
    #[serde(default)]
    pub after: Conditions,
}

/// What changes from minute to minute and moves figures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conditions {
    /// Load average of the last minute, which is the run's own after its first suite.
    pub load_average: Known<f64>,
    /// Share of processor time, in percent of all cores, that others used while the harness slept.
    #[serde(default)]
    pub busy_percent: Known<f64>,
    /// Share of processor time, in percent, that the hypervisor gave to others since the machine started.
    pub steal_percent: Known<f64>,
    /// Median time of an append of 4 KiB and its sync on the databases' filesystem, in microseconds.
    pub sync_p50_us: Known<f64>,
    /// 99th percentile of the same.
    pub sync_p99_us: Known<f64>,
}

/// The state of the source tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Git {
    /// Full hash of the commit checked out.
    pub commit: String,
    /// Whether tracked files differed from it.
    pub dirty: bool,
    /// The branch; since 1.1.
    #[serde(default)]
    pub branch: Known<String>,
    /// When it was committed; since 1.1.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Known<String>"))]
    pub committed_at: Known<Timestamp>,
}

/// How the measured program was built.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Build {
    /// Version of the harness.
    pub version: String,
    /// Whether debug assertions were on, in which case figures say little.
    pub debug_assertions: bool,
    /// Target, for example `x86_64-linux`.
    pub target: String,
    /// The compiler, as `rustc --version` says; since 1.1.
    #[serde(default)]
    pub rustc: Known<String>,
    /// Cargo's profile, for example `bench`; since 1.1.
    #[serde(default)]
    pub profile: Known<String>,
    /// Hash of `Cargo.lock`, which names every dependency's version; since 1.1.
    #[serde(default)]
    pub lockfile_hash: Known<String>,
}

/// The machine and the disk under the database.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Machine {
    /// Model of the processor.
    pub cpu: Known<String>,
    /// Logical cores this process may use.
    pub cores: Known<u64>,
    /// Kernel name and release.
    pub kernel: Known<String>,
    /// Type of the filesystem the databases lie on, for example `ext4`.
    pub filesystem: Known<String>,
    /// Whether that filesystem keeps its data in memory, so that no figure is durable.
    pub memory_filesystem: bool,
    /// Physical memory in bytes.
    pub memory_bytes: Known<u64>,
    /// Physical cores; since 1.1, as is all that follows.
    #[serde(default)]
    pub physical_cores: Known<u64>,
    /// Processor time this process's control group may use, in cores.
    #[serde(default)]
    pub quota_cores: Known<f64>,
    /// What chooses the processor's frequency, for example `performance`.
    #[serde(default)]
    pub governor: Known<String>,
    /// Whether the processor may exceed its nominal frequency.
    #[serde(default)]
    pub turbo: Known<bool>,
    /// Whether a core runs several threads at once.
    #[serde(default)]
    pub smt: Known<bool>,
    /// The hypervisor, or `none`.
    #[serde(default)]
    pub virtualisation: Known<String>,
    /// The device below the databases' filesystem.
    #[serde(default)]
    pub device: Known<String>,
    /// The options it is mounted with.
    #[serde(default)]
    pub mount_options: Known<String>,
    /// The kernel's clock source, for example `tsc`.
    #[serde(default)]
    pub clock_source: Known<String>,
}

/// SQLite as linked and configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sqlite {
    /// Version of the library, for example `3.53.2`.
    pub version: String,
    /// Settings read back from the engine's own connection, and `durability` as the queue reports it:
    /// `full` where a commit is on the disk before it is acknowledged, `normal` where it may be lost in
    /// a power cut.
    pub pragmas: Vec<Pragma>,
    /// How the library was compiled; since 1.1.
    #[serde(default)]
    pub compile_options: Vec<String>,
}

impl Sqlite {
    /// The value of the setting of this name, if it was read back.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let setting = self.pragmas.iter().find(|pragma| pragma.name == name)?;
        Some(&setting.value)
    }
}

/// One setting, as SQLite answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pragma {
    /// Name, for example `synchronous`.
    pub name: String,
    /// Value as text.
    pub value: String,
}
