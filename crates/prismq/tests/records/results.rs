//! Results of tasks, and waiting for them.

use std::thread;
use std::time::Duration;

use prismq::limits::RESULT_BYTES_MAX;
use prismq::sqlite::complete_in;
use prismq::{Ending, Error, TaskError, TaskId, WorkerPool};
use rusqlite::Connection;

use super::rows;
use crate::support::{DEADLINE, Fixture, join, wait_until};

#[test]
fn a_result_is_kept_as_long_as_its_task() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 1).unwrap();
    let complete = |result: &[u8]| {
        let id = fixture.enqueue("job");
        assert_eq!(fixture.queue.result(id).unwrap(), None, "it has not ended");
        fixture.queue.complete_with(&fixture.claim_one(), result).unwrap();
        id
    };
    let first = complete(b"one");
    assert_eq!(
        fixture.queue.result(first).unwrap(),
        Some(Ending::Completed(Some(b"one".to_vec())))
    );
    assert_eq!(fixture.queue.task(first).unwrap().unwrap().result, Some(b"one".to_vec()));
    let second = complete(b"");
    assert_eq!(fixture.queue.result(first).unwrap(), Some(Ending::NotKept));
    assert_eq!(fixture.queue.result(second).unwrap(), Some(Ending::Completed(Some(Vec::new()))));
    assert_eq!(rows(&fixture), 1);
}

#[test]
fn a_result_of_a_queue_without_history_is_not_kept() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("job");
    fixture.queue.complete_with(&fixture.claim_one(), *b"one").unwrap();
    assert_eq!(fixture.queue.wait(id, DEADLINE).unwrap(), Some(Ending::NotKept));
    assert_eq!(rows(&fixture), 0);
}

#[test]
fn a_result_that_is_too_large_is_refused_and_the_lease_still_holds() {
    let fixture = Fixture::new();
    fixture.enqueue("job");
    let lease = fixture.claim_one();
    let large = vec![0; RESULT_BYTES_MAX + 1];
    let error = fixture.queue.complete_with(&lease, large).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { what: "result", .. }), "{error:?}");
    fixture.queue.complete_with(&lease, vec![0; RESULT_BYTES_MAX]).unwrap();
}

#[test]
fn a_wait_ends_with_its_time_if_the_task_has_not_ended() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("job");
    for timeout in [Duration::ZERO, Duration::from_millis(1)] {
        assert_eq!(fixture.queue.wait(id, timeout).unwrap(), None);
    }
}

/// Has a thread wait for the end of a task.
fn waiting(fixture: &Fixture, id: TaskId) -> thread::JoinHandle<Option<Ending>> {
    let queue = fixture.queue.clone();
    thread::spawn(move || queue.wait(id, DEADLINE).unwrap())
}

#[test]
fn a_wait_ends_when_a_pool_completes_the_task() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let ids = ["1", "2", "3"].map(|payload| fixture.enqueue(payload));
    let waiting = ids.map(|id| waiting(&fixture, id));
    let _pool = WorkerPool::builder(&fixture.queue)
        .handle_bytes("job", |payload, task| Ok(task.set_result(&*payload)?))
        .start()
        .unwrap();
    let results = waiting.map(|thread| join(thread, "the wait"));
    let expected = [b"1", b"2", b"3"].map(|result| Some(Ending::Completed(Some(result.to_vec()))));
    assert_eq!(results, expected);
}

#[test]
fn a_wait_ends_when_the_task_is_dead() {
    let fixture = Fixture::new();
    let waiting = waiting(&fixture, fixture.enqueue("job"));
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    assert_eq!(join(waiting, "the wait"), Some(Ending::Dead("no".to_owned())));
}

#[test]
fn a_wait_ends_when_another_handle_or_a_callers_transaction_completes_the_task() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let first = waiting(&fixture, fixture.enqueue("job"));
    let another = fixture.another_handle();
    another.complete_with(&fixture.claim_one(), *b"there").unwrap();
    let there = Some(Ending::Completed(Some(b"there".to_vec())));
    assert_eq!(join(first, "the wait"), there);

    let second = waiting(&fixture, fixture.enqueue("job"));
    let lease = fixture.claim_one();
    let own = Connection::open(fixture.path()).unwrap();
    own.execute_batch("BEGIN IMMEDIATE").unwrap();
    complete_in(&fixture.queue, &own, &lease).unwrap();
    own.execute_batch("COMMIT").unwrap();
    assert_eq!(join(second, "the wait"), Some(Ending::Completed(None)));
}

#[test]
fn a_failed_attempt_has_no_result() {
    let fixture = Fixture::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .handle_bytes("job", |_, task| {
            task.set_result(*b"half")?;
            Err(TaskError::permanent("no"))
        })
        .start()
        .unwrap();
    let id = fixture.enqueue("job");
    wait_until!(pool.stats().dead == 1);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().result, None);
}

/// Its output is the square, or an error.
#[derive(prismq::Task, serde::Serialize, serde::Deserialize)]
#[task(output = i64)]
struct Square {
    of: i64,
}

#[test]
fn the_output_of_a_typed_task_is_its_result_whether_returned_or_committed_with_its_rows() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let _pool = WorkerPool::builder(&fixture.queue)
        .handle(|task: Square, cx| match task.of {
            0 => Err(TaskError::permanent("zero")),
            of if of % 2 == 0 => cx.complete_in(|_| Ok(of * of)),
            of => Ok(of * of),
        })
        .start()
        .unwrap();
    for (of, square) in [(3, 9), (4, 16)] {
        let handle = fixture.queue.enqueue(Square { of }).unwrap();
        assert_eq!(handle.wait(DEADLINE).unwrap(), Some(Ending::Completed(Some(square))));
    }
    let failed = fixture.queue.enqueue(Square { of: 0 }).unwrap();
    assert_eq!(failed.wait(DEADLINE).unwrap(), Some(Ending::Dead("zero".to_owned())));
}

#[test]
fn a_result_that_is_no_valid_output_of_its_type_is_refused_with_what_is_wrong() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let handle = fixture.queue.enqueue(Square { of: 3 }).unwrap();
    let claim = prismq::Claim::new(["square"]);
    let lease = fixture.queue.claim(&claim).unwrap().remove(0);
    fixture.queue.complete_with(&lease, *b"nine").unwrap();
    let error = handle.result().unwrap_err();
    assert!(matches!(error, Error::InvalidInput { what: "result", .. }), "{error:?}");
    assert!(error.to_string().contains("not a valid output of \"square\" (i64)"), "{error}");
}
