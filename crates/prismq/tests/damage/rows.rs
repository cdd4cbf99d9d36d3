//! Rows that no task can have, as a damaged file or another program leaves them: each makes its own task dead,
//! with the reason, and nothing else fails.
//!
//! Failure mode: file: rows of a task damaged | that task is dead, with the reason as its error; others go on

use prismq::{Claim, Error, Lease, Limit, NewTask, Queue, State, TaskId, WorkerPool};
use rusqlite::Connection;

use crate::support::{Fixture, LEASE, alter, claim, task, wait_until};

fn state_and_error(queue: &Queue, id: TaskId) -> (State, String) {
    let task = queue.task(id).unwrap().unwrap();
    (task.state, task.error.unwrap_or_default())
}

#[test]
fn a_claim_makes_a_damaged_row_dead_and_continues() {
    let cases = [
        ("priority = 9999999999", "its priority is 9999999999"),
        ("priority = -9999999999", "its priority is -9999999999"),
        ("max_attempts = -1", "its max_attempts is -1"),
        ("max_attempts = 0", "its max_attempts is 0"),
        ("max_attempts = 99999999999", "its max_attempts is 99999999999"),
        ("attempt = -5", "its attempt is -4"),
        ("attempt = -1", "its attempt is 0"),
        ("attempt = 99999999999", "its attempt is 100000000000"),
        ("attempt = 9223372036854775807", "its token or attempt is the highest number"),
        ("token = 9223372036854775807", "its token or attempt is the highest number"),
    ];
    for max in [1, 2, 9] {
        for (set, reason) in cases {
            let fixture = Fixture::new();
            let [first, bad, last] = ["first", "bad", "last"].map(|text| fixture.enqueue(text));
            let alone = fixture.queue.enqueue(NewTask::new("other", [])).unwrap().id();
            alter(&fixture, &format!("UPDATE prismq_task SET {set} WHERE id = {}", bad.as_i64()));
            let mut claimed: Vec<TaskId> = Vec::new();
            while let leases = fixture.claim(max)
                && !leases.is_empty()
            {
                assert!(leases.iter().all(|lease| (lease.attempt(), lease.token()) == (1, 1)));
                claimed.extend(leases.iter().map(Lease::id));
            }
            assert_eq!(claimed, [first, last], "{set}, claims of {max}");
            let (state, error) = state_and_error(&fixture.queue, bad);
            assert!(state == State::Dead && error.starts_with(reason), "{set}: {error}");
            let stats = fixture.queue.stats("default").unwrap();
            assert_eq!((stats.ready, stats.leased, stats.dead), (1, 2, 1), "{set}");
            assert_eq!(fixture.queue.task(alone).unwrap().unwrap().state, State::Ready);
        }
    }
}

#[test]
fn damaged_rows_stop_neither_a_pool_nor_the_enqueue_that_wakes_it() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    let pool =
        WorkerPool::builder(&fixture.queue).handle_bytes("job", |_, _| Ok(())).start().unwrap();
    wait_until!(pool.stats().completed == 1);
    // They become ready without the pool, for the next enqueue to find.
    fixture.queue.pause("default").unwrap();
    let bad = ["a", "b", "c"].map(|text| fixture.enqueue(text));
    alter(
        &fixture,
        "BEGIN IMMEDIATE; UPDATE prismq_task SET priority = -9999999999 WHERE id = 2;
         UPDATE prismq_task SET token = 9223372036854775807 WHERE id = 3;
         UPDATE prismq_task SET lane = 77, state = 1, run_at = 0 WHERE id = 4;
         UPDATE prismq_queue SET paused = 0; COMMIT",
    );
    for text in ["one", "two", "three"] {
        fixture.enqueue(text);
    }
    wait_until!(pool.stats().completed == 4);
    assert!(bad[..2].iter().all(|id| state_and_error(&fixture.queue, *id).0 == State::Dead));
    assert!(pool.shutdown(LEASE).error.is_none());
}

