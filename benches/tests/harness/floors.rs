//! Each folder of the harness imports only those below it.

use std::fs;
use std::path::Path;

/// The folders of `src`, lowest first.
const FLOORS: [&str; 10] = [
    "base",
    "subject",
    "observe",
    "reference",
    "load",
    "process",
    "scenario",
    "conformance",
    "environment",
    "run",
];

/// `crate::FOLDER` in this text, each as a floor; `None` where the folder is unknown.
fn imports(text: &str) -> impl Iterator<Item = Option<usize>> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(|code| code.split("crate::").skip(1)).map(|path| {
        let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let folder = &path[..end.unwrap_or(path.len())];
        FLOORS.iter().position(|floor| *floor == folder)
    })
}

fn add_broken(folder: &Path, own: usize, broken: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_broken(&path, own, broken);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            if imports(&text).any(|used| used.is_none_or(|used| used > own)) {
                broken.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn no_folder_imports_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders =
        fs::read_dir(&src).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), FLOORS.len(), "a folder of src is not in the list of floors");
    let mut broken = Vec::new();
    for (own, floor) in FLOORS.iter().enumerate() {
        add_broken(&src.join(floor), own, &mut broken);
    }
    assert!(broken.is_empty(), "imports of a higher floor:\n{}", broken.join("\n"));
}

#[test]
fn an_import_of_a_higher_floor_is_found() {
    let text = "use crate::run::suite; // crate::base\nuse crate::base::error::Result;\nuse crate::elsewhere;";
    assert_eq!(imports(text).collect::<Vec<_>>(), [Some(9), Some(0), None]);
}
