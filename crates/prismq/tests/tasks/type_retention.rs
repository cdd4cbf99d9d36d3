//! Types whose ended tasks are kept for a time of their own.

use std::time::Duration;

use prismq::{
    Context, Ending, Error, Keep, NewTask, Retention, State, Task, TaskError, TaskId, WorkerPool,
};
use serde::{Deserialize, Serialize};

use super::{assert_balanced, dead};
use crate::support::{Fixture, claim, task, wait_until};

const HOUR: Duration = Duration::from_secs(3600);

fn complete(fixture: &Fixture, task: NewTask) -> TaskId {
    let claim = prismq::Claim::new(["job", "other"]);
    let id = fixture.queue.enqueue(task).unwrap().id();
    fixture.queue.complete(&fixture.queue.claim(&claim).unwrap().remove(0)).unwrap();
    id
}

fn cancel(fixture: &Fixture, task: NewTask) -> TaskId {
    let handle = fixture.queue.enqueue(task).unwrap();
    handle.cancel().unwrap();
    handle.id()
}

fn other() -> NewTask {
    NewTask::new("other", *b"x")
}

fn is_stored(fixture: &Fixture, id: TaskId) -> bool {
    fixture.queue.task(id).unwrap().is_some()
}

#[test]
fn ended_tasks_of_a_type_are_kept_for_its_time() {
    let fixture = Fixture::new();
    fixture.queue.set_type_retention("job", HOUR).unwrap();
    let kept = [
        complete(&fixture, task("completed")),
        complete(&fixture, task("of a key").key("k")),
        cancel(&fixture, task("cancelled")),
        dead(&fixture, "job", "no"),
    ];
    let gone = [complete(&fixture, other()), cancel(&fixture, other())];
    assert_eq!(gone.map(|id| is_stored(&fixture, id)), [false; 2]);
    let states = kept.map(|id| fixture.queue.task(id).unwrap().unwrap().state);
    assert_eq!(states, [State::Completed, State::Completed, State::Cancelled, State::Dead]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead), (2, 1, 1));
    assert_eq!(fixture.queue.tasks().completed().count().unwrap(), 2);
    assert_eq!(fixture.queue.tasks().of_type("job").list(9, None).unwrap().tasks.len(), 4);
    fixture.clock.advance(HOUR);
    wait_until!(fixture.queue.tasks().count().unwrap() == 0);
    assert_eq!(kept.map(|id| is_stored(&fixture, id)), [false; 4]);
    assert_balanced(&fixture, "default");
}

#[test]
fn the_retention_of_a_queue_neither_counts_nor_deletes_them() {
    let fixture = Fixture::new();
    fixture.queue.set_type_retention("job", HOUR).unwrap();
    let all = Retention { completed: Keep::ALL, cancelled: Keep::ALL, dead: Keep::ALL };
    fixture.queue.set_retention("default", all).unwrap();
    let mut of_type = Vec::new();
    let mut others = Vec::new();
    for _ in 0..3 {
        of_type.extend([complete(&fixture, task("x")), cancel(&fixture, task("x"))]);
        of_type.push(dead(&fixture, "job", "no"));
        others.extend([complete(&fixture, other()), cancel(&fixture, other())]);
        others.push(dead(&fixture, "other", "no"));
    }
    let last = Keep::last(1);
    let last = Retention { completed: last, cancelled: last, dead: last };
    fixture.queue.set_retention("default", last).unwrap();
    assert!(of_type.into_iter().all(|id| is_stored(&fixture, id)));
    let others: Vec<bool> = others.into_iter().map(|id| is_stored(&fixture, id)).collect();
    assert_eq!(others, [false, false, false, false, false, false, true, true, true]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead), (4, 4, 4));
    fixture.queue.set_history("default", 0).unwrap();
    complete(&fixture, other());
    assert_eq!(fixture.queue.stats("default").unwrap().kept, 3);
    assert_balanced(&fixture, "default");
}

