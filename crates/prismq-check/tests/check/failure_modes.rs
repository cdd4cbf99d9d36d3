//! The README's table of failure modes is made from the tests' own headers.
//!
//! A test declares a failure mode in its documentation, for its file (`//!`) or for one function (`///`):
//! `Failure mode: FAILURE | EXPECTED`. Several tests may declare the same failure; one of them says what is expected.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const HEADER: &str = "Failure mode: ";
const BEGIN: &str = "<!-- failure modes: written by tests/check/failure_modes.rs -->\n";
const END: &str = "<!-- failure modes: end -->\n";

/// What is expected of a failure, and the tests that check it.
#[derive(Debug, Default)]
struct Mode {
    expected: Option<String>,
    tests: Vec<String>,
}

#[test]
fn the_readme_lists_the_failure_modes_that_tests_declare() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = package.join("README.md");
    let text = fs::read_to_string(&readme).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (listed, after) = rest.split_once(END).unwrap();
    let declared = table(&declared(package.parent().unwrap()));
    if listed != declared {
        fs::write(&readme, [before, BEGIN, declared.as_str(), END, after].concat()).unwrap();
        panic!("README.md listed other failure modes than the tests declare; it is corrected now");
    }
}

fn declared(crates: &Path) -> BTreeMap<String, Mode> {
    let mut modes: BTreeMap<String, Mode> = BTreeMap::new();
    for file in sources(crates) {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            let comment = line.strip_prefix("//! ").or_else(|| line.strip_prefix("/// "));
            let Some(declaration) = comment.and_then(|comment| comment.strip_prefix(HEADER)) else {
                continue;
            };
            let function =
                line.starts_with("/// ").then(|| function_after(&lines[number..]).unwrap());
            let (failure, expected) = match declaration.split_once(" | ") {
                Some((failure, expected)) => (failure, Some(expected)),
                None => (declaration, None),
            };
            let mode = modes.entry(failure.to_owned()).or_default();
            mode.tests.push(name(crates, &file, function));
            if let Some(expected) = expected {
                let earlier = mode.expected.replace(expected.to_owned());
                assert_eq!(earlier, None, "{failure}: two tests say what is expected");
            }
        }
    }
    modes
}

/// Every source file of every crate, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let all = entries.into_iter().flat_map(|entry| {
        let skipped = entry.ends_with("target") || entry.ends_with("failure_modes.rs");
        match entry.extension() {
            _ if skipped => Vec::new(),
            None if entry.is_dir() => sources(&entry),
            Some(extension) if extension == "rs" => vec![entry],
            _ => Vec::new(),
        }
    });
    all.collect()
}

fn function_after<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let name = lines.iter().find_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("pub(crate) ").unwrap_or(line).strip_prefix("fn ")
    })?;
    name.split('(').next()
}

/// A test as `package program::module::function`, without what is the same for the whole file.
fn name(crates: &Path, file: &Path, function: Option<&str>) -> String {
    let within: Vec<String> = file
        .strip_prefix(crates)
        .unwrap()
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .filter(|part| !["main", "mod", "lib"].contains(&part.as_str()))
        .collect();
    let [package, kind, path @ ..] = within.as_slice() else {
        panic!("{} is in no crate", file.display());
    };
    let unit = (kind == "src").then(|| "lib".to_owned());
    let path: Vec<&str> = unit.iter().chain(path).map(String::as_str).chain(function).collect();
    format!("`{package} {}`", path.join("::"))
}

fn table(modes: &BTreeMap<String, Mode>) -> String {
    let mut table = "| failure | expected | tests |\n|---|---|---|\n".to_owned();
    for (failure, Mode { expected, tests }) in modes {
        let expected = expected.as_ref().unwrap_or_else(|| {
            panic!("{failure}: no test says what is expected, of {tests:?}");
        });
        writeln!(table, "| {failure} | {expected} | {} |", tests.join(", ")).unwrap();
    }
    table
}
