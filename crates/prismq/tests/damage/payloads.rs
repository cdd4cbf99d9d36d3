//! Payloads that are missing or damaged.

use std::path::Path;
use std::sync::mpsc::channel;

use prismq::{Outcome, State, TaskId, WorkerPool};

use crate::support::{Fixture, receive, wait_until};

/// Bytes of a payload that is read alone.
const HUGE: usize = 512 << 10;

/// A payload that is stored out of line.
fn large(letter: &str) -> String {
    letter.repeat(1025)
}

fn lose_payload(fixture: &Fixture, id: TaskId) {
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    assert_eq!(
        file.execute("DELETE FROM prismq_payload WHERE task = ?1", [id.as_i64()]).unwrap(),
        1
    );
}

/// Failure mode: payload: missing | a failed attempt of its own task, and others go on
#[test]
fn a_missing_payload_fails_only_its_own_task() {
    let fixture = Fixture::new();
    let ids: Vec<TaskId> = ["a", "b", "c"].map(|letter| fixture.enqueue(&large(letter))).to_vec();
    lose_payload(&fixture, ids[1]);
    assert_eq!(fixture.claimed(3), [large("a"), large("c")]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.leased, stats.dead, stats.failed), (2, 1, 1));
    let dead = fixture.queue.task(ids[1]).unwrap().unwrap();
    assert_eq!(dead.state, State::Dead);
    let error = dead.error.unwrap();
    assert!(error.contains(&format!("the payload of task {} is missing", ids[1])), "{error}");

    // Alone, or as many as a claim may return, with others after them.
    for max in [1, 2] {
        let missing: Vec<TaskId> = (0..max).map(|_| fixture.enqueue(&large("d"))).collect();
        missing.iter().for_each(|id| lose_payload(&fixture, *id));
        fixture.enqueue("next");
        assert_eq!(fixture.claimed(max), ["next"]);
        lose_payload(&fixture, fixture.enqueue(&large("e")));
        assert!(fixture.claimed(max).is_empty());
    }
}

/// Cuts the chain of overflow pages of the payload of this letter. The file is not open.
fn cut_chain(path: &Path, letter: u8) {
    const PAGE: usize = 4096;
    let mut file = std::fs::read(path).unwrap();
    let is_part =
        |page: &&mut [u8]| page[..4] != [0; 4] && page[4..].iter().all(|byte| *byte == letter);
    file.chunks_mut(PAGE).find(is_part).unwrap()[..4].fill(0);
    std::fs::write(path, file).unwrap();
}

#[test]
fn a_damaged_payload_fails_only_its_own_task() {
    for by_pool in [false, true] {
        let fixture = Fixture::new();
        let payloads = ["a", "b", "c"].map(|letter| letter.repeat(5 * 4096));
        let ids = payloads.each_ref().map(|payload| fixture.enqueue(payload));
        let fixture = fixture.reopen_after(|path| cut_chain(path, b'b'));
        if by_pool {
            let pool = WorkerPool::builder(&fixture.queue)
                .workers(1)
                .handle_bytes("job", |_, _| Ok(()))
                .start()
                .unwrap();
            wait_until!(pool.stats().completed == 2 && pool.stats().dead == 1);
        } else {
            assert_eq!(fixture.claimed(3), [&*payloads[0], &*payloads[2]]);
        }
        let dead = fixture.queue.task(ids[1]);
        assert!(matches!(dead, Err(prismq::Error::Corrupt { .. })), "{dead:?}");
        assert_eq!(fixture.queue.stats("default").unwrap().dead, 1);
    }
}

#[test]
fn a_pool_runs_tasks_next_to_missing_payloads_and_payloads_above_its_read_limit() {
    let fixture = Fixture::new();
    let first = fixture.enqueue(&large("a"));
    let lost = fixture.enqueue(&large("b"));
    let huge = fixture.enqueue(&"c".repeat(HUGE));
    let last = fixture.enqueue("small");
    lose_payload(&fixture, lost);
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |payload, _| match payload.len() {
            5 | 1025 => Ok(()),
            length if length == HUGE => Ok(()),
            length => Err(format!("{length} bytes").into()),
        })
        .on_event(move |event| send.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    let mut outcomes: Vec<_> = (0..4).map(|_| receive(&events, "an event")).collect();
    outcomes.sort_unstable_by_key(|(id, _)| *id);
    let expected = [
        (first, Outcome::Completed),
        (lost, Outcome::Dead),
        (huge, Outcome::Completed),
        (last, Outcome::Completed),
    ];
    assert_eq!(outcomes, expected);
}
