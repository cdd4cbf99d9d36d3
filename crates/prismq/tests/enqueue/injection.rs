//! Names that contain SQL.
//!
//! Failure mode: input: SQL, NUL or invalid UTF-8 in names and payloads | payloads come back; names are names, or refused

use crate::support::{Fixture, claim, task};

#[test]
fn names_that_contain_sql_are_only_names() {
    let fixture = Fixture::new();
    let names = [
        "'; DROP TABLE prismq_task; --",
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
        fixture.queue.enqueue(task(name).queue(name)).unwrap();
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
