//! Proof that each module imports only its own floor and those below, and that only the engine's own folder names
//! its database.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. A file imports its own and those below.
const FLOORS: [&str; 9] =
    ["time", "model", "engine", "commit", "core", "queue", "pool", "sqlite", "postgres"];

/// What belongs to one engine: its words in lower case, which are named nowhere else; where they may be named; and
/// lines elsewhere that may name them, as path and text.
struct Rooms {
    words: &'static [&'static str],
    rooms: &'static [&'static str],
    exceptions: &'static [(&'static str, &'static str)],
}

const ENGINES: [Rooms; 2] = [
    Rooms {
        words: &["sqlite", "wal", "-shm", "pragma", "inotify", "data_version"],
        rooms: &[
            "engine/sqlite/",
            // The public door to what only this engine can do.
            "sqlite/",
            // This file.
            "walls.rs",
        ],
        exceptions: &[
            // What to delete or to copy: nothing but these files.
            ("model/error/mod.rs", "its -wal and -shm"),
            ("lib.rs", "pub mod sqlite;"),
            ("lib.rs", "pub use rusqlite;"),
            // The one place that chooses an engine.
            ("engine/mod.rs", "mod sqlite;"),
            ("engine/mod.rs", "sqlite::SqliteEngine::open"),
            ("engine/mod.rs", "sqlite::restore"),
            ("engine/mod.rs", "sqlite::MovingFile"),
            // Tests that damage a file from outside.
            ("queue/tests/payloads.rs", "rusqlite::Connection::open"),
            ("queue/tests/pools.rs", "rusqlite::Connection::open"),
        ],
    },
    Rooms {
        words: &["postgres", "pg_", "sqlstate", "pgbouncer"],
        rooms: &["engine/postgres/", "postgres.rs", "postgres/", "walls.rs"],
        exceptions: &[
            ("lib.rs", "pub mod postgres;"),
            // The index of the guide.
            ("guide.rs", "the module `prismq::postgres`"),
            ("engine/mod.rs", "mod postgres;"),
            ("engine/mod.rs", "self::postgres::Address"),
            ("engine/mod.rs", "postgres::open"),
            ("engine/mod.rs", "postgres::migrate"),
            // What is there only with the feature of this name.
            ("lib.rs", "#[cfg(feature = \"postgres\")]"),
            ("engine/mod.rs", "#[cfg(feature = \"postgres\")]"),
            ("engine/sqlite/mod.rs", "#[cfg(feature = \"postgres\")]"),
            ("engine/sqlite/moved/mod.rs", "#[cfg(feature = \"postgres\")]"),
            ("engine/sqlite/open/mod.rs", "#[cfg(feature = \"postgres\")]"),
            ("queue/builder.rs", "#[cfg(feature = \"postgres\")]"),
        ],
    },
];

/// The library's sources: path below `src`, and text.
fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { collect(&path, files) } else { files.push(path) }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    let rust = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// The place of a module among the floors.
fn floor(module: &str) -> Option<usize> {
    // The model's bounds have a public name too.
    let module = if module == "limits" { "model" } else { module };
    FLOORS.iter().position(|floor| *floor == module)
}

/// Words of letters, digits and underlines.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

#[test]
fn no_module_imports_a_floor_above_its_own() {
    let mut broken = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| file != "lib.rs" && file != "walls.rs")
    {
        let own = file.split(['/', '.']).next().and_then(floor);
        for (number, line) in text.lines().enumerate() {
            for path in code(line).split("crate::").skip(1) {
                let module = words(path).next().unwrap_or_default();
                // The root of the library is above every floor.
                if floor(module).is_none_or(|used| own.is_none_or(|own| used > own)) {
                    broken.push(format!("{file}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "imports of a higher floor:\n{}", broken.join("\n"));
}

#[test]
fn only_its_own_folder_names_a_database() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        for engine in ENGINES {
            if engine.rooms.iter().any(|room| file.starts_with(room)) {
                continue;
            }
            for (number, line) in text.lines().enumerate() {
                let named = |word: &&str| match *word {
                    "wal" => words(line).any(|word| word.eq_ignore_ascii_case("wal")),
                    word => line.to_ascii_lowercase().contains(word),
                };
                let is_excepted = engine
                    .exceptions
                    .iter()
                    .any(|(place, words)| *place == file && line.contains(words));
                if !is_excepted && engine.words.iter().any(named) {
                    broken.push(format!("{file}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "a database is named outside of its folder:\n{}", broken.join("\n"));
}
