//! Every SQL statement is a constant.
//!
//! Failure mode: input: SQL, NUL or invalid UTF-8 in names and payloads

use std::fs;
use std::path::Path;

use super::add_files;

/// Words of which every statement contains one.
const SQL: [&str; 9] = [
    "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "DROP ", "PRAGMA ", " FROM ", " WHERE ",
];

/// Nothing in the library that composes texts contains SQL.
#[test]
fn every_statement_is_a_constant() {
    let mut found = Vec::new();
    add_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 30);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        // They measure the statements, in tests only.
        let measures = ["cost.rs", "feature_cost.rs"];
        if measures.iter().any(|name| path.ends_with(format!("engine/sqlite/tests/{name}"))) {
            continue;
        }
        // Tests of a module are at its end.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for composing in ["format!(", "concat(", "push_str(", ".join("] {
            for after in text.split(composing).skip(1) {
                let argument = after.split(';').next().unwrap();
                let sql = SQL.iter().find(|word| argument.contains(**word));
                assert_eq!(sql, None, "{} composes SQL: {argument}", path.display());
            }
        }
    }
}
