//! What a row becomes, and when.

use std::time::Duration;

use prismq::{Claim, Clock, State, TaskInfo};

use super::{application, rows};
use crate::support::{Fixture, claim, text};

/// The first task of this type, once a claim has taken the inbox in.
fn taken_in(fixture: &Fixture) -> TaskInfo {
    fixture.claim(1);
    fixture.queue.task(prismq::TaskId::from_i64(1)).unwrap().unwrap()
}

#[test]
fn a_row_becomes_a_task_at_its_commit_and_not_before() {
    let fixture = Fixture::new();
    let own = application(&fixture);
    own.execute_batch("CREATE TABLE user (name TEXT); BEGIN IMMEDIATE").unwrap();
    own.execute_batch(
        "INSERT INTO user VALUES ('ann');
         INSERT INTO prismq_inbox (type, payload) VALUES ('job', '{\"user\":1}')",
    )
    .unwrap();
    assert!(fixture.claim(9).is_empty(), "not committed");
    own.execute_batch("COMMIT").unwrap();
    assert_eq!(fixture.claimed(9), ["{\"user\":1}"]);
    assert_eq!(rows(&fixture), (0, 0));
}

#[test]
fn a_row_that_is_rolled_back_becomes_nothing() {
    let fixture = Fixture::new();
    let insert = "BEGIN; INSERT INTO prismq_inbox (type, payload) VALUES ('job', ''); ROLLBACK";
    application(&fixture).execute_batch(insert).unwrap();
    assert!(fixture.claim(9).is_empty());
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0);
}

#[test]
fn a_row_with_type_and_payload_alone_has_the_defaults_of_a_new_task() {
    let fixture = Fixture::new();
    let insert = "INSERT INTO prismq_inbox (type, payload) VALUES ('job', 'text')";
    application(&fixture).execute_batch(insert).unwrap();
    let task = taken_in(&fixture);
    assert_eq!((task.queue.as_str(), task.task_type.as_str()), ("default", "job"));
    assert_eq!((task.priority, task.max_attempts), (100, 5));
    assert_eq!(task.enqueued_at, fixture.clock.now());
}

#[test]
fn a_payload_is_text_or_a_blob_of_any_size_up_to_the_limit() {
    let fixture = Fixture::new();
    let own = application(&fixture);
    let mut insert =
        own.prepare("INSERT INTO prismq_inbox (type, payload) VALUES ('job', ?1)").unwrap();
    insert.execute(["grüße"]).unwrap();
    insert.execute([[0_u8, 255, 7]]).unwrap();
    insert.execute([""]).unwrap();
    insert.execute([vec![9_u8; 100_000]]).unwrap();
    let payloads: Vec<Vec<u8>> =
        fixture.claim(9).iter().map(|lease| lease.payload().to_vec()).collect();
    assert_eq!(payloads, ["grüße".as_bytes(), &[0, 255, 7], b"", &vec![9; 100_000]]);
}

#[test]
fn queue_and_priority_are_those_of_the_row() {
    let fixture = Fixture::new();
    let insert = "INSERT INTO prismq_inbox (type, payload, queue, priority)
                  VALUES ('job', 'later', 'mail', 7), ('job', 'first', 'mail', -5), ('job', 'here', 'default', 0)";
    application(&fixture).execute_batch(insert).unwrap();
    let leases = fixture.queue.claim(&claim().queue("mail").max(9)).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["first", "later"]);
    assert_eq!(leases.iter().map(|lease| lease.priority()).collect::<Vec<_>>(), [-5, 7]);
    assert_eq!(fixture.claimed(9), ["here"]);
}

/// The fixture's clock starts at 1970-01-01 00:16:40 in UTC.
#[test]
fn a_row_is_due_at_its_run_at_in_each_form_of_it() {
    for run_at in [
        "1970-01-01 00:26:40",
        "1970-01-01T00:26:40Z",
        "1970-01-01T01:26:40.000+01:00",
        "1969-12-31T19:26:40-05:00",
    ] {
        let fixture = Fixture::new();
        let insert = "INSERT INTO prismq_inbox (type, payload, run_at) VALUES ('job', 'x', ?1)";
        application(&fixture).execute(insert, [run_at]).unwrap();
        let task = taken_in(&fixture);
        assert_eq!(task.state, State::Scheduled, "{run_at}");
        assert_eq!(task.run_at, fixture.clock.now().after(Duration::from_secs(600)), "{run_at}");
        fixture.clock.advance(Duration::from_secs(600));
        assert_eq!(fixture.claimed(9), ["x"], "{run_at}");
    }
}

