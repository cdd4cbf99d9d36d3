//! The packages: how many a program takes on with the library, and what is in those that are published.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

/// Packages of the library without its optional features, itself among them.
const PACKAGES_MAX: usize = 25;

/// What Cargo prints.
fn cargo(arguments: &[&str]) -> String {
    let run = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// The packages that a program takes on with these features of the library.
fn packages(features: &[&str]) -> BTreeSet<String> {
    let arguments = "tree --package prismq --edges normal --prefix none --offline --locked";
    let lines = cargo(&arguments.split(' ').chain(features.iter().copied()).collect::<Vec<_>>());
    let names = lines.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_library_without_features_takes_no_more_packages_than_it_is_allowed() {
    let packages = packages(&["--no-default-features"]);
    assert!(packages.contains("rusqlite") && packages.len() <= PACKAGES_MAX, "{packages:?}");
}

/// The README's table of features names each feature once, with the packages that it adds.
#[test]
fn the_readme_names_the_packages_of_each_feature() {
    let readme = include_str!("../../README.md");
    let table = readme.split("## Features and platforms").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let without = packages(&["--no-default-features"]).len();
    for (count, sentence) in
        [(without, "takes on {} packages"), (packages(&[]).len(), "by default, {}.")]
    {
        let sentence = sentence.replace("{}", &count.to_string());
        assert!(table.contains(&sentence), "{sentence}");
    }
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let manifest = include_str!("../../Cargo.toml");
    let features = manifest.split("[features]").nth(1).unwrap().split("\n[").next().unwrap();
    let defaults = features.lines().find(|line| line.starts_with("default = ")).unwrap();
    let names =
        features.lines().filter(|line| line.contains(" = ") && !line.starts_with("default"));
    assert_eq!(names.count(), rows.len(), "{rows:?}");
    for row in rows {
        let name = row[1].trim_matches('`');
        let with = packages(&["--no-default-features", "--features", name]).len();
        assert_eq!((with - without).to_string(), row[4], "{name}");
        let is_default = if defaults.contains(&format!("\"{name}\"")) { "yes" } else { "no" };
        assert_eq!(is_default, row[2], "{name}");
    }
}

/// Their licences ask for it.
#[test]
fn the_packages_that_are_published_contain_their_licences() {
    for package in ["prismq", "prismq-derive"] {
        let arguments = ["package", "--list", "--offline", "--allow-dirty", "--package", package];
        let files = cargo(&arguments);
        for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(files.lines().any(|line| line == file), "{file} of {package}: {files}");
        }
    }
}

/// `cargo bench -- --save-baseline before` passes its flags to all that it runs, and libtest refuses Criterion's.
#[test]
fn cargo_bench_runs_nothing_that_refuses_the_flags_of_criterion() {
    let metadata = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let mut seen = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let path = package["manifest_path"].as_str().unwrap();
        let manifest = std::fs::read_to_string(path).unwrap();
        for target in package["targets"].as_array().unwrap() {
            let name = format!("name = \"{}\"", target["name"].as_str().unwrap());
            let says = |section: &str, has: &str, line: &str| {
                let sections = manifest.split("\n[").filter(|text| text.starts_with(section));
                sections.into_iter().any(|text| text.contains(has) && text.contains(line))
            };
            let is_left_out = match target["kind"][0].as_str().unwrap() {
                "lib" | "proc-macro" => says("lib]", "", "bench = false"),
                "bin" => says("[bin]]", &name, "bench = false"),
                "bench" => says("[bench]]", &name, "harness = false"),
                _ => continue,
            };
            seen += 1;
            assert!(is_left_out, "{path}: {name}");
        }
    }
    assert!(seen > 20, "{seen} targets");
}
