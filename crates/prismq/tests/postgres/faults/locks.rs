//! What other transactions have locked keeps no claim from other tasks, and locks are taken in one order.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use prismq::{
    Claim, Error, Limit, ManualClock, NewTask, Queue, Schedule, State, Timestamp, Unique,
    WorkerPool,
};
use prismq_cluster::Cluster;

use crate::support::{DEADLINE, cluster, deadlocks_once_closed, queue, task, url, wait_for};

const HOUR: Duration = Duration::from_secs(3600);
/// How long a client waits for locks here: what it must not wait for would fail its call.
const WAIT: Duration = Duration::from_secs(3);
const SLEEPS: &str = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(600)'";
const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'";

/// Ends the transaction of an application, after a failed assertion too.
struct Ended<'a>(&'a Cluster);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.sql("postgres", &[END]).unwrap();
    }
}

/// Runs this while an application has an open transaction in which it did something, which is rolled back then.
fn while_open(cluster: &Cluster, does: &str, run: impl FnOnce()) {
    thread::scope(|scope| {
        let steps = ["BEGIN", does, "SELECT pg_sleep(600)"];
        // It fails when it is ended.
        scope.spawn(move || cluster.sql("postgres", &steps));
        let _ended = Ended(cluster);
        wait_for("the transaction", || cluster.sql("postgres", &[SLEEPS]).unwrap() == "1");
        run();
        assert_eq!(cluster.sql("postgres", &[SLEEPS]).unwrap(), "1", "it was not left open");
    });
}

/// A client that does not wait for locks for long.
fn impatient(cluster: &Cluster) -> Queue {
    prismq::postgres::builder(&url(cluster)).unwrap().busy_wait(WAIT).open().unwrap()
}

/// What can be claimed now.
fn claim(queue: &Queue, name: &str) -> Vec<String> {
    let leases = queue.claim(&Claim::new(["job"]).queue(name).max(9)).unwrap();
    leases.iter().map(|lease| String::from_utf8_lossy(lease.payload()).into()).collect()
}

fn job(name: &str, payload: &str) -> NewTask {
    NewTask::new("job", payload.as_bytes().to_vec()).queue(name)
}

pub(crate) fn tasks_are_cancelled_in_the_order_in_which_others_lock_them() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    // Found after the one that waits, as it runs.
    let running = queue.enqueue(task()).unwrap().id();
    queue.claim(&Claim::new(["job"])).unwrap();
    let waiting = queue.enqueue(task()).unwrap().id();
    let steps = format!(
        "BEGIN;
         SELECT FROM prismq.task WHERE id = {running} FOR UPDATE;
         DO 'BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) LOOP PERFORM pg_sleep(0.01); END LOOP; END';
         SELECT FROM prismq.task WHERE id = {waiting} FOR UPDATE;
         COMMIT"
    );
    thread::scope(|scope| {
        let other = scope.spawn(|| cluster.sql("postgres", &[&steps]));
        wait_for("the task that runs is locked", || {
            let locks = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                 WHERE c.relname = 'task' AND l.mode = 'RowShareLock' AND l.granted";
            cluster.sql("postgres", &[locks]).unwrap() != "0"
        });
        let count = queue.tasks().cancel().unwrap();
        assert_eq!((count.ended, count.requested), (1, 1));
        other.join().unwrap().unwrap();
    });
    assert_eq!(deadlocks_once_closed(&cluster, queue), "0");
}

pub(crate) fn a_task_without_time_left_that_is_locked_is_ended_later() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    for table in ["ready", "task"] {
        let late = job("late", "late").expires_after(Duration::from_millis(1));
        let late = queue.enqueue(late).unwrap();
        queue.enqueue(job("other", "other")).unwrap();
        let lock = format!("SELECT FROM prismq.{table} WHERE id = {} FOR UPDATE", late.id());
        while_open(&cluster, &lock, || {
            // Looks at it as well, more than once.
            wait_for("the other task", || claim(&queue, "other") == ["other"]);
            assert_eq!(claim(&queue, "other"), [""; 0]);
            assert_eq!(queue.task(late.id()).unwrap().unwrap().state, State::Ready, "{table}");
        });
        wait_for("its end", || {
            claim(&queue, "other");
            queue.task(late.id()).unwrap().unwrap().state == State::Dead
        });
    }
}

