//! Rows that no task can be made of: refused when they are inserted, or kept with the reason.
//!
//! Failure mode: input: a wrong row in `prismq_inbox` | the INSERT fails with the reason, or the row is kept with it; others go on

use prismq::limits::QUEUES_MAX;
use rusqlite::Connection;
use rusqlite::types::Value;

use super::{application, rows};
use crate::support::{Fixture, Messages, alter, claim, task, text};

/// Inserts a row with one column in addition to a type and a payload, and returns the error.
fn refusal(own: &Connection, column: &str, value: impl Into<Value>) -> String {
    let columns = match column {
        "type" => "(payload, type)",
        "payload" => "(type, payload)",
        "queue" => "(type, payload, queue)",
        "priority" => "(type, payload, priority)",
        "unique_key" => "(type, payload, unique_key)",
        _ => "(type, payload, run_at)",
    };
    let others = if matches!(column, "type" | "payload") { "'x'" } else { "'x', 'y'" };
    let insert = format!("INSERT INTO prismq_inbox {columns} VALUES ({others}, ?1)");
    own.execute(&insert, [value.into()]).unwrap_err().to_string()
}

#[test]
fn an_insert_of_a_wrong_row_fails_with_the_reason() {
    let fixture = Fixture::new();
    let own = application(&fixture);
    let names = "must have 1 to 128 bytes and no control characters";
    let time =
        "run_at must be a time such as 2026-11-28 08:00:00 in UTC, or 2026-11-28T09:00:00+01:00";
    for name in [String::new(), "a\0b".into(), "a\nb".into(), "\u{85}".into(), "ü".repeat(65)] {
        for column in ["type", "queue"] {
            let error = refusal(&own, column, name.clone());
            assert!(error.contains(&format!("{column} {names}")), "{name:?}: {error}");
        }
    }
    for run_at in
        ["now", "tomorrow", "1795000000", "5", "2026-13-01", "2026-11-28T25:00:00", "12:00"]
    {
        let error = refusal(&own, "run_at", run_at.to_owned());
        assert!(error.contains(time), "{run_at}: {error}");
    }
    let cases: [(&str, Value, &str); 8] = [
        ("run_at", Value::Integer(1_795_000_000), time),
        ("payload", Value::Null, "NOT NULL constraint failed: prismq_inbox.payload"),
        ("payload", Value::Integer(5), "payload must be text or a blob"),
        ("payload", Value::Blob(vec![0; (64 << 20) + 1]), "payload must have at most 64 MiB"),
        ("type", Value::Blob(vec![1]), "cannot store BLOB value in TEXT column prismq_inbox.type"),
        ("priority", Value::Integer(32_768), "priority must be -32768 to 32767"),
        ("priority", Value::Integer(-32_769), "priority must be -32768 to 32767"),
        ("priority", Value::Text("high".into()), "cannot store TEXT value in INTEGER column"),
    ];
    for (column, value, reason) in cases {
        let error = refusal(&own, column, value);
        assert!(error.contains(reason), "{column}: {error}");
    }
    assert_eq!(rows(&fixture), (0, 0));
}

/// As by a connection that ignores the constraints.
fn insert_unchecked(fixture: &Fixture, values: &str) {
    let insert = format!(
        "PRAGMA ignore_check_constraints = ON;
         INSERT INTO prismq_inbox (type, payload, queue, priority, run_at) VALUES {values}"
    );
    application(fixture).execute_batch(&insert).unwrap();
}

#[test]
fn a_row_that_gets_past_the_constraints_is_kept_with_the_reason_and_blocks_no_other() {
    let cases = [
        ("('', 'x', 'default', 1, NULL)", "invalid task type: 0 bytes long"),
        (
            "('a' || char(0), 'x', 'default', 1, NULL)",
            "invalid task type: \"a\\0\" contains a control character",
        ),
        (
            "(CAST(x'ff' AS TEXT), 'x', 'default', 1, NULL)",
            "invalid task type: it is not text in UTF-8",
        ),
        (
            "('job', 'x', char(10), 1, NULL)",
            "invalid queue name: \"\\n\" contains a control character",
        ),
        ("('job', 'x', 'default', 40000, NULL)", "invalid priority: 40000, must be"),
        ("('job', 'x', 'default', 99999999999, NULL)", "invalid priority"),
        ("('job', 'x', 'default', 1, 'soon')", "invalid run_at: it is not a time in ISO 8601"),
        ("('job', 'x', 'default', 1, '2500-01-01')", "invalid delay"),
        (
            "('job', zeroblob(67108865), 'default', 1, NULL)",
            "invalid payload: 67108865 bytes, at most 67108864",
        ),
        ("('job', 1.5, 'default', 1, NULL)", "invalid payload: it must be text or a blob"),
    ];
    for (row, reason) in cases {
        let fixture = Fixture::new();
        insert_unchecked(&fixture, row);
        let good = "INSERT INTO prismq_inbox (type, payload) VALUES ('job', 'good')";
        application(&fixture).execute_batch(good).unwrap();
        assert_eq!(fixture.claimed(9), ["good"], "{row}");
        let error: String = application(&fixture)
            .query_row("SELECT error FROM prismq_inbox", [], |row| row.get(0))
            .unwrap();
        assert!(error.starts_with(reason), "{row}: {error}");
        assert_eq!(rows(&fixture), (0, 1), "{row}");
    }
}

#[test]
fn a_refused_row_is_logged_once_and_tried_again_when_its_error_is_set_to_null() {
    let fixture = Fixture::new();
    insert_unchecked(&fixture, "('', 'x', 'default', 1, NULL)");
    let log = Messages::new(tracing::Level::WARN, |_| {});
    let logged = log.clone().during(|| {
        for _ in 0..3 {
            assert!(fixture.claim(9).is_empty());
        }
    });
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(logged[0].contains("row of prismq_inbox cannot be a task"), "{logged:?}");

    alter(&fixture, "UPDATE prismq_inbox SET type = 'job', error = NULL");
    assert_eq!(fixture.claimed(9), ["x"]);
    assert_eq!(rows(&fixture), (0, 0));
}

#[test]
fn a_row_whose_queue_the_file_has_no_room_for_is_refused_alone() {
    let fixture = Fixture::new();
    for queue in 0..QUEUES_MAX {
        fixture.queue.pause(&format!("queue {queue}")).unwrap();
    }
    let insert = "INSERT INTO prismq_inbox (type, payload, queue)
                  VALUES ('job', 'x', 'one more'), ('job', 'y', 'queue 0')";
    application(&fixture).execute_batch(insert).unwrap();
    fixture.queue.resume("queue 0").unwrap();
    fixture.queue.enqueue(task("in use").queue("queue 0")).unwrap();
    let leases = fixture.queue.claim(&claim().queue("queue 0").max(9)).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["in use", "y"]);
    assert_eq!(rows(&fixture), (0, 1));
}

#[test]
fn a_damaged_row_is_deleted_and_stops_nothing() {
    let fixture = Fixture::new();
    // The value of a column is of a type that the table does not allow.
    application(&fixture)
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'prismq_inbox';
             PRAGMA schema_version = 9000",
        )
        .unwrap();
    insert_unchecked(&fixture, "(x'0102', 'x', 'default', 1, NULL)");
    application(&fixture)
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = sql || ' STRICT' WHERE name = 'prismq_inbox';
             PRAGMA schema_version = 9001",
        )
        .unwrap();
    fixture.enqueue("good");
    assert_eq!(fixture.claimed(9), ["good"]);
    assert_eq!(rows(&fixture), (0, 0));
}