#[test]
fn a_row_whose_run_at_has_passed_is_due_at_once() {
    let fixture = Fixture::new();
    let insert =
        "INSERT INTO prismq_inbox (type, payload, run_at) VALUES ('job', 'x', '1969-07-20')";
    application(&fixture).execute_batch(insert).unwrap();
    assert_eq!(fixture.claimed(9), ["x"]);
}

#[test]
fn a_trigger_of_the_application_can_write_the_row() {
    let fixture = Fixture::new();
    let own = application(&fixture);
    own.execute_batch(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);
         CREATE TRIGGER welcome AFTER INSERT ON user BEGIN
             INSERT INTO prismq_inbox (type, payload) VALUES ('job', json_object('user', new.id));
         END;
         INSERT INTO user (name) VALUES ('ann')",
    )
    .unwrap();
    assert_eq!(fixture.claimed(9), ["{\"user\":1}"]);
}

#[test]
fn more_rows_than_one_transaction_takes_in_become_tasks_in_their_order() {
    let fixture = Fixture::new();
    let insert = "INSERT INTO prismq_inbox (type, payload)
                  SELECT 'job', value FROM (WITH RECURSIVE n (value) AS
                      (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 2500)
                      SELECT CAST(value AS TEXT) AS value FROM n)";
    application(&fixture).execute_batch(insert).unwrap();
    // The last of them belongs to a claim that asks for nothing else.
    let last = "INSERT INTO prismq_inbox (type, payload) VALUES ('last', '')";
    application(&fixture).execute_batch(last).unwrap();
    assert_eq!(fixture.queue.claim(&Claim::new(["last"])).unwrap().len(), 1);
    let expected: Vec<String> = (1..=2500).map(|number| number.to_string()).collect();
    assert_eq!(fixture.claimed(3000), expected);
    assert_eq!(rows(&fixture), (0, 0));
}

#[test]
fn taking_rows_in_waits_for_the_disk_and_only_that() {
    let fixture = Fixture::new();
    let insert = "INSERT INTO prismq_inbox (type, payload) VALUES ('job', 'x'), ('job', 'y')";
    application(&fixture).execute_batch(insert).unwrap();
    let synced = || fixture.queue.contention().synced_transactions;
    let before = synced();
    assert_eq!(fixture.claimed(1), ["x"]);
    assert_eq!(synced(), before + 1);
    assert_eq!(fixture.claimed(1), ["y"]);
    assert_eq!(synced(), before + 1, "a claim alone does not wait");
}

#[test]
fn rows_wait_while_nothing_claims_and_survive_closing() {
    let fixture = Fixture::new();
    let insert = "INSERT INTO prismq_inbox (type, payload) VALUES ('job', 'x')";
    application(&fixture).execute_batch(insert).unwrap();
    fixture.enqueue("enqueued meanwhile");
    assert_eq!(rows(&fixture), (1, 0));
    let fixture = fixture.reopen_after(|_| {});
    assert_eq!(fixture.claimed(9), ["enqueued meanwhile", "x"]);
}

#[test]
fn a_row_with_a_unique_key_that_a_task_holds_adds_nothing() {
    let fixture = Fixture::new();
    let insert = |payload: &str| {
        let insert =
            "INSERT INTO prismq_inbox (type, payload, unique_key) VALUES ('job', ?1, 'order-881')";
        application(&fixture).execute(insert, [payload]).unwrap();
    };
    insert("first");
    insert("first");
    let lease = fixture.claim_one();
    insert("first");
    assert!(fixture.claim(9).is_empty(), "held while it runs");
    assert_eq!(rows(&fixture), (0, 0));

    insert("another");
    assert!(fixture.claim(9).is_empty());
    let error: String = application(&fixture)
        .query_row("SELECT error FROM prismq_inbox", [], |row| row.get(0))
        .unwrap();
    assert_eq!(
        error,
        format!("invalid unique key: task {} holds it and has another payload", lease.id())
    );
    fixture.queue.complete(&lease).unwrap();
    application(&fixture).execute("UPDATE prismq_inbox SET error = NULL", []).unwrap();
    assert_eq!(fixture.claimed(9), ["another"], "the key is free once the task is done");
}
