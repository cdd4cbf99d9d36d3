//! This program again, as a process with other permissions or another file system.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::kernel::{memory, permissions, small_filesystem};

/// Names the part that the process plays.
const PART: &str = "PRISMQ_TEST_PART";
/// Names the folder that it works in.
const FOLDER: &str = "PRISMQ_TEST_FOLDER";

/// What a process of this program does for a test.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// Enqueues and takes memory until the process ends.
    ExhaustProcess,
    /// Enqueues until SQLite's memory is short.
    ExhaustSqlite,
    /// Fills a small file system.
    Fill,
    /// Opens queues without the permission to.
    OpenWithoutPermission,
}

impl Part {
    const ALL: [Self; 4] =
        [Self::ExhaustProcess, Self::ExhaustSqlite, Self::Fill, Self::OpenWithoutPermission];

    /// The environment of the process.
    pub(crate) fn environment(self, folder: &Path) -> [(&'static str, PathBuf); 2] {
        [(PART, PathBuf::from(format!("{self:?}"))), (FOLDER, folder.to_owned())]
    }
}

/// Plays the part that the environment names, if it names one.
pub(crate) fn run() -> Option<ExitCode> {
    let name = env::var(PART).ok()?;
    let part = Part::ALL.into_iter().find(|part| format!("{part:?}") == name).unwrap();
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    match part {
        Part::ExhaustProcess => memory::exhaust_process(&folder),
        Part::ExhaustSqlite => memory::exhaust_sqlite(&folder),
        Part::Fill => small_filesystem::fill(&folder),
        Part::OpenWithoutPermission => permissions::open_without_permission(&folder),
    }
    Some(ExitCode::SUCCESS)
}
