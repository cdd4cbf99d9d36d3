//! Schedules, while several clients claim.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use prismq::{
    Claim, Limit, ManualClock, Missed, NewTask, Queue, Schedule, TaskId, TaskInfo, Timestamp,
    Unique,
};
use tracing::Level;

use crate::log::Messages;
use crate::support::{DEADLINE, cluster, queue, url};

const CLIENTS: usize = 4;
const SLOTS: u32 = 20;
const HOUR: Duration = Duration::from_secs(3600);
/// Transactions after which slots are looked at again.
const TRANSACTIONS: usize = 200;

pub(crate) fn a_slot_has_one_task_however_many_clients_claim() {
    let cluster = cluster(&["fsync=off"]);
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
    let open = || -> Queue {
        let builder = prismq::postgres::builder(&url(&cluster)).unwrap();
        builder.clock(clock.clone()).busy_wait(DEADLINE).open().unwrap()
    };
    let tick = Schedule::every("tick", HOUR, NewTask::new("job", [])).missed(Missed::All);
    open().schedules().set(&tick).unwrap();
    let slots = Mutex::new(Vec::new());
    let together = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = open();
                for _ in 0..SLOTS {
                    if together.wait().is_leader() {
                        clock.advance(HOUR);
                    }
                    together.wait();
                    for lease in client.claim(&Claim::new(["job"]).max(9)).unwrap() {
                        slots.lock().unwrap().push(lease.scheduled_for().unwrap());
                        client.complete(&lease).unwrap();
                    }
                    together.wait();
                }
            });
        }
    });
    let slots = slots.into_inner().unwrap();
    let distinct: BTreeSet<Timestamp> = slots.iter().copied().collect();
    assert_eq!(distinct.len(), slots.len(), "a slot has two tasks");
    let tick = open().schedules().get("tick").unwrap().unwrap();
    assert_eq!(tick.enqueued, u64::from(SLOTS));
    // A task that another client's claim passed over is claimed later.
    let left = open().claim(&Claim::new(["job"]).max(99)).unwrap().len();
    assert_eq!(slots.len() + left, SLOTS as usize);
}

pub(crate) fn a_slot_that_is_decided_again_after_the_clock_was_set_back_is_logged() {
    let cluster = cluster(&["fsync=off"]);
    let start = Timestamp::from_micros(1_800_000_000_000_000);
    let clock = Arc::new(ManualClock::new(start));
    clock.advance(4 * HOUR);
    let builder = prismq::postgres::builder(&url(&cluster)).unwrap().clock(clock.clone());
    let queue = builder.busy_wait(DEADLINE).open().unwrap();
    queue.schedules().set(&Schedule::every("tick", HOUR, NewTask::new("job", []))).unwrap();
    clock.set(start);
    let lines = Messages::new(Level::WARN, |_| {}).during(|| {
        for _ in 0..TRANSACTIONS {
            queue.enqueue(NewTask::new("job", [])).unwrap();
        }
    });
    let decided = "the clock was set back by hours: the next slot of a schedule was decided again";
    assert_eq!(lines, [decided]);
}

pub(crate) fn a_task_is_enqueued_as_it_was_set() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    queue.set_limit("api", Limit::concurrency(1)).unwrap();
    let second = Duration::from_secs(1);
    let task = || NewTask::new("job", *b"x");
    let tasks = [
        task().limit("api").priority(-7).requires(["gpu"]).max_attempts(9),
        task().key("k").ordered(),
        task().limit("api").key("k"),
        task().expires_after(second),
        task().unique(Unique::payload().while_waiting().push_back()),
        task().unique(Unique::key("k").replace()),
    ];
    for task in tasks {
        let schedule = Schedule::every("x", HOUR, task.clone());
        queue.schedules().set(&schedule).unwrap();
        let scheduled = queue.schedules().run_now("x").unwrap().unwrap();
        let scheduled = queue.task(scheduled).unwrap().unwrap();
        assert!(scheduled.scheduled_for.is_some());
        assert_eq!(queue.tasks().delete().unwrap(), 1);
        let enqueued = queue.task(queue.enqueue(&task).unwrap().id()).unwrap().unwrap();
        assert_eq!(queue.tasks().delete().unwrap(), 1);
        let lives = |info: &TaskInfo| info.start_by.map(|by| by.since(info.enqueued_at));
        assert_eq!(lives(&scheduled), lives(&enqueued));
        assert_eq!(beyond_times(scheduled), beyond_times(enqueued));
    }
}

/// What is the same of two tasks that were enqueued alike.
fn beyond_times(mut task: TaskInfo) -> TaskInfo {
    let never = Timestamp::from_micros(0);
    task.id = TaskId::from_i64(1);
    (task.enqueued_at, task.run_at) = (never, never);
    (task.start_by, task.scheduled_for) = (None, None);
    task
}