#[test]
fn a_damaged_suspect_becomes_dead_and_is_counted() {
    for set in ["priority = 9999999999", "token = 9223372036854775807"] {
        let fixture = Fixture::new();
        let bad = fixture.enqueue("bad");
        fixture.claim_one();
        fixture.clock.advance(LEASE);
        // It reclaims what expired, and returns nothing.
        assert!(fixture.queue.claim(&Claim::new(["other"])).unwrap().is_empty());
        alter(&fixture, &format!("UPDATE prismq_task SET {set}"));
        let good = fixture.enqueue("good");
        assert_eq!(fixture.claim(9).iter().map(Lease::id).collect::<Vec<_>>(), [good]);
        assert_eq!(state_and_error(&fixture.queue, bad).0, State::Dead, "{set}");
        let stats = fixture.queue.stats("default").unwrap();
        assert_eq!((stats.ready, stats.leased, stats.dead), (0, 1, 1), "{set}");
        let suspects =
            "SELECT sum(suspects) + (SELECT sum(suspect) FROM prismq_task) FROM prismq_queue";
        let file = Connection::open(fixture.path()).unwrap();
        assert_eq!(file.query_row(suspects, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{set}");
    }
}

#[test]
fn a_damaged_task_of_a_key_keeps_no_other_key_waiting() {
    for set in ["token = 9223372036854775807", "priority = 9999999999"] {
        for ordered in [false, true] {
            let fixture = Fixture::new();
            fixture.queue.set_limit("api", Limit::concurrency(2)).unwrap();
            let of_key = |key: &str| {
                let task = task(key).limit("api").key(key);
                fixture.queue.enqueue(if ordered { task.ordered() } else { task }).unwrap().id()
            };
            let [bad, good, next] = ["bad", "good", "bad"].map(of_key);
            let id = bad.as_i64();
            alter(&fixture, &format!("UPDATE prismq_task SET {set} WHERE id = {id}"));
            let mut claimed: Vec<_> = fixture.claim(9).iter().map(Lease::id).collect();
            claimed.sort_unstable();
            assert_eq!(claimed, [good, next], "{set}, ordered: {ordered}");
            assert_eq!(state_and_error(&fixture.queue, bad).0, State::Dead);
            assert_eq!(fixture.queue.limits().unwrap()[0].running, 2);
        }
    }
}

#[test]
fn many_damaged_rows_do_not_hide_a_valid_one() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(vec![task("bad"); 3000]).unwrap();
    alter(
        &fixture,
        "UPDATE prismq_task SET token = 9223372036854775807 WHERE id % 2; UPDATE prismq_task SET attempt = -7",
    );
    let valid = fixture.enqueue("valid");
    let mut leases = Vec::new();
    for _ in 0..10 {
        leases.extend(fixture.claim(1));
    }
    assert_eq!(leases.iter().map(Lease::id).collect::<Vec<_>>(), [valid]);
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 3000);
}

#[test]
fn only_the_task_in_a_missing_lane_becomes_dead() {
    for set in ["state = 1, run_at = 0", "state = 2, lease_expires_at = 0"] {
        let fixture = Fixture::new();
        let bad = fixture.enqueue("bad").as_i64();
        let delayed = fixture.queue.enqueue(task("due").delay(LEASE)).unwrap().id();
        alter(&fixture, &format!("UPDATE prismq_task SET lane = 77, {set} WHERE id = {bad}"));
        fixture.clock.advance(LEASE);
        let leases = fixture.claim(9);
        assert_eq!(leases.iter().map(Lease::id).collect::<Vec<_>>(), [delayed], "{set}");
        let read = "SELECT state, error FROM prismq_task WHERE lane = 77";
        let (state, error): (i64, String) = Connection::open(fixture.path())
            .unwrap()
            .query_row(read, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert!(state == 3 && error.starts_with("its lane 77 is missing"), "{set}: {error}");
    }
}

#[test]
fn an_expired_lease_with_an_attempt_out_of_range_is_reclaimed() {
    let fixture = Fixture::new();
    let bad = fixture.enqueue("bad");
    let good = fixture.enqueue("good");
    alter(
        &fixture,
        "UPDATE prismq_task SET state = 2, lease_expires_at = 0, begun = 0, attempt = -9223372036854775808
         WHERE id = 1",
    );
    let leases = fixture.claim(9);
    assert_eq!(leases.iter().map(Lease::id).collect::<Vec<_>>(), [good]);
    assert_eq!(state_and_error(&fixture.queue, bad).0, State::Dead);
}

#[test]
fn an_unreadable_lane_does_not_hide_others() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(NewTask::new("other", [])).unwrap();
    fixture.enqueue("good");
    alter(
        &fixture,
        "UPDATE prismq_lane SET type = CAST(x'ff' AS TEXT) WHERE type = 'other';
         INSERT INTO prismq_lane (queue, type) VALUES (99, 'job')",
    );
    let reopened = fixture.another_handle();
    assert_eq!(reopened.claim(&claim().max(9)).unwrap().len(), 1);
    reopened.enqueue(NewTask::new("other", [])).unwrap();
    assert_eq!(reopened.claim(&Claim::new(["other"])).unwrap().len(), 1);
}

#[test]
fn damage_that_affects_only_enqueues_stops_no_claim_or_completion() {
    let cases = [
        ("DELETE FROM prismq_meta", "the row of the next task id is missing"),
        ("UPDATE prismq_meta SET next_id = 1", "UNIQUE"),
        (
            "UPDATE prismq_queue SET ordering = 3, ageing_step = -5",
            "a queue has the ageing step -5",
        ),
        (
            "PRAGMA ignore_check_constraints = 1; UPDATE prismq_queue SET ordering = 9",
            "a queue has the order 9",
        ),
    ];
    for (sql, reason) in cases {
        let fixture = Fixture::new();
        fixture.queue.set_history("default", 5).unwrap();
        fixture.enqueue("one");
        fixture.enqueue("two");
        alter(&fixture, sql);
        let error = fixture.queue.enqueue(task("three")).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{sql}: {error:?}");
        assert!(error.to_string().contains(reason), "{sql}: {error}");
        for lease in fixture.claim(9) {
            fixture.queue.complete(&lease).unwrap();
        }
        assert_eq!(fixture.queue.stats("default").unwrap().completed, 2, "{sql}");
    }
}

#[test]
fn a_history_counter_that_is_too_high_fails_no_completion() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 1).unwrap();
    alter(&fixture, "UPDATE prismq_queue SET kept = 50");
    for _ in 0..3 {
        fixture.enqueue("job");
        fixture.queue.complete(&fixture.claim_one()).unwrap();
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.kept), (3, 1));
}
