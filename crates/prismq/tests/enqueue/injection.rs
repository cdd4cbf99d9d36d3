use std::fs;
use std::path::Path;

use crate::support::{Fixture, claim, task};

/// Words that begin a statement or stand in one.
const SQL: [&str; 9] = [
    "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "DROP ", "PRAGMA ", " FROM ", " WHERE ",
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every statement of the library is a constant: nothing that puts texts together has SQL in it.
#[test]
fn every_statement_is_a_constant() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 30);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        // Measures the statements, in tests alone.
        if path.ends_with("engine/sqlite/tests/cost.rs") {
            continue;
        }
        // Tests of a module stand at its end.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for put_together in ["format!(", "concat(", "push_str(", ".join("] {
            for after in text.split(put_together).skip(1) {
                let argument = after.split(';').next().unwrap();
                let sql = SQL.iter().find(|word| argument.contains(**word));
                assert_eq!(sql, None, "{} puts SQL together: {argument}", path.display());
            }
        }
    }
}

#[test]
fn names_with_sql_in_them_are_names() {
    let fixture = Fixture::new();
    let names = [
        "'; DROP TABLE task; --",
        "\" OR 1=1",
        "%",
        "_",
        "a\\b",
        "[x]",
        "`y`",
        "?1",
        ":a",
        "é\u{202e}",
    ];
    for name in names {
        fixture.queue.enqueue(&task(name).queue(name)).unwrap();
        fixture.queue.pause(name).unwrap();
        assert!(fixture.queue.claim(&claim().queue(name)).unwrap().is_empty(), "{name}");
        fixture.queue.resume(name).unwrap();
    }
    for name in names {
        assert_eq!(fixture.queue.stats(name).unwrap().ready, 1, "{name} is a queue of its own");
        let lease = fixture.queue.claim(&claim().queue(name)).unwrap().pop().unwrap();
        assert_eq!(lease.payload(), name.as_bytes());
    }
}

#[test]
fn bytes_of_any_value_are_a_payload() {
    let fixture = Fixture::new();
    let bytes: Vec<u8> = (0..=255).chain([0, 0xFF, 0xFE, 0xC0, 0x80]).collect();
    fixture.queue.enqueue(&prismq::NewTask::new("job", bytes.clone())).unwrap();
    assert_eq!(fixture.claim_one().payload(), bytes);
}
