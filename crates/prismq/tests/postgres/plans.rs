//! Statements read only what they need, not whole tables or indexes, even if the planner's statistics are misleading.
//!
//! A plan made just after a drained queue was vacuumed scans whole tables, because they are empty, and would scan all the
//! tasks that are added later: statements are planned again when tables have grown. Where an old snapshot keeps deleted rows,
//! the planner sees large tables with almost no rows, and estimates that reading a whole index costs as much as one lookup.

use std::fs;
use std::time::{Duration, Instant};

use prismq::postgres::enqueue_in;
use prismq::{Claim, Lease, Limit, NewTask, Queue, State, TaskError, Unique};

use crate::support::{DEADLINE, claimed, cluster, queue, url, wait_for};
use crate::transactions::Application;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Has the server log each statement with its plan and the pages that it looked at.
const EXPLAINED: [&str; 7] = [
    "autovacuum=off",
    "max_prepared_transactions=1",
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=on",
    "auto_explain.log_timing=off",
];
/// Tasks of another type, in each way.
const OTHERS: u32 = 5_000;
/// Most pages that a statement may look at.
const MOST: u64 = 100;

/// From now on deleted rows are kept.
const KEEP_DELETED: [&str; 3] =
    ["BEGIN", "CREATE TABLE public.kept ()", "PREPARE TRANSACTION 'keeps deleted rows'"];
/// Deletes all but so many rows of a table, and has the server look at what it holds.
const LEAVE: &str = "DELETE FROM prismq.table t WHERE ctid <> ALL (ARRAY(
    SELECT ctid FROM prismq.table ORDER BY ctid LIMIT rows))";
/// The tables that may become large.
const TABLES: [&str; 12] = [
    "task",
    "ready",
    "scheduled",
    "expiry",
    "ended",
    "attempt",
    "deadline",
    "unique_key",
    "turn",
    "line",
    "key",
    "slot",
];

/// Adds places of tasks before all others that are ready, and deletes them.
const DELETED_BEFORE: [&str; 2] = [
    "INSERT INTO prismq.ready (lane, suspect, order_key, id)
     SELECT lane, false, order_key - 1, -place FROM prismq.ready, generate_series(1, 300000) place",
    "DELETE FROM prismq.ready WHERE id < 0",
];

/// What reads many rows once in a while: sums counters up, deletes unique keys that nobody holds, and finds the keys of a
/// type for an operator.
const RARE: [&str; 3] = [
    "Query Text: WITH f AS (DELETE FROM prismq.counter_delta",
    "Query Text: DELETE FROM prismq.unique_key WHERE ctid",
    "Query Text: SELECT id FROM prismq.line WHERE lane = ANY",
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
    let id = add(job().unique(Unique::key("u")));
    assert_eq!(add(job().unique(Unique::key("u").replace())), id);
    let lease = claim(&["job"]);
    queue.cancel(id).unwrap();
    queue.release(&lease).unwrap();
    let id = add(job());
    let lease = claim(&["job"]);
    queue.cancel(id).unwrap();
    queue.complete(&lease).unwrap();

    let millisecond = Duration::from_millis(1);
    add(job().key("k"));
    let lost = queue.claim(&Claim::new(["job"]).lease(millisecond)).unwrap();
    assert_eq!(lost.len(), 1);
    queue.complete(&claimed(queue)).unwrap();
    let id = add(job().requires(["what nobody has"]).expires_after(millisecond));
    wait_for("a task expires", || {
        assert_eq!(queue.claim(&Claim::new(["job"])).unwrap(), []);
        queue.task(id).unwrap().unwrap().state == State::Dead
    });
    assert_eq!(queue.tasks().queue("default").of_type("job").dead().delete().unwrap(), 1);
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

/// Leases some of them, and lets others die.
fn use_others(queue: &Queue) {
    let leases = queue.claim(&Claim::new(["other"]).max(1000)).unwrap();
    for lease in leases {
        queue.fail(&lease, TaskError::permanent("never")).unwrap();
    }
    let limited = || NewTask::new("limited", *b"payload").limit("api").expires_after(HOUR);
    queue.enqueue_all((0..1000).map(|_| limited())).unwrap();
    let leases = queue.claim(&Claim::new(["limited"]).max(1000)).unwrap();
    for lease in &leases {
        queue.extend(lease, HOUR).unwrap();
    }
}

/// The plans of statements that are run all the time, from the server's log.
fn plans(log: &str) -> impl Iterator<Item = &str> {
    let is_rare = |plan: &str| RARE.iter().any(|start| plan.contains(start));
    let plans = log.split("LOG:  duration").filter(|plan| plan.contains("Query Text: "));
    plans.filter(move |plan| !is_rare(plan))
}

/// How many pages a statement looked at in its part that looked at most.
fn pages(plan: &str) -> u64 {
    let parts = plan.lines().filter_map(|line| line.trim().strip_prefix("Buffers: shared "));
    let of_part = |counts: &str| {
        let counts = counts.split(' ').filter_map(|count| {
            let (kind, count) = count.split_once('=')?;
            matches!(kind, "hit" | "read").then(|| count.parse::<u64>().ok())?
        });
        counts.sum()
    };
    parts.map(of_part).max().unwrap_or_default()
}

/// The statements that looked at too many pages, with how many.
fn large(log: &str) -> Vec<String> {
    let large = plans(log).filter(|plan| pages(plan) > MOST);
    large.map(|plan| format!("{} pages{plan}", pages(plan))).collect()
}

/// The statements that read a large table or an index of it as a whole, or all rows of a range to find the first.
fn whole(log: &str) -> Vec<String> {
    let reads_whole = |plan: &&str| {
        let mut lines = plan.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let node = line.trim_start_matches("->").trim();
            let scan = node.strip_prefix("Index Scan using ");
            let scan = scan.or_else(|| node.strip_prefix("Index Only Scan using "));
            let table = scan.and_then(|scan| scan.split(' ').nth(2)).or_else(|| {
                node.strip_prefix("Seq Scan on ").and_then(|scan| scan.split(' ').next())
            });
            if node.starts_with("Bitmap Heap Scan") {
                return true;
            }
            let is_large = table.is_some_and(|table| TABLES.contains(&table));
            let has_condition =
                scan.is_some() && lines.peek().is_some_and(|line| line.starts_with("Index Cond:"));
            if is_large && !has_condition && !node.contains("never executed") {
                return true;
            }
        }
        false
    };
    plans(log).filter(reads_whole).map(str::to_owned).collect()
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
        let found = [large(log), whole(log)].concat();
        if found.is_empty() {
            break;
        }
        // Those of the plans of empty tables are slow, so that others are made, every ten seconds at most.
        let in_time = started.elapsed() < DEADLINE;
        assert!(in_time, "{} statements: {}", found.len(), found.join("\n"));
    }
}

