//! The names of queues and task types in a file: bounded, kept while they are used, and freed afterwards.

use prismq::limits::{QUEUES_MAX, TASK_TYPES_MAX};
use prismq::sqlite::enqueue_in;
use prismq::{Claim, Durability, Error, Limit, NewTask, Order, Queue, State};
use rusqlite::Connection;

use crate::support::{Fixture, LEASE, claim, ids, task};

fn types(numbers: std::ops::Range<u32>) -> Vec<NewTask> {
    numbers.map(|number| NewTask::new(format!("type {number}"), [])).collect()
}

/// How many lanes and queues the file has.
fn names(fixture: &Fixture) -> (u32, u32) {
    let count = "SELECT (SELECT count(*) FROM prismq_lane), (SELECT count(*) FROM prismq_queue)";
    let file = Connection::open(fixture.path()).unwrap();
    file.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

fn is_full<T: std::fmt::Debug>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::TooManyNames { .. }))
}

/// Claims and completes every task of the queue `default`.
fn drain(fixture: &Fixture) {
    let builder = Queue::builder(fixture.path()).clock(fixture.clock.clone());
    let queue = builder.durability(Durability::Normal).open().unwrap();
    for first in (0..TASK_TYPES_MAX).step_by(256) {
        let claim = Claim::new((first..first + 256).map(|number| format!("type {number}")));
        for lease in queue.claim(&claim.max(4096)).unwrap() {
            queue.complete(&lease).unwrap();
        }
    }
}

#[test]
fn a_refused_enqueue_adds_no_name() {
    let fixture = Fixture::new();
    fixture.enqueue("one");
    let before = names(&fixture);
    for queue in ["default", "another"] {
        let tasks: Vec<NewTask> =
            types(0..TASK_TYPES_MAX + 1).into_iter().map(|task| task.queue(queue)).collect();
        assert!(is_full(&fixture.queue.enqueue_all(&tasks)));
        assert_eq!(names(&fixture), before);
    }
    fixture.queue.enqueue(NewTask::new("fresh", [])).unwrap();
    let tasks = types(0..TASK_TYPES_MAX + 1);
    let caller = Connection::open(fixture.path()).unwrap();
    caller.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(is_full(&enqueue_in(&fixture.queue, &caller, &tasks)));
    caller.execute_batch("COMMIT").unwrap();
    assert_eq!(names(&fixture), (before.0 + 1, before.1));
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 2);
}

/// The limit of a task is looked up first, and was forgotten with the names.
#[test]
fn tasks_that_free_names_are_still_under_their_limit() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    fixture.queue.enqueue_all(types(0..TASK_TYPES_MAX)).unwrap();
    drain(&fixture);
    let limited = || fixture.queue.enqueue(task("x").limit("api"));
    limited().unwrap(); // frees names
    limited().unwrap();
    assert!(names(&fixture).0 < TASK_TYPES_MAX);
    assert_eq!(fixture.claim(9).len(), 1);
}

#[test]
fn an_enqueue_beyond_the_last_id_is_refused_and_uses_no_id() {
    let fixture = Fixture::new();
    let file = Connection::open(fixture.path()).unwrap();
    for next in [i64::MAX, i64::MAX - 2, 1 << 47, 0, -1, i64::MIN] {
        file.execute("UPDATE prismq_meta SET next_id = ?1", [next]).unwrap();
        let error = fixture.queue.enqueue(NewTask::new("fresh", [])).unwrap_err();
        assert!(matches!(error, Error::OutOfIds { next: found } if found == next), "{error:?}");
        assert_eq!(names(&fixture), (0, 0));
    }
    let last = (1 << 47) - 1;
    file.execute("UPDATE prismq_meta SET next_id = ?1", [last]).unwrap();
    let error = fixture.queue.enqueue_all([task("one"), task("two")]).unwrap_err();
    assert!(matches!(error, Error::OutOfIds { .. }), "{error:?}");
    assert_eq!(fixture.enqueue("last").as_i64(), last);
    assert_eq!(fixture.claimed(9), ["last"]);
}

