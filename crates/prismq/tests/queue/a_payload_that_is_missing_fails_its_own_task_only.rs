use std::sync::mpsc::channel;

use prismq::limits::{PAYLOAD_BYTES_INLINE_MAX, READ_BYTES_MAX};
use prismq::{Outcome, State, TaskId, WorkerPool};

use crate::common::Fixture;

/// Too large to stand in its task's row.
fn large(letter: &str) -> String {
    letter.repeat(PAYLOAD_BYTES_INLINE_MAX + 1)
}

fn lose_payload(fixture: &Fixture, id: TaskId) {
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    assert_eq!(file.execute("DELETE FROM payload WHERE task = ?1", [id.as_i64()]).unwrap(), 1);
}

#[test]
fn a_payload_that_is_missing_fails_its_own_task_only() {
    let fixture = Fixture::new();
    let ids: Vec<TaskId> = ["a", "b", "c"].map(|letter| fixture.enqueue(&large(letter))).to_vec();
    lose_payload(&fixture, ids[1]);
    assert_eq!(fixture.claimed(3), [large("a"), large("c")]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.leased, stats.dead, stats.failed), (2, 1, 1));
    let dead = fixture.queue.task(ids[1]).unwrap().unwrap();
    assert_eq!(dead.state, State::Dead);
    assert_eq!(dead.error.unwrap(), "the payload is missing");

    // Alone, or all there is to claim at once, and others behind.
    for max in [1, 2] {
        let missing: Vec<TaskId> = (0..max).map(|_| fixture.enqueue(&large("d"))).collect();
        missing.iter().for_each(|id| lose_payload(&fixture, *id));
        fixture.enqueue("next");
        assert_eq!(fixture.claimed(max), ["next"]);
        lose_payload(&fixture, fixture.enqueue(&large("e")));
        assert!(fixture.claimed(max).is_empty());
    }
}

#[test]
fn a_pool_goes_on_where_payloads_are_missing_or_larger_than_it_reads_at_once() {
    let fixture = Fixture::new();
    let first = fixture.enqueue(&large("a"));
    let lost = fixture.enqueue(&large("b"));
    let huge = fixture.enqueue(&"c".repeat(2 * READ_BYTES_MAX));
    let last = fixture.enqueue("small");
    lose_payload(&fixture, lost);
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", |task| match task.payload().len() {
            5 | 1025 => Ok(()),
            length if length == 2 * READ_BYTES_MAX => Ok(()),
            length => Err(format!("{length} bytes").into()),
        })
        .on_event(move |event| events.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    let mut outcomes: Vec<_> = told.iter().take(4).collect();
    outcomes.sort_unstable_by_key(|(id, _)| *id);
    let expected = [
        (first, Outcome::Completed),
        (lost, Outcome::Dead),
        (huge, Outcome::Completed),
        (last, Outcome::Completed),
    ];
    assert_eq!(outcomes, expected);
}
