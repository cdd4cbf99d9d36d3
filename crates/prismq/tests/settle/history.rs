//! The history: the completed tasks that a queue keeps.

use std::time::Duration;

use prismq::State;

use crate::support::{Fixture, LEASE};

#[test]
fn a_queue_keeps_at_most_the_set_number_of_completed_tasks() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 2).unwrap();
    let large = "x".repeat(1025);
    let ids = ["a", &large, "b", &large, "c"].map(|payload| {
        let id = fixture.enqueue(payload);
        fixture.clock.advance(Duration::from_secs(1));
        fixture.queue.complete(&fixture.claim_one()).unwrap();
        id
    });
    let kept = ids.map(|id| fixture.queue.task(id).unwrap());
    assert!(kept[..3].iter().all(Option::is_none), "{kept:?}");
    let [_, _, _, Some(large_one), Some(last)] = &kept else { panic!("{kept:?}") };
    assert_eq!((large_one.state, large_one.payload.len()), (State::Completed, large.len()));
    assert_eq!((last.payload.as_slice(), last.attempt), (b"c".as_slice(), 1));
    assert!(last.completed_at > large_one.completed_at);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.completed, stats.leased), (2, 5, 0));
    assert_eq!(payloads_out_of_line(&fixture), 1);

    // They cannot be claimed.
    assert!(fixture.claim(9).is_empty());

    fixture.queue.set_history("default", 0).unwrap();
    assert_eq!(fixture.queue.task(ids[4]).unwrap(), None);
    assert_eq!(fixture.queue.stats("default").unwrap().kept, 0);
    assert_eq!(payloads_out_of_line(&fixture), 0);
}

#[test]
fn a_completion_with_a_lost_lease_adds_nothing_to_the_history() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 9).unwrap();
    let id = fixture.enqueue("a");
    let late = fixture.claim_one();
    fixture.clock.advance(LEASE);
    fixture.claim_one();
    fixture.queue.complete(&late).unwrap_err();
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Leased);
    assert_eq!(fixture.queue.stats("default").unwrap().kept, 0);
}

#[test]
fn the_last_completed_are_kept_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 3).unwrap();
    let complete = || {
        let id = fixture.enqueue("job");
        fixture.queue.complete(&fixture.claim_one()).unwrap();
        id
    };
    let before = [0; 3].map(|_| complete());
    fixture.clock.set(prismq::Timestamp::from_micros(1));
    let after = [0; 3].map(|_| complete());
    assert!(before.iter().all(|id| fixture.queue.task(*id).unwrap().is_none()));
    assert!(after.iter().all(|id| fixture.queue.task(*id).unwrap().is_some()));
}

fn payloads_out_of_line(fixture: &Fixture) -> i64 {
    let connection = rusqlite::Connection::open(fixture.path()).unwrap();
    connection.query_row("SELECT count(*) FROM prismq_payload", [], |row| row.get(0)).unwrap()
}