#[test]
fn unused_types_are_freed_for_new_ones() {
    let fixture = Fixture::new();
    let cached = fixture.another_handle();
    fixture.queue.enqueue_all(types(0..TASK_TYPES_MAX)).unwrap();
    assert!(is_full(&fixture.queue.enqueue(task(""))));
    // A task in any of these states keeps its type.
    let lease = |kind: &str| fixture.queue.claim(&Claim::new([kind])).unwrap().remove(0);
    fixture.queue.fail(&lease("type 1"), prismq::TaskError::permanent("no")).unwrap();
    fixture.queue.fail(&lease("type 2"), "later").unwrap();
    let held = lease("type 3");
    fixture.queue.set_history("default", 1).unwrap();
    fixture.queue.complete(&lease("type 4")).unwrap();
    assert!(is_full(&fixture.queue.enqueue(task(""))));
    cached.enqueue(NewTask::new("type 9", [])).unwrap();
    assert_eq!(cached.claim(&Claim::new(["type 5", "type 9"])).unwrap().len(), 1);

    drain(&fixture);
    let kept = fixture.enqueue("new");
    fixture.queue.enqueue_all(types(TASK_TYPES_MAX..2 * TASK_TYPES_MAX - 6)).unwrap();
    assert_eq!(names(&fixture), (TASK_TYPES_MAX, 1));
    assert_eq!(fixture.queue.task(kept).unwrap().unwrap().state, State::Ready);
    let states = [(1, State::Dead), (2, State::Scheduled)];
    for (id, state) in states {
        let task = fixture.queue.task(prismq::TaskId::from_i64(id + 1)).unwrap().unwrap();
        assert_eq!((task.state, task.task_type), (state, format!("type {id}")));
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!(stats.kept, 1);

    // A handle that has cached a type that was freed meanwhile adds it again, or finds no room for it.
    assert!(is_full(&cached.enqueue(NewTask::new("type 9", []))));
    fixture.queue.complete(&held).unwrap();
    let again = cached.enqueue(NewTask::new("type 9", [])).unwrap().id();
    for queue in [&fixture.queue, &cached] {
        let leases = queue.claim(&Claim::new(["type 9"]).max(9)).unwrap();
        assert_eq!(leases.iter().map(prismq::Lease::id).collect::<Vec<_>>(), [again]);
        queue.release(&leases[0]).unwrap();
    }
}

#[test]
fn unused_queues_are_freed_for_new_ones() {
    let fixture = Fixture::new();
    let name = |number: u32| format!("queue {number}");
    let tasks: Vec<NewTask> = (0..QUEUES_MAX).map(|number| task("").queue(name(number))).collect();
    fixture.queue.enqueue_all(&tasks).unwrap();
    let set = |number| fixture.queue.set_order(&name(number), Order::FirstInFirstOut);
    assert!(is_full(&set(QUEUES_MAX)));
    assert!(is_full(&fixture.queue.enqueue(task("").queue("new"))));
    assert_eq!(names(&fixture), (QUEUES_MAX, QUEUES_MAX));
    for number in 0..3 {
        let lease = fixture.queue.claim(&claim().queue(name(number))).unwrap().remove(0);
        fixture.queue.complete(&lease).unwrap();
    }
    fixture.queue.pause(&name(1)).unwrap();
    set(QUEUES_MAX).unwrap();
    fixture.queue.enqueue(task("").queue("new")).unwrap();
    assert!(is_full(&fixture.queue.enqueue(task("").queue("one more"))));
    assert!(fixture.queue.stats(&name(1)).unwrap().paused, "a setting is kept");
    fixture.queue.enqueue(task("").queue(name(1))).unwrap();
}

/// Each key has a lane of its own, which is kept while the key may get another task soon.
#[test]
fn queues_of_keys_without_tasks_are_freed_for_new_ones() {
    let fixture = Fixture::new();
    let keyed = |number: u32| {
        task("").queue(format!("queue {number}")).key(format!("key {}", number % 7)).ordered()
    };
    fixture.queue.enqueue_all((0..QUEUES_MAX).map(keyed)).unwrap();
    let new = || fixture.queue.enqueue(keyed(QUEUES_MAX));
    assert!(is_full(&new()));
    assert_eq!(fixture.queue.tasks().queue("queue 0").delete().unwrap(), 1);
    fixture.clock.advance(LEASE);
    new().unwrap();
    assert!(is_full(&fixture.queue.enqueue(keyed(QUEUES_MAX + 1))));
    assert_eq!(names(&fixture).1, QUEUES_MAX);
    assert_eq!(fixture.queue.tasks().key("key 1").count().unwrap(), u64::from(QUEUES_MAX / 7 + 1));
}

#[test]
fn a_lease_of_a_freed_queue_is_lost() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(task("").queue("gone")).unwrap();
    let stale = fixture.queue.claim(&claim().queue("gone")).unwrap().remove(0);
    fixture.clock.advance(LEASE);
    let lease = fixture.queue.claim(&claim().queue("gone")).unwrap().remove(0);
    fixture.queue.complete(&lease).unwrap();
    let queue = |number| task("").queue(format!("queue {number}"));
    fixture.queue.enqueue_all((0..QUEUES_MAX).map(queue).collect::<Vec<_>>()).unwrap();
    assert_eq!(fixture.queue.stats("gone").unwrap().completed, 0, "it was freed");
    assert!(fixture.queue.complete(&stale).unwrap_err().is_lease_lost());
    let file = Connection::open(fixture.path()).unwrap();
    let wrong =
        "SELECT count(*) FROM prismq_queue WHERE ready != 1 OR leased != 0 OR completed != 0";
    assert_eq!(file.query_row(wrong, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_type_that_the_same_batch_needs_is_not_freed() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(types(0..TASK_TYPES_MAX)).unwrap();
    drain(&fixture);
    // The first is cached and unused; all others are new.
    let mut batch = types(0..1);
    batch.extend(types(TASK_TYPES_MAX..2 * TASK_TYPES_MAX - 2));
    let ids = ids(fixture.queue.enqueue_all(&batch).unwrap());
    for (id, task) in ids.into_iter().zip(batch).step_by(1000) {
        assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Ready, "{task:?}");
    }
}
