//! Where and with what a suite ran. Gathered by the harness, only described here.

use serde::{Deserialize, Serialize};

use super::Known;

/// The program, the machine and the database behind a set of figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The commit that was measured.
    pub git: Known<Git>,
    /// How it was built.
    pub build: Build,
    /// The machine it ran on.
    pub machine: Machine,
    /// The SQLite library and its settings, as read back from an open database.
    pub sqlite: Sqlite,
}

/// The state of the source tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// Full hash of the commit checked out.
    pub commit: String,
    /// Whether tracked files differed from it.
    pub dirty: bool,
}

/// How the measured program was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Version of the harness.
    pub version: String,
    /// Whether debug assertions were on, in which case figures say little.
    pub debug_assertions: bool,
    /// Target, for example `x86_64-linux`.
    pub target: String,
}

/// The machine and the disk under the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: Known<String>,
    /// Logical cores this process may use.
    pub cores: Known<u64>,
    /// Kernel name and release.
    pub kernel: Known<String>,
    /// Type of the filesystem the databases lie on, for example `ext4`.
    pub filesystem: Known<String>,
    /// Whether that filesystem keeps its data in memory, so that no figure here is durable.
    pub memory_filesystem: bool,
    /// Physical memory in bytes.
    pub memory_bytes: Known<u64>,
}

/// SQLite as linked and configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sqlite {
    /// Version of the library, for example `3.53.2`.
    pub version: String,
    /// Settings read back from the engine's own connection.
    pub pragmas: Vec<Pragma>,
}

/// One setting, as SQLite answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pragma {
    /// Name, for example `synchronous`.
    pub name: String,
    /// Value as text.
    pub value: String,
}
