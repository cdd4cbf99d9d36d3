//! Types whose ended tasks are kept for a time of their own.

use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Claim, Context, Durability, Ending, Keep, ManualClock, NewTask, Queue, Retention, State, Task,
    TaskError, TaskId, Timestamp, WorkerPool,
};
use prismq_cluster::Cluster;
use serde::{Deserialize, Serialize};

use crate::support::{DEADLINE, cluster, url};

const HOUR: Duration = Duration::from_secs(3600);
/// Transactions after which what is over is deleted.
const TRANSACTIONS: usize = 300;

struct Fixture {
    queue: Queue,
    clock: Arc<ManualClock>,
    _cluster: Cluster,
}

impl Fixture {
    fn new() -> Self {
        let cluster = cluster(&["fsync=off"]);
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let builder = prismq::postgres::builder(&url(&cluster)).unwrap().clock(clock.clone());
        let queue = builder.durability(Durability::Normal).busy_wait(DEADLINE).open().unwrap();
        Self { queue, clock, _cluster: cluster }
    }

    fn end(&self, task: &NewTask, end: impl FnOnce(&Queue, &prismq::Lease)) -> TaskId {
        let handle = self.queue.enqueue(task).unwrap();
        let lease = self.queue.claim(&Claim::new(["job", "other"])).unwrap().remove(0);
        assert_eq!(lease.id(), handle.id());
        end(&self.queue, &lease);
        handle.id()
    }

    fn complete(&self, task_type: &str) -> TaskId {
        let task = NewTask::new(task_type, *b"x");
        self.end(&task, |queue, lease| queue.complete_with(lease, *b"result").unwrap())
    }

    fn fail(&self, task_type: &str) -> TaskId {
        let task = NewTask::new(task_type, *b"x").max_attempts(1);
        self.end(&task, |queue, lease| _ = queue.fail(lease, TaskError::new("no")).unwrap())
    }

    fn cancel(&self, task_type: &str) -> TaskId {
        let handle = self.queue.enqueue(NewTask::new(task_type, *b"x")).unwrap();
        handle.cancel().unwrap();
        handle.id()
    }

    fn is_stored(&self, id: TaskId) -> bool {
        self.queue.task(id).unwrap().is_some()
    }

    /// Has the queue delete what is over, which it does after some transactions.
    fn keep_up(&self) {
        for _ in 0..TRANSACTIONS {
            self.queue.claim(&Claim::new(["none"])).unwrap();
        }
    }
}

pub(crate) fn ended_tasks_of_a_type_are_kept_for_its_time() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_type_retention("job", HOUR).unwrap();
    let kept = [fixture.complete("job"), fixture.cancel("job"), fixture.fail("job")];
    let gone = [fixture.complete("other"), fixture.cancel("other")];
    assert_eq!(gone.map(|id| fixture.is_stored(id)), [false; 2]);
    let states = kept.map(|id| queue.task(id).unwrap().unwrap().state);
    assert_eq!(states, [State::Completed, State::Cancelled, State::Dead]);
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead), (1, 1, 1));
    assert_eq!(queue.tasks().completed().count().unwrap(), 1);
    assert_eq!(queue.tasks().of_type("job").list(9, None).unwrap().tasks.len(), 3);
    let ending = queue.enqueue(NewTask::new("job", *b"y")).unwrap();
    let lease = queue.claim(&Claim::new(["job"])).unwrap().remove(0);
    queue.complete_with(&lease, *b"result").unwrap();
    assert_eq!(ending.result().unwrap(), Some(Ending::Completed(Some((*b"result").into()))));
    // It is kept for the time that was set when it ended; a dead one for the time that is set now.
    queue.set_type_retention("job", None).unwrap();
    fixture.clock.advance(HOUR);
    fixture.keep_up();
    assert_eq!(kept.map(|id| fixture.is_stored(id)), [false, false, true]);
    queue.set_type_retention("job", HOUR).unwrap();
    fixture.keep_up();
    assert!(!fixture.is_stored(kept[2]));
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead), (0, 0, 0));
    assert_eq!((stats.completed, stats.cancelled, stats.deleted), (3, 2, 1));
}

pub(crate) fn the_retention_of_a_queue_neither_counts_nor_deletes_them() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_type_retention("job", HOUR).unwrap();
    let all = Retention { completed: Keep::ALL, cancelled: Keep::ALL, dead: Keep::ALL };
    queue.set_retention("default", all).unwrap();
    let end_three = |task_type| {
        [fixture.complete(task_type), fixture.cancel(task_type), fixture.fail(task_type)]
    };
    let (mut of_type, mut others) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        of_type.extend(end_three("job"));
        others.extend(end_three("other"));
    }
    let last = Keep::last(1);
    queue
        .set_retention("default", Retention { completed: last, cancelled: last, dead: last })
        .unwrap();
    assert!(of_type.into_iter().all(|id| fixture.is_stored(id)));
    let others: Vec<bool> = others.into_iter().map(|id| fixture.is_stored(id)).collect();
    assert_eq!(others, [false, false, false, false, false, false, true, true, true]);
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead), (4, 4, 4));
    queue.set_history("default", 0).unwrap();
    fixture.complete("other");
    assert_eq!(queue.stats("default").unwrap().kept, 3);
    // Deleted by hand, they are counted as gone.
    assert_eq!(queue.tasks().completed().delete().unwrap(), 3);
    queue.set_history("default", 1).unwrap();
    let ended = [fixture.complete("other"), fixture.complete("other")];
    assert_eq!(ended.map(|id| fixture.is_stored(id)), [false, true]);
}

#[derive(Task, Serialize, Deserialize)]
#[task(name = "job", keep = "1h")]
struct Declared;

pub(crate) fn a_pool_declares_the_time_of_its_type_unless_an_operator_set_another() {
    let fixture = Fixture::new();
    let start = || {
        let handler = |_: Declared, _: Context| Ok(());
        drop(WorkerPool::builder(&fixture.queue).queue("none").handle(handler).start().unwrap());
    };
    start();
    let an_hour = fixture.complete("job");
    fixture.queue.set_type_retention("job", 2 * HOUR).unwrap();
    start();
    let two_hours = fixture.complete("job");
    fixture.clock.advance(HOUR);
    fixture.keep_up();
    assert_eq!([an_hour, two_hours].map(|id| fixture.is_stored(id)), [false, true]);
}