pub(crate) fn a_lease_that_has_expired_while_it_is_settled_keeps_no_claim_waiting() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    let settled = queue.enqueue(job("slow", "slow")).unwrap();
    let short = Claim::new(["job"]).queue("slow").lease(Duration::from_millis(1));
    queue.claim(&short).unwrap().remove(0);
    queue.enqueue(job("other", "other")).unwrap();
    // As `complete_in` leaves it until the application's transaction ends.
    let lock = format!("SELECT FROM prismq.task WHERE id = {} FOR UPDATE", settled.id());
    while_open(&cluster, &lock, || {
        assert_eq!(claim(&queue, "other"), ["other"]);
        assert_eq!(queue.task(settled.id()).unwrap().unwrap().state, State::Leased);
    });
    // It was rolled back.
    wait_for("the task again", || claim(&queue, "slow") == ["slow"]);
}

pub(crate) fn a_pool_claims_while_its_results_wait_for_a_lock() {
    let cluster = cluster(&[]);
    let (of_pool, other) = (queue(&url(&cluster)), queue(&url(&cluster)));
    let (ran, tasks) = channel();
    let (locked, goes_on) = channel();
    let goes_on = Mutex::new(goes_on);
    let pool = WorkerPool::builder(&of_pool)
        .queue("busy")
        .workers(1)
        .prefetch(0)
        .handle_bytes("job", move |payload, _| {
            _ = ran.send(payload.to_vec());
            if *payload == *b"first" {
                _ = goes_on.lock().unwrap().recv_timeout(DEADLINE);
            }
            Ok(())
        })
        .start()
        .unwrap();
    let first = other.enqueue(job("busy", "first")).unwrap();
    other.enqueue_all((0..9).map(|_| job("busy", "other"))).unwrap();
    assert_eq!(tasks.recv_timeout(DEADLINE).unwrap(), b"first");
    let lock = format!("SELECT FROM prismq.task WHERE id = {} FOR UPDATE", first.id());
    while_open(&cluster, &lock, || {
        locked.send(()).unwrap();
        for _ in 0..9 {
            assert_eq!(tasks.recv_timeout(DEADLINE / 2).unwrap(), b"other");
        }
        assert_eq!(other.task(first.id()).unwrap().unwrap().state, State::Leased);
    });
    assert_eq!(pool.shutdown(DEADLINE).stats.completed, 10);
}

pub(crate) fn a_slot_whose_unique_key_is_locked_waits_alone() {
    let cluster = cluster(&[]);
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
    let builder = prismq::postgres::builder(&url(&cluster)).unwrap();
    let queue = builder.clock(clock.clone()).busy_wait(WAIT).open().unwrap();
    let schedules = queue.schedules();
    let unique = job("slots", "unique").unique(Unique::key("k"));
    schedules.set(&Schedule::every("unique", HOUR, unique)).unwrap();
    schedules.set(&Schedule::every("plain", HOUR, job("slots", "plain"))).unwrap();
    queue.enqueue(job("other", "other")).unwrap();
    clock.advance(HOUR);
    let take =
        "INSERT INTO prismq.unique_key (type, key, task, hold) VALUES ('job', '\\x006b', 99, 1)";
    while_open(&cluster, take, || {
        assert_eq!(claim(&queue, "other"), ["other"]);
        assert_eq!(claim(&queue, "slots"), ["plain"]);
        assert_eq!(claim(&queue, "slots"), [""; 0]);
    });
    wait_for("its slot", || claim(&queue, "slots") == ["unique"]);
    assert_eq!(schedules.get("unique").unwrap().unwrap().enqueued, 1);
}

/// More than a claim waits for, one after the other; those that are not locked get their turn.
pub(crate) fn many_slots_that_are_locked_keep_no_claim_waiting() {
    let cluster = cluster(&[]);
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
    let builder = prismq::postgres::builder(&url(&cluster)).unwrap();
    let queue = builder.clock(clock.clone()).busy_wait(WAIT).open().unwrap();
    queue.set_depth_limit("slots", 1000).unwrap();
    let schedules = queue.schedules();
    for number in 0..15 {
        let name = format!("locked {number}");
        schedules.set(&Schedule::every(&*name, HOUR, job("slots", "locked"))).unwrap();
    }
    schedules.set(&Schedule::every("free", HOUR, job("free", "free"))).unwrap();
    queue.enqueue(job("other", "other")).unwrap();
    clock.advance(HOUR);
    let take = "SELECT FROM prismq.queue WHERE name = 'slots' FOR NO KEY UPDATE";
    while_open(&cluster, take, || {
        assert_eq!(claim(&queue, "other"), ["other"]);
        wait_for("the slot that is not locked", || claim(&queue, "free") == ["free"]);
    });
    let mut given = 0;
    wait_for("the slots that were locked", || {
        given += claim(&queue, "slots").len();
        given == 15
    });
}