#[test]
fn they_can_be_deleted_before_and_are_counted_as_gone() {
    let fixture = Fixture::new();
    fixture.queue.set_type_retention("job", HOUR).unwrap();
    complete(&fixture, task("x"));
    cancel(&fixture, task("x"));
    assert_eq!(fixture.queue.tasks().delete().unwrap(), 2);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept), (0, 0));
    // The counters of the queue's own retention are right: one task more than it keeps is deleted.
    fixture.queue.set_history("default", 1).unwrap();
    let gone = complete(&fixture, other());
    let kept = complete(&fixture, other());
    assert_eq!([gone, kept].map(|id| is_stored(&fixture, id)), [false, true]);
}

#[test]
fn a_result_is_kept_with_its_task_and_large_payloads_go_with_others() {
    let fixture = Fixture::new();
    fixture.queue.set_type_retention("job", HOUR).unwrap();
    let large = vec![7; 5000];
    let kept = fixture.queue.enqueue(NewTask::new("job", large.clone())).unwrap();
    let gone = fixture.queue.enqueue(NewTask::new("other", large.clone())).unwrap();
    for task_type in ["job", "other"] {
        let claim = prismq::Claim::new([task_type]);
        let lease = fixture.queue.claim(&claim).unwrap().remove(0);
        fixture.queue.complete_with(&lease, *b"result").unwrap();
    }
    assert_eq!(kept.info().unwrap().unwrap().payload, large);
    assert_eq!(kept.result().unwrap(), Some(Ending::Completed(Some((*b"result").into()))));
    assert_eq!(gone.result().unwrap(), Some(Ending::NotKept));
    fixture.clock.advance(HOUR);
    wait_until!(fixture.queue.tasks().count().unwrap() == 0);
    let left =
        "SELECT (SELECT count(*) FROM prismq_payload) + (SELECT count(*) FROM prismq_result)";
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    assert_eq!(file.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[derive(Task, Serialize, Deserialize)]
#[task(name = "job", keep = "1h")]
struct Declared;

#[test]
fn a_pool_keeps_the_time_of_its_type_in_the_file_unless_an_operator_set_another() {
    let fixture = Fixture::new();
    let start = || {
        let handler = |_: Declared, _: Context| Ok(());
        drop(WorkerPool::builder(&fixture.queue).queue("none").handle(handler).start().unwrap());
    };
    start();
    let an_hour = complete(&fixture, task("x"));
    fixture.queue.set_type_retention("job", 2 * HOUR).unwrap();
    start();
    let two_hours = complete(&fixture, task("x"));
    fixture.clock.advance(HOUR);
    wait_until!(!is_stored(&fixture, an_hour));
    assert!(is_stored(&fixture, two_hours));
    fixture.queue.set_type_retention("job", None).unwrap();
    assert!(!is_stored(&fixture, complete(&fixture, task("x"))));
}

#[test]
fn a_redriven_task_is_not_deleted_with_the_dead() {
    let fixture = Fixture::new();
    fixture.queue.set_type_retention("job", HOUR).unwrap();
    let redriven = dead(&fixture, "job", "no");
    fixture.queue.tasks().redrive().unwrap();
    fixture.queue.fail(&fixture.claim_one(), TaskError::new("no").retry_after(9 * HOUR)).unwrap();
    let gone = dead(&fixture, "job", "no");
    fixture.clock.advance(HOUR);
    wait_until!(!is_stored(&fixture, gone));
    assert_eq!(fixture.queue.task(redriven).unwrap().unwrap().state, State::Scheduled);
    assert!(fixture.queue.claim(&claim()).unwrap().is_empty());
}

#[test]
fn a_time_that_cannot_be_is_refused() {
    let fixture = Fixture::new();
    for age in [Duration::ZERO, Duration::MAX] {
        let refused = fixture.queue.set_type_retention("job", age);
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{age:?}: {refused:?}");
    }
    let refused = fixture.queue.set_type_retention("", HOUR);
    assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{refused:?}");
}
