//! Statements are planned again when tables have grown. A plan made just after a drained queue was vacuumed scans whole
//! tables, because they are empty, and would scan all the tasks that are added later.

use std::fs;
use std::time::{Duration, Instant};

use prismq::{Claim, Lease, Limit, NewTask, Queue, TaskError, Unique};

use crate::support::{DEADLINE, cluster, queue, url};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Has the server log each statement with its plan and the pages that it looked at.
const EXPLAINED: [&str; 6] = [
    "autovacuum=off",
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=on",
    "auto_explain.log_timing=off",
];
/// Tasks of another type, in each way.
const OTHERS: u32 = 5_000;
/// Most pages that a statement may look at: the smallest of the tables that are filled has more.
const MOST: u64 = 100;

/// What reads many rows once in a while: sums counters up, and deletes keys that have no task.
const UPKEEP: [&str; 2] = [
    "Query Text: WITH f AS (DELETE FROM prismq.counter_delta",
    "Query Text: WITH u AS MATERIALIZED (SELECT k.id",
];

fn job() -> NewTask {
    NewTask::new("job", *b"payload")
}

/// Uses what a program uses all the time, and leaves nothing.
fn use_all(queue: &Queue) {
    let claim = |types: &[&str]| -> Lease {
        queue.claim(&Claim::new(types.iter().copied())).unwrap().pop().unwrap()
    };
    let add = |task: NewTask| queue.enqueue(task).unwrap().id();
    queue.enqueue_all([job(), job()]).unwrap();
    queue.complete(&claim(&["job"])).unwrap();
    queue.complete_with(&claim(&["job", "second"]), *b"result").unwrap();

    for task in [
        job().limit("api"),
        job().limit("each").key("k"),
        job().key("k"),
        job().key("o").ordered(),
        job().unique(Unique::key("u")),
        job().expires_after(HOUR),
    ] {
        add(task);
        let lease = claim(&["job"]);
        queue.extend(&lease, HOUR).unwrap();
        queue.release(&lease).unwrap();
        let lease = claim(&["job"]);
        queue.fail(&lease, TaskError::new("again").retry_after(Duration::ZERO)).unwrap();
        queue.complete(&claim(&["job"])).unwrap();
    }
    for task in [job(), job().key("k"), job().delay(HOUR), job().unique(Unique::key("u"))] {
        let id = add(task);
        assert!(queue.task(id).unwrap().is_some());
        queue.cancel(id).unwrap();
    }
    let id = add(job());
    queue.fail(&claim(&["job"]), TaskError::permanent("never")).unwrap();
    assert_eq!(queue.tasks().queue("default").of_type("job").dead().redrive().unwrap(), 1);
    queue.cancel(id).unwrap();
}

/// Tasks of another type in all the ways of [`use_all`].
fn add_others(queue: &Queue) {
    let other = || NewTask::new("other", *b"payload");
    for part in 0..OTHERS / 1000 {
        let number = |place: u32| 1000 * part + place;
        for _ in 0..10 {
            queue.enqueue_all((0..1000).map(|_| other())).unwrap();
        }
        queue.enqueue_all((0..1000).map(|_| other().limit("api"))).unwrap();
        queue.enqueue_all((0..1000).map(|_| other().delay(HOUR))).unwrap();
        queue
            .enqueue_all((0..1000).map(|place| other().key(format!("{}", number(place)))))
            .unwrap();
        let unique = |place| other().unique(Unique::key(format!("{}", number(place))));
        queue.enqueue_all((0..1000).map(unique)).unwrap();
    }
}

/// The statements that looked at too many pages, with how many, from the server's log.
fn large(log: &str) -> Vec<String> {
    let pages = |plan: &str| -> u64 {
        let buffers = plan.split_once("Buffers: shared ").map_or("", |(_, after)| after);
        let counts = buffers.lines().next().unwrap_or_default().split(' ').filter_map(|part| {
            let (kind, count) = part.split_once('=')?;
            matches!(kind, "hit" | "read").then(|| count.parse::<u64>().ok())?
        });
        counts.sum()
    };
    let plans = log.split("LOG:  duration").filter(|plan| plan.contains("Query Text: "));
    let is_upkeep = |plan: &str| UPKEEP.iter().any(|start| plan.contains(start));
    let large = plans.filter(|plan| pages(plan) > MOST && !is_upkeep(plan));
    large.map(|plan| format!("{} pages{plan}", pages(plan))).collect()
}

pub(crate) fn statements_planned_for_empty_tables_are_planned_again_when_these_have_filled() {
    let cluster = cluster(&EXPLAINED);
    let (used, filled) = (queue(&url(&cluster)), queue(&url(&cluster)));
    let rate = Limit::rate(10_000, Duration::from_secs(1)).burst(1000);
    used.set_limit("api", Limit::concurrency(1000).and(rate)).unwrap();
    used.set_limit("each", Limit::concurrency(10).per_key()).unwrap();
    used.set_history("default", 1).unwrap();
    use_all(&used);
    cluster.sql("postgres", &["VACUUM ANALYZE"]).unwrap();
    use_all(&used);
    add_others(&filled);
    let log = cluster.folder().join("log");
    let started = Instant::now();
    loop {
        let before = fs::read_to_string(&log).unwrap().len();
        use_all(&used);
        let log = fs::read_to_string(&log).unwrap();
        let log = log.get(before..).unwrap();
        assert!(log.contains("Buffers: shared"), "the server logs no plans: {log}");
        let found = large(log);
        if found.is_empty() {
            break;
        }
        // Those of the plans of empty tables are slow, so that others are made, every ten seconds at most.
        let in_time = started.elapsed() < DEADLINE;
        assert!(in_time, "{} statements: {}", found.len(), found.join("\n"));
    }
}
