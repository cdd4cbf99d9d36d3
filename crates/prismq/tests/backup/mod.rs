//! Backups of open queues, and restoring them.

mod making;
mod restoring;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Fixture;

/// A path next to the queue's.
fn next_to(fixture: &Fixture, name: &str) -> PathBuf {
    fixture.folder.path().join(name)
}

/// The names of all files in the folder of a path.
fn names(path: &Path) -> Vec<String> {
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
