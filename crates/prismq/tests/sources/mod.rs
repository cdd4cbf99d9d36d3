//! What the source files must hold, in the library and in the tests, and what documents may say of them.

mod documents;
mod modules;
mod packages;
mod statements;

use std::fs;
use std::path::{Path, PathBuf};

/// Adds every Rust file below a folder.
fn add_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
