//! The documents at the root name files that exist: ARCHITECTURE.md is only worth reading while it is right.

use std::fs;
use std::path::{Path, PathBuf};

/// Documents whose paths are checked.
const WITH_PATHS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];
/// How the name of a file ends that a document may mention.
const ENDINGS: [&str; 4] = [".rs", ".toml", ".md", ".sql"];
/// What an item of a Rust file is declared by.
const KEYWORDS: [&str; 6] = ["fn", "struct", "enum", "trait", "const", "static"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The code spans of a line.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether a code span is the path of a file or, with a slash at its end, of a folder.
fn is_path(span: &str) -> bool {
    let file = span.split("::").next().unwrap_or_default();
    let named = file.ends_with('/') || ENDINGS.iter().any(|ending| file.ends_with(ending));
    named && !span.contains([' ', '*', '<'])
}

/// Whether the text of a Rust file declares this item.
fn declares(text: &str, item: &str) -> bool {
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    words.windows(2).any(|pair| KEYWORDS.contains(&pair[0]) && pair[1] == item)
}

/// What is wrong with a path, `file` or `file::item`, if something is.
fn fault(base: &Path, span: &str) -> Option<String> {
    let (file, item) =
        span.split_once("::").map_or((span, None), |(file, item)| (file, Some(item)));
    let path = base.join(file);
    let exists = if file.ends_with('/') { path.is_dir() } else { path.is_file() };
    if !exists {
        return Some("does not exist".to_owned());
    }
    let item = item?;
    let text = fs::read_to_string(&path).unwrap();
    (!declares(&text, item)).then(|| format!("declares no {item}"))
}

#[test]
fn every_path_and_item_in_the_documents_exists() {
    let root = root();
    let mut faults = Vec::new();
    for document in WITH_PATHS {
        let mut base = root.clone();
        let mut is_code = false;
        let text = fs::read_to_string(root.join(document)).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            is_code ^= line.starts_with("```");
            if is_code {
                continue;
            }
            let paths: Vec<&str> = spans(line).filter(|span| is_path(span)).collect();
            if line.starts_with('#') {
                base = paths.last().map_or_else(|| root.clone(), |start| root.join(start));
            }
            let start = if line.starts_with('#') { &root } else { &base };
            for path in paths {
                if let Some(fault) = fault(start, path) {
                    faults.push(format!("{document}:{number}: {path} {fault}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "correct the documents:\n{}", faults.join("\n"));
}

/// The documents in a folder.
fn documents_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let root = root();
    let mut folders = vec![root.clone(), root.join("benches")];
    let packages = fs::read_dir(root.join("crates")).unwrap();
    folders.extend(packages.map(|entry| entry.unwrap().path()));
    let mut documents: Vec<PathBuf> =
        folders.iter().flat_map(|folder| documents_in(folder)).collect();
    // Reports lie next to it, which are no documents of the repository.
    documents.push(root.join("results/README.md"));
    assert!(documents.contains(&root.join("README.md")), "{documents:?}");
    let mut faults = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let is_outside = link.contains("://") || file.is_empty();
            if !is_outside && !document.with_file_name(file).exists() {
                faults.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
}
