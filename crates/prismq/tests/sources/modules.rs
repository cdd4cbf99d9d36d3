//! The modules of the test programs.

use std::fs;
use std::path::{Path, PathBuf};

use super::add_files;

/// The test folders of all packages.
fn test_folders() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = fs::read_dir(workspace.join("crates")).unwrap();
    let packages = crates.map(|entry| entry.unwrap().path()).chain([workspace.join("benches")]);
    packages.map(|package| package.join("tests")).filter(|tests| tests.is_dir()).collect()
}

/// The modules of a file that an attribute precedes.
fn with_attributes(text: &str) -> Vec<&str> {
    let mut attribute_before = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        let item = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        if attribute_before && item.starts_with("mod ") && item.ends_with(';') {
            found.push(line);
        }
        attribute_before = match line {
            "" => attribute_before,
            _ if line.starts_with("#!") || line.starts_with("//") => false,
            // A path on the wrong module does not compile.
            _ if line.starts_with("#[path") => attribute_before,
            _ if line.starts_with('#') => true,
            // The end of an attribute of several lines.
            _ => attribute_before && !line.ends_with([';', '{', '}']),
        };
    }
    found
}

/// An attribute there applies to another module once the lines are sorted: it belongs inside the file, as
/// `#![cfg(unix)]`.
#[test]
fn no_module_of_a_test_program_has_an_attribute_before_it() {
    let mut files = Vec::new();
    test_folders().iter().for_each(|folder| add_files(folder, &mut files));
    assert!(files.len() > 100, "{}", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(with_attributes(&text), Vec::<&str>::new(), "{}", path.display());
    }
}

#[test]
fn an_attribute_before_a_module_is_found() {
    let list = "#![allow(\n    clippy::panic,\n)]\n\nmod a;\n#[cfg(unix)]\nmod b;\nmod c;\n";
    assert_eq!(with_attributes(list), ["mod b;"]);
    let long =
        "#[allow(\n    dead_code,\n    reason = \"some are used\"\n)]\npub(crate) mod d;\nmod e;\n";
    assert_eq!(with_attributes(long), ["pub(crate) mod d;"]);
    assert_eq!(with_attributes("#[path = \"../shared.rs\"]\nmod g;\n"), Vec::<&str>::new());
    let function = "#[test]\nfn one() {\n    let two = 2;\n}\n\nmod f;\n";
    assert_eq!(with_attributes(function), Vec::<&str>::new());
}
