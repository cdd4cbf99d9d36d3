//! Limits, keys and schedules are moved: what they kept from running still does not run, and nothing else is kept from it.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{DEADLINE, cluster, file, queue, url};
use prismq::postgres::{builder, migrate};
use prismq::{
    Claim, Error, Lease, Limit, ManualClock, Missed, NewTask, Queue, RetryPolicy, Schedule,
    TaskError, TaskId, Timestamp, Unique, WorkerPool,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Tasks under limits and with keys in all states that they can have while nobody works, and schedules.
pub(super) fn fill(queue: &Queue) -> Vec<TaskId> {
    queue.set_limit("once", Limit::concurrency(1)).unwrap();
    queue.set_limit("slow", Limit::rate(1, HOUR)).unwrap();
    queue.set_limit("each", Limit::concurrency(1).per_key()).unwrap();
    queue.set_limit("gone", Limit::concurrency(1)).unwrap();
    queue.set_limit("both", Limit::concurrency(2).and(Limit::concurrency(1).per_key())).unwrap();
    queue.set_concurrency("bounded", Some(2)).unwrap();
    let mut ids = Vec::new();
    let mut add = |name: &str, task: NewTask| {
        let id = queue.enqueue(task.queue(name)).unwrap().id();
        ids.push(id);
        id
    };
    let task = |payload: &str| NewTask::new("job", payload.as_bytes().to_vec());
    for payload in ["0", "1"] {
        add("named", task(payload).limit("once"));
        add("named", task(payload).limit("slow"));
        add("named", task(payload).limit("gone"));
        add("named", task(payload).limit("each").key("a"));
        add("bounded", task(payload));
        add("bounded", task(payload));
    }
    for (payload, key) in [("0", "a"), ("1", "a"), ("0", "b"), ("0", "c")] {
        add("both", task(payload).limit("both").key(key));
    }
    for key in ["a", "b"] {
        for payload in ["0", "1", "2"] {
            add("keyed", task(payload).key(key));
        }
    }
    queue.remove_limit("gone").unwrap();
    // One of an ordered key has begun and waits for another attempt, and keeps the other from running.
    add("ordered", NewTask::new("first", *b"fails").key("o").ordered());
    // One that is dead, and one that was cancelled and is kept.
    add("ordered", NewTask::new("first", *b"dies").key("d").ordered());
    WorkerPool::builder(queue)
        .queue("ordered")
        .handle_bytes("first", |payload, _| match &*payload {
            b"dies" => Err(TaskError::permanent("never")),
            _ => Err(TaskError::new("later").retry_after(HOUR)),
        })
        .run_until_empty()
        .unwrap();
    add("ordered", NewTask::new("first", *b"waits").key("o").ordered());
    queue.set_history("ordered", 5).unwrap();
    let done = add("ordered", NewTask::new("done", []).key("o2"));
    WorkerPool::builder(queue)
        .queue("ordered")
        .handle_bytes("done", |_, _| Ok(()))
        .run_until_empty()
        .unwrap();
    assert!(queue.task(done).unwrap().is_some());
    // The rate of this limit is used up.
    let slow = Claim::new(["slow"]).queue("slow");
    queue.enqueue(NewTask::new("slow", []).queue("slow").limit("slow")).unwrap();
    let lease = queue.claim(&slow).unwrap().remove(0);
    queue.complete(&lease).unwrap();
    add("slow", NewTask::new("slow", []).queue("slow").limit("slow"));

    let schedules = queue.schedules();
    let of = |name: &str| NewTask::new("tick", name.as_bytes().to_vec()).queue("ticks");
    schedules.set(&Schedule::every("all", HOUR, of("all")).missed(Missed::All)).unwrap();
    schedules.set(&Schedule::every("once", HOUR, of("once")).missed(Missed::Once)).unwrap();
    let limited = of("limited").limit("once").key("k").requires(["gpu"]).priority(-4);
    schedules.set(&Schedule::every("limited", HOUR, limited).no_overlap()).unwrap();
    let unique = of("unique").unique(Unique::key("tick").for_period(HOUR).replace());
    schedules.set(&Schedule::every("unique", HOUR, unique.expires_after(HOUR))).unwrap();
    schedules.set(&Schedule::every("paused", HOUR, of("paused"))).unwrap();
    schedules.pause("paused").unwrap();
    ids.push(schedules.run_now("all").unwrap().unwrap());
    ids
}

/// What is set of limits and schedules, as text.
pub(super) fn settings(queue: &Queue) -> String {
    let (limits, schedules) = (queue.limits().unwrap(), queue.schedules().list().unwrap());
    format!("{limits:#?}\n{schedules:#?}\n{:#?}\n{:#?}", queue.queues(), queue.types())
}

fn claim(queue: &Queue, name: &str, task_type: &str) -> Vec<Lease> {
    queue.claim(&Claim::new([task_type]).queue(name).max(100)).unwrap()
}

fn payloads(leases: &[Lease]) -> Vec<String> {
    let mut payloads: Vec<String> =
        leases.iter().map(|lease| String::from_utf8_lossy(lease.payload()).into()).collect();
    payloads.sort();
    payloads
}

pub(crate) fn limits_and_keys_bound_the_same_tasks() {
    let cluster = cluster(&[]);
    let (_folder, path) = file();
    let source = Queue::open(&path).unwrap();
    let ids = fill(&source);
    let (before, tasks) = (settings(&source), shown(&source, &ids));
    drop(source);
    let report = migrate(&path, &url(&cluster)).unwrap();
    assert_eq!(report.tasks, ids.len() as u64);
    let target = queue(&url(&cluster));
    assert_eq!(settings(&target), before);
    assert_eq!(shown(&target, &ids), tasks);

    // Of each limit with one slot a task, of the one whose rate is used up none, of the one that was removed both.
    assert_eq!(payloads(&claim(&target, "named", "job")), ["0", "0", "0", "1"]);
    let bounded = claim(&target, "bounded", "job");
    assert_eq!(bounded.len(), 2);
    target.complete(&bounded[0]).unwrap();
    assert_eq!(claim(&target, "bounded", "job").len(), 1);
    assert_eq!(payloads(&claim(&target, "both", "job")), ["0", "0"]);
    // Keys take turns.
    let turns: Vec<_> = target.claim(&Claim::new(["job"]).queue("keyed").max(4)).unwrap();
    assert_eq!(payloads(&turns), ["0", "0", "1", "1"]);
    // The task that began keeps its key, however long it waits.
    assert!(claim(&target, "ordered", "first").is_empty());
    assert_eq!(target.tasks().queue("ordered").dead().redrive().unwrap(), 1);
    assert_eq!(payloads(&claim(&target, "ordered", "first")), ["dies"]);
    assert!(claim(&target, "slow", "slow").is_empty());
    // Other limits, keys and schedules can be added.
    target.set_limit("later", Limit::concurrency(1)).unwrap();
    let later = || NewTask::new("later", []).queue("later").limit("later");
    target.enqueue_all([later().key("x"), later().key("y"), later().limit("gone2")]).unwrap_err();
    target.enqueue_all([later().key("x"), later().key("y")]).unwrap();
    assert_eq!(claim(&target, "later", "later").len(), 1);
}

/// Tasks without the times that another clock may show otherwise, as text.
pub(super) fn shown(queue: &Queue, ids: &[TaskId]) -> Vec<String> {
    let shown = |id: &TaskId| {
        let mut task = queue.task(*id).unwrap().unwrap();
        let is_later = task.run_at.since(task.enqueued_at) > HOUR / 2;
        task.run_at = Timestamp::from_micros(i64::from(is_later));
        task.start_by = task.start_by.map(|_| task.run_at);
        task.died_at = task.died_at.map(|_| task.run_at);
        task.payload.truncate(32);
        format!("{task:?}")
    };
    ids.iter().map(shown).collect()
}

pub(crate) fn each_slot_of_a_schedule_has_its_task_once() {
    let cluster = cluster(&[]);
    let (_folder, path) = file();
    let source = Queue::open(&path).unwrap();
    fill(&source);
    let next = source.schedules().get("all").unwrap().unwrap().next_run.unwrap();
    drop(source);
    let passed = next.after(HOUR * 3);
    migrate(&path, &url(&cluster)).unwrap();
    let clock = Arc::new(ManualClock::new(passed));
    let target = builder(&url(&cluster)).unwrap().clock(clock).busy_wait(DEADLINE).open().unwrap();
    let slots = |name: &str| {
        let tasks = target.tasks().queue("ticks").list(100, None).unwrap().tasks;
        let of_schedule = tasks.iter().filter(|task| task.payload == name.as_bytes());
        let mut slots: Vec<Timestamp> =
            of_schedule.map(|task| task.scheduled_for.unwrap()).collect();
        slots.sort();
        slots
    };
    for _ in 0..3 {
        claim(&target, "ticks", "tick");
    }
    // Of the first, one ran by hand before.
    let all = slots("all");
    let due: Vec<Timestamp> = (0..4_u32).map(|slot| next.after(HOUR * slot)).collect();
    assert_eq!(all[1..], due);
    assert_eq!(slots("once").len(), 1);
    assert_eq!(slots("paused"), []);
    let info = target.schedules().get("all").unwrap().unwrap();
    assert_eq!((info.enqueued, info.next_run), (5, Some(next.after(HOUR * 4))));
}

pub(crate) fn what_is_set_at_the_target_is_not_dropped() {
    let (_folder, path) = file();
    let source = Queue::open(&path).unwrap();
    source.set_limit("api", Limit::concurrency(1)).unwrap();
    drop(source);
    type Set = fn(&Queue);
    let settings: [(&str, Set); 3] = [
        ("a", |queue| queue.set_limit("other", Limit::concurrency(1)).unwrap()),
        ("b", |queue| queue.set_retry("job", RetryPolicy::fixed(HOUR)).unwrap()),
        ("c", |queue| queue.set_type_retention("job", Some(HOUR)).unwrap()),
    ];
    let cluster = cluster(&[]);
    for (schema, set) in settings {
        let url = format!("{}&schema={schema}", url(&cluster));
        set(&queue(&url));
        let error = migrate(&path, &url).unwrap_err();
        assert!(matches!(&error, Error::Refused { .. }), "{error}");
        assert!(error.to_string().contains("?schema="), "{error}");
        // The file can still be used.
        Queue::open(&path).unwrap();
    }
    let url = format!("{}&schema=empty", url(&cluster));
    migrate(&path, &url).unwrap();
    assert_eq!(queue(&url).limits().unwrap()[0].name, "api");
}