pub(crate) fn statements_read_no_whole_index_where_deleted_rows_are_kept() {
    let cluster = cluster(&EXPLAINED);
    let queue = queue(&url(&cluster));
    let rate = Limit::rate(10_000, Duration::from_secs(1)).burst(1000);
    queue.set_limit("api", Limit::concurrency(1000).and(rate)).unwrap();
    queue.set_limit("each", Limit::concurrency(10).per_key()).unwrap();
    queue.set_history("default", 1).unwrap();
    use_all(&queue);
    cluster.sql("postgres", &KEEP_DELETED).unwrap();
    let log = cluster.folder().join("log");
    add_others(&queue);
    use_others(&queue);
    // Plans differ with the number of rows that the planner estimates.
    for rows in ["10", "3", "2", "1", "0"] {
        let leave = |table: &str| LEAVE.replace("table", table).replace("rows", rows);
        let mut statements = TABLES.map(leave).to_vec();
        statements.push("VACUUM ANALYZE".to_owned());
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        cluster.sql("postgres", &statements).unwrap();
        let before = fs::read_to_string(&log).unwrap().len();
        use_all(&queue);
        let log = fs::read_to_string(&log).unwrap();
        let log = log.get(before..).unwrap();
        assert!(log.contains("Buffers: shared"), "the server logs no plans: {log}");
        let found = whole(log);
        let count = found.len();
        assert!(found.is_empty(), "{rows} rows, {count} statements: {}", found.join("\n"));
    }
}

/// Otherwise each claim would read past all deleted rows again, although it is known where the task is.
pub(crate) fn a_claim_after_a_task_came_back_looks_from_where_that_is() {
    let cluster = cluster(&EXPLAINED);
    let queue = queue(&url(&cluster));
    queue.enqueue(job()).unwrap();
    cluster.sql("postgres", &KEEP_DELETED).unwrap();
    cluster.sql("postgres", &DELETED_BEFORE).unwrap();
    let log = cluster.folder().join("log");
    let come_back: [fn(&Queue, &Lease); 3] = [
        |queue, lease| queue.release(lease).unwrap(),
        |queue, lease| {
            queue.fail(lease, TaskError::new("again").retry_after(Duration::ZERO)).unwrap();
        },
        |queue, lease| {
            queue.complete(lease).unwrap();
            let keyed = || job().unique(Unique::key("u").replace());
            let id = queue.enqueue(keyed()).unwrap().id();
            assert_eq!(queue.enqueue(keyed()).unwrap().id(), id);
        },
    ];
    for comes_back in come_back {
        // Now and then a claim starts at the first row.
        wait_for("a claim passes over nothing", || {
            comes_back(&queue, &claimed(&queue));
            let before = fs::read_to_string(&log).unwrap().len();
            queue.release(&claimed(&queue)).unwrap();
            let log = fs::read_to_string(&log).unwrap();
            let log = log.get(before..).unwrap();
            assert!(log.contains("DELETE FROM prismq.ready"), "the claim is not logged: {log}");
            large(log).is_empty()
        });
    }
}

/// Claims look for it from the first place then, as one that was made meanwhile has looked for it in vain.
pub(crate) fn a_unique_task_changed_in_a_transaction_is_claimed_in_its_order_once_committed() {
    let cluster = cluster(&EXPLAINED);
    let queue = queue(&url(&cluster));
    let changed = || job().unique(Unique::key("u").replace());
    let delayed = queue.enqueue(changed().delay(HOUR)).unwrap();
    queue.enqueue(job()).unwrap();
    cluster.sql("postgres", &KEEP_DELETED).unwrap();
    cluster.sql("postgres", &DELETED_BEFORE).unwrap();
    queue.complete(&claimed(&queue)).unwrap();
    let log = cluster.folder().join("log");
    wait_for("claims begin after what was claimed", || {
        queue.enqueue(job()).unwrap();
        let before = fs::read_to_string(&log).unwrap().len();
        queue.complete(&claimed(&queue)).unwrap();
        let log = fs::read_to_string(&log).unwrap();
        let log = log.get(before..).unwrap();
        log.contains("DELETE FROM prismq.ready") && large(log).is_empty()
    });
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    let transaction = runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        enqueue_in(&queue, &mut transaction, [changed()]).await.unwrap();
        transaction
    });
    assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
    queue.enqueue(job()).unwrap();
    runtime.block_on(transaction.commit()).unwrap();
    assert_eq!(claimed(&queue).id(), delayed.id());
}
