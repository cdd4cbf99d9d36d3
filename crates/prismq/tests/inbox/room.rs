//! Rows whose queue is full, or that name a limit or a key.
//!
//! Failure mode: input: rows of `prismq_inbox` beyond the depth limit of their queue | they wait in the inbox, in their order and in no other's way, until there is room

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{Limit, WorkerPool};

use super::{application, rows};
use crate::support::{Fixture, claim, receive, text};

fn insert(fixture: &Fixture, values: &str) {
    let insert = format!("INSERT INTO prismq_inbox (type, payload, queue) VALUES {values}");
    application(fixture).execute_batch(&insert).unwrap();
}

/// How many rows are held.
fn held(fixture: &Fixture) -> i64 {
    let count = "SELECT count(*) FROM prismq_inbox WHERE held";
    application(fixture).query_row(count, [], |row| row.get(0)).unwrap()
}

/// A queue that holds one live task at most.
fn limited() -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.set_depth_limit("default", 1).unwrap();
    fixture
}

#[test]
fn rows_of_a_full_queue_wait_in_their_order_and_in_no_others_way() {
    let fixture = limited();
    insert(&fixture, "('job', '1', 'default'), ('job', '2', 'default'), ('job', '3', 'default')");
    insert(&fixture, "('job', 'of another queue', 'other')");
    let mut lease = fixture.claim_one();
    assert_eq!((text(&lease).as_str(), held(&fixture), rows(&fixture)), ("1", 2, (2, 0)));
    let other = fixture.queue.claim(&claim().queue("other")).unwrap();
    assert_eq!(other.iter().map(text).collect::<Vec<_>>(), ["of another queue"]);
    insert(&fixture, "('job', '4', 'default')");
    for (next, left) in [("2", 2), ("3", 1), ("4", 0)] {
        assert!(fixture.claim(9).is_empty());
        fixture.queue.complete(&lease).unwrap();
        lease = fixture.claim_one();
        assert_eq!((text(&lease).as_str(), held(&fixture)), (next, left));
    }
}

#[test]
fn rows_that_are_held_come_in_once_the_limit_is_raised_lifted_or_they_change_their_queue() {
    let fixture = limited();
    insert(&fixture, "('job', '1', 'default'), ('job', '2', 'default'), ('job', '3', 'default')");
    insert(&fixture, "('job', '4', 'default'), ('job', '5', 'default')");
    assert_eq!(fixture.claimed(9), ["1"]);
    fixture.queue.set_depth_limit("default", 3).unwrap();
    assert_eq!(fixture.claimed(9), ["2", "3"]);
    let moved = "UPDATE prismq_inbox SET queue = 'other' WHERE payload = '4'";
    application(&fixture).execute(moved, []).unwrap();
    assert_eq!(fixture.queue.claim(&claim().queue("other")).unwrap().len(), 1);
    fixture.queue.set_depth_limit("default", None).unwrap();
    assert_eq!(fixture.claimed(9), ["5"]);
}

#[test]
fn a_duplicate_of_a_live_task_needs_no_room() {
    let fixture = limited();
    let insert = "INSERT INTO prismq_inbox (type, payload, unique_key) VALUES ('job', 'x', 'k')";
    for _ in 0..2 {
        application(&fixture).execute_batch(insert).unwrap();
        fixture.queue.claim(&claim().queue("other")).unwrap();
    }
    assert_eq!(rows(&fixture), (0, 0));
    assert_eq!(fixture.claimed(9), ["x"]);
}

#[test]
fn claims_that_find_rows_held_write_nothing() {
    let fixture = limited();
    insert(&fixture, "('job', '1', 'default'), ('job', '2', 'default')");
    fixture.claim_one();
    let writes = || fixture.queue.contention().write_transactions;
    let before = writes();
    for _ in 0..5 {
        assert!(fixture.claim(9).is_empty());
    }
    assert_eq!(writes(), before);
}

#[test]
fn an_idle_pool_hears_of_room() {
    let fixture = limited();
    insert(&fixture, "('job', '1', 'default'), ('job', '2', 'default'), ('job', '3', 'default')");
    let lease = fixture.claim_one();
    let (send, payloads) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .handle_bytes("job", move |payload, _| {
            send.send(String::from_utf8_lossy(&payload).into_owned()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    crate::support::wait_until!(fixture.queue.contention().empty_claims > 0);
    fixture.another_handle().complete(&lease).unwrap();
    for (completed, expected) in [(1, "2"), (2, "3")] {
        // The pool may have seen the room already, and completed the next.
        crate::support::wait_until!(fixture.queue.stats("default").unwrap().completed >= completed);
        // It looks again after a second at the latest.
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(receive(&payloads, "a row's payload"), expected);
    }
}

#[test]
fn a_row_names_the_limit_and_the_key_of_its_task() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(1).per_key()).unwrap();
    let rows_of = "INSERT INTO prismq_inbox (type, payload, limit_name, key) VALUES
         ('job', 'a1', 'api', 'a'), ('job', 'a2', 'api', 'a'), ('job', 'b1', 'api', 'b'),
         ('job', 'unknown', 'none', NULL)";
    application(&fixture).execute_batch(rows_of).unwrap();
    let mut claimed = fixture.claimed(9);
    claimed.sort();
    assert_eq!(claimed, ["a1", "b1"]);
    assert_eq!(fixture.queue.tasks().key("a").count().unwrap(), 2);
    assert_eq!(rows(&fixture), (0, 1));
    let error: String = application(&fixture)
        .query_row("SELECT error FROM prismq_inbox", [], |row| row.get(0))
        .unwrap();
    assert!(error.starts_with("no limit \"none\" is set"), "{error}");
    for wrong in ["limit_name", "key"] {
        let insert = format!(
            "INSERT INTO prismq_inbox (type, payload, {wrong}) VALUES ('job', '', char(7))"
        );
        let refused = application(&fixture).execute_batch(&insert).unwrap_err().to_string();
        assert!(refused.contains(&format!("{wrong} must have 1 to 128 bytes")), "{refused}");
    }
}

/// A program may set the mark itself, on a row that no task can be made of.
#[test]
fn a_held_row_with_a_queue_that_is_no_text_is_refused_and_stops_nothing() {
    let fixture = Fixture::new();
    let insert = "INSERT INTO prismq_inbox (type, payload, queue, held) VALUES
         ('job', 'x', CAST(x'ff' AS TEXT), 1), ('job', 'good', 'default', 1)";
    application(&fixture).execute_batch(insert).unwrap();
    assert_eq!(fixture.claimed(9), ["good"]);
    assert_eq!(rows(&fixture), (0, 1));
}