pub(crate) fn a_row_of_the_inbox_whose_unique_key_is_locked_waits_alone() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    let insert = "INSERT INTO prismq.prismq_inbox (type, payload, unique_key)
         VALUES ('job', 'unique', 'k'), ('job', 'plain', NULL)";
    let take =
        "INSERT INTO prismq.unique_key (type, key, task, hold) VALUES ('job', '\\x006b', 99, 1)";
    while_open(&cluster, take, || {
        cluster.sql("postgres", &[insert]).unwrap();
        assert_eq!(claim(&queue, "default"), ["plain"]);
    });
    wait_for("its row", || claim(&queue, "default") == ["unique"]);
}

pub(crate) fn a_locked_task_under_a_limit_is_passed_over() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    queue.set_limit("api", Limit::concurrency(5)).unwrap();
    let limited = queue.enqueue(job("limited", "1").limit("api")).unwrap();
    let keyed = queue.enqueue(job("limited", "2").limit("api").key("k")).unwrap();
    queue.enqueue(job("limited", "3").limit("api")).unwrap();
    let ids = format!("({}, {})", limited.id(), keyed.id());
    let lock = format!("SELECT FROM prismq.ready WHERE id IN {ids} FOR UPDATE");
    while_open(&cluster, &lock, || assert_eq!(claim(&queue, "limited"), ["3"]));
    let mut rest = claim(&queue, "limited");
    rest.sort();
    assert_eq!(rest, ["1", "2"]);
}

pub(crate) fn locked_tasks_of_several_types_are_passed_over() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    let job = |task_type: &str, payload: &str| NewTask::new(task_type, payload.as_bytes().to_vec());
    let first = queue.enqueue(job("a", "1")).unwrap();
    queue.enqueue_all([job("b", "2"), job("a", "3"), job("b", "4")]).unwrap();
    let claim = |tasks| -> Vec<String> {
        let leases = queue.claim(&Claim::new(["a", "b"]).max(tasks)).unwrap();
        leases.iter().map(|lease| String::from_utf8_lossy(lease.payload()).into()).collect()
    };
    let lock = format!("SELECT FROM prismq.ready WHERE id = {} FOR UPDATE", first.id());
    while_open(&cluster, &lock, || {
        assert_eq!(claim(1), ["2"]);
        assert_eq!(claim(9), ["3", "4"]);
        assert_eq!(claim(9), Vec::<String>::new());
    });
    assert_eq!(claim(9), ["1"]);
}

pub(crate) fn a_locked_queue_is_claimed_from() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    queue.set_order("drawn", prismq::Order::WeightedRandom).unwrap();
    queue.enqueue_all([job("drawn", "1"), job("drawn", "1")]).unwrap();
    // As an enqueue to a queue with a depth limit leaves it.
    let lock = "SELECT FROM prismq.queue WHERE name = 'drawn' FOR NO KEY UPDATE";
    while_open(&cluster, lock, || assert_eq!(claim(&queue, "drawn"), ["1", "1"]));
    queue.enqueue(job("drawn", "2")).unwrap();
    assert_eq!(claim(&queue, "drawn"), ["2"]);
}

/// What the server itself has rolled back was not committed.
pub(crate) fn a_claim_whose_session_the_server_ends_is_made_again() {
    let cluster = cluster(&[]);
    let queue = impatient(&cluster);
    for _ in 0..2 {
        queue.enqueue(task()).unwrap();
        queue.claim(&Claim::new(["job"])).unwrap();
    }
    let id = queue.enqueue(task()).unwrap().id();
    let lock = format!("SELECT FROM prismq.task WHERE id = {id} FOR UPDATE");
    let waiting =
        "FROM pg_stat_activity WHERE application_name = 'prismq' AND wait_event_type = 'Lock'";
    let waits = format!("SELECT count(*) {waiting}");
    let end = format!("SELECT count(pg_terminate_backend(pid, 60000)) {waiting}");
    while_open(&cluster, &lock, || {
        thread::scope(|scope| {
            let claimed = scope.spawn(|| queue.claim(&Claim::new(["job"])));
            wait_for("it waits", || cluster.sql("postgres", &[&waits]).unwrap() == "1");
            assert_eq!(cluster.sql("postgres", &[&end]).unwrap(), "1");
            let error = claimed.join().unwrap().unwrap_err();
            assert!(matches!(error, Error::Busy { .. }), "it is not waited for again: {error:?}");
        });
    });
}
