//! How many packages a program takes on with the library.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

/// Packages of the library without its optional features, itself among them.
const PACKAGES_MAX: usize = 25;

#[test]
fn the_library_without_features_takes_no_more_packages_than_it_is_allowed() {
    let arguments = "tree --package prismq --edges normal --no-default-features --prefix none --offline --locked";
    let tree = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(arguments.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{errors}");
    let lines = String::from_utf8_lossy(&tree.stdout).into_owned();
    let packages: BTreeSet<&str> = lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(packages.contains("rusqlite") && packages.len() <= PACKAGES_MAX, "{packages:?}");
}
