//! What a claim costs, by the pages that the server reads for it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use prismq::{Claim, Durability, Limit, NewTask, Order, Queue, WorkerPool};
use prismq_cluster::Cluster;

/// Claims that are measured.
const CLAIMS: u32 = 200;
/// A larger index has a level more, which a seek reads once: of about 20 pages.
const MOST_RATIO: f64 = 1.3;

/// How many connections of queues are open.
fn connections(cluster: &Cluster) -> u32 {
    let all = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'prismq%'";
    cluster.sql("postgres", &[all]).unwrap().parse().unwrap()
}

/// Pages of the queue's tables that were looked at so far, once all connections are closed.
fn pages(cluster: &Cluster) -> f64 {
    pages_of_closed(cluster, 0)
}

/// The same while so many connections stay open, whose pages are not all counted yet.
fn pages_of_closed(cluster: &Cluster, open: u32) -> f64 {
    let until = Instant::now() + Duration::from_secs(60);
    while connections(cluster) > open {
        assert!(Instant::now() < until, "connections stay open");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sum = "SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read) FROM pg_statio_user_tables
               WHERE schemaname = 'prismq'";
    cluster.sql("postgres", &[sum]).unwrap().parse().unwrap()
}

fn open(cluster: &Cluster) -> Queue {
    let builder = prismq::postgres::builder(&cluster.url("postgres")).unwrap();
    builder.durability(Durability::Normal).open().unwrap()
}

/// A server that removes no deleted row by itself, with so many ready tasks.
fn cluster_with(ready: usize) -> Cluster {
    let cluster = Cluster::start(&["fsync=off", "autovacuum=off"]).unwrap();
    let queue = open(&cluster);
    for _ in 0..ready / 1000 {
        queue.enqueue_all((0..1000).map(|_| NewTask::new("job", []))).unwrap();
    }
    drop(queue);
    cluster
}

/// Pages that a claim of one task looks at.
fn pages_of_a_claim(cluster: &Cluster) -> f64 {
    let before = pages(cluster);
    let queue = open(cluster);
    for _ in 0..CLAIMS {
        assert_eq!(queue.claim(&Claim::new(["job"])).unwrap().len(), 1);
    }
    drop(queue);
    (pages(cluster) - before) / f64::from(CLAIMS)
}

/// Failure mode: plan: PostgreSQL with many tasks ready | a claim reads as many pages as with few
pub(crate) fn a_claim_costs_the_same_however_many_tasks_are_ready() {
    let (few, many) =
        (pages_of_a_claim(&cluster_with(1_000)), pages_of_a_claim(&cluster_with(100_000)));
    assert!(many <= few * MOST_RATIO, "{few} pages with 1 000 ready, {many} with 100 000");
}

/// Pages that a claim of one task looks at next to so many that their limits and keys do not let start.
fn pages_next_to(waiting: usize) -> f64 {
    let cluster = cluster_with(0);
    let queue = open(&cluster);
    queue.set_limit("full", Limit::concurrency(1)).unwrap();
    queue.set_limit("keys", Limit::concurrency(1).per_key()).unwrap();
    let job = || NewTask::new("job", []);
    for part in 0..waiting / 100 {
        queue.enqueue_all((0..100).map(|_| job().limit("full"))).unwrap();
        let of_key = |number| job().limit("keys").key(format!("{part}-{}", number / 2));
        queue.enqueue_all((0..100).map(of_key)).unwrap();
    }
    let claim = Claim::new(["job"]).max(4096);
    while !queue.claim(&claim).unwrap().is_empty() {}
    queue.enqueue_all((0..1000).map(|_| job())).unwrap();
    drop(queue);
    // Rows of tasks that started are dead, and no claim is to look at them.
    cluster.sql("postgres", &["VACUUM"]).unwrap();
    pages_of_a_claim(&cluster)
}

/// Failure mode: plan: PostgreSQL with many tasks that limits do not let start | a claim reads as many pages as with few
pub(crate) fn a_claim_costs_the_same_however_many_tasks_wait_for_limits() {
    let (few, many) = (pages_next_to(200), pages_next_to(10_000));
    assert!(many <= few * MOST_RATIO, "{few} pages next to 200, {many} next to 10 000");
}

/// Pages that a claim of a task with a key looks at next to so many others, on a connection that had made its plans when
/// the server knew the tables to be empty.
fn pages_of_a_claim_by_key(others: usize) -> f64 {
    let cluster = cluster_with(0);
    let queue = open(&cluster);
    queue.set_limit("keys", Limit::concurrency(1).per_key()).unwrap();
    let claim = || queue.claim(&Claim::new(["job"])).unwrap().pop().unwrap();
    let of_key = |key| NewTask::new("job", []).limit("keys").key(format!("{key}"));
    queue.enqueue(of_key(CLAIMS)).unwrap();
    queue.complete(&claim()).unwrap();
    cluster.sql("postgres", &["VACUUM ANALYZE"]).unwrap();
    queue.enqueue(of_key(CLAIMS)).unwrap();
    queue.complete(&claim()).unwrap();
    let connected = connections(&cluster);
    let filled = open(&cluster);
    for _ in 0..others / 1000 {
        filled.enqueue_all((0..1000).map(|_| NewTask::new("other", []))).unwrap();
    }
    filled.enqueue_all((0..CLAIMS).map(of_key)).unwrap();
    drop(filled);
    let before = pages_of_closed(&cluster, connected);
    (0..CLAIMS).for_each(|_| drop(claim()));
    drop(queue);
    (pages(&cluster) - before) / f64::from(CLAIMS)
}

/// Failure mode: plan: PostgreSQL with many tasks ready that have come since a statement was planned | a claim of a task with a key reads as many pages as with few
pub(crate) fn a_claim_by_key_costs_the_same_however_many_others_have_come() {
    let (few, many) = (pages_of_a_claim_by_key(1_000), pages_of_a_claim_by_key(50_000));
    assert!(many <= few * MOST_RATIO, "{few} pages next to 1 000, {many} next to 50 000");
}

/// Tasks that are taken while an old transaction may still see them as ready.
const TAKEN: u32 = 40_000;
/// Ends the session that sleeps.
const END_OLD: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()";

/// Ends the old transaction, also where a check fails: its thread would be waited for otherwise.
struct EndOld<'a>(&'a Cluster);

impl Drop for EndOld<'_> {
    fn drop(&mut self) {
        _ = self.0.sql("postgres", &[END_OLD]);
    }
}

/// Has a transaction open that may still see all rows that are deleted meanwhile.
fn under_an_old_transaction(cluster: &Cluster, run: impl FnOnce()) {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM prismq.meta";
    let sleep = "SELECT pg_sleep(600)";
    std::thread::scope(|scope| {
        // It fails when it is ended, and would keep the connections from being closed.
        scope.spawn(|| cluster.sql("postgres", &[begin, sleep]));
        let _ended = EndOld(cluster);
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        let until = Instant::now() + Duration::from_secs(60);
        while cluster.sql("postgres", &[sleeps]).unwrap() != "1" {
            assert!(Instant::now() < until, "no old transaction");
        }
        run();
    });
}

/// A claim that would pass over this many deleted rows each time looks at all of their pages: about a hundred are on one.
fn most_pages(before: f64) -> f64 {
    before + f64::from(TAKEN) / 400.0
}

/// Failure mode: plan: PostgreSQL with an old transaction open | a claim passes over the deleted rows once in a while, not each time
pub(crate) fn a_claim_does_not_pass_over_deleted_rows_each_time() {
    let cluster = cluster_with(usize::try_from(TAKEN).unwrap() + 2_000);
    let before = pages_of_a_claim(&cluster);
    under_an_old_transaction(&cluster, || {
        let queue = open(&cluster);
        let many = Claim::new(["job"]).max(500);
        for _ in 0..TAKEN / 500 {
            assert_eq!(queue.claim(&many).unwrap().len(), 500);
        }
        drop(queue);
        let after = pages_of_a_claim(&cluster);
        assert!(after <= most_pages(before), "{before} pages before, {after} after {TAKEN} tasks");
    });
}

/// Failure mode: plan: PostgreSQL with an old transaction open, and a queue that is nearly empty | a claim that finds fewer tasks than it wants passes over the deleted rows once in a while, not each time
pub(crate) fn a_claim_of_a_nearly_empty_queue_does_not_pass_over_deleted_rows_each_time() {
    let cluster = cluster_with(usize::try_from(TAKEN).unwrap());
    // A task is enqueued, and a claim that wants more takes it.
    let pages_of_each = || {
        let before = pages(&cluster);
        let queue = open(&cluster);
        for _ in 0..CLAIMS {
            queue.enqueue(&NewTask::new("job", [])).unwrap();
            assert_eq!(queue.claim(&Claim::new(["job"]).max(10)).unwrap().len(), 1);
        }
        drop(queue);
        (pages(&cluster) - before) / f64::from(CLAIMS)
    };
    under_an_old_transaction(&cluster, || {
        let queue = open(&cluster);
        let many = Claim::new(["job"]).max(500);
        while !queue.claim(&many).unwrap().is_empty() {}
        drop(queue);
        let found = pages_of_each();
        assert!(found <= most_pages(0.0), "{found} pages after {TAKEN} tasks");
    });
}

/// Failure mode: plan: PostgreSQL with an old transaction open, and a pool that finds nothing now and then | claims that find nothing pass over the deleted rows once in a while, not each time
pub(crate) fn a_pool_that_finds_nothing_does_not_pass_over_deleted_rows_each_time() {
    let cluster = cluster_with(usize::try_from(TAKEN).unwrap());
    let pages_of_each = || {
        let before = pages(&cluster);
        let queue = open(&cluster);
        let (done, ended) = mpsc::channel();
        let pool = WorkerPool::builder(&queue)
            .workers(1)
            .handle_bytes("job", move |_, _| Ok(done.send(())?))
            .start()
            .unwrap();
        // Each has run before the next is enqueued: the pool claims in vain between most of them.
        for _ in 0..CLAIMS {
            queue.enqueue(&NewTask::new("job", [])).unwrap();
            ended.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        drop((pool, queue));
        (pages(&cluster) - before) / f64::from(CLAIMS)
    };
    under_an_old_transaction(&cluster, || {
        let queue = open(&cluster);
        let many = Claim::new(["job"]).max(500);
        while !queue.claim(&many).unwrap().is_empty() {}
        drop(queue);
        let found = pages_of_each();
        // Each looks several times, at 670 pages if none were spared. A slow machine takes longer for each, in which more
        // looks are due.
        assert!(found <= 3.0 * most_pages(0.0), "{found} pages after {TAKEN} tasks");
    });
}

/// Pages that a task looks at from its enqueue to its end, one after the other.
fn pages_of_a_task(cluster: &Cluster, new: impl Fn(u32) -> NewTask) -> f64 {
    let before = pages(cluster);
    let queue = open(cluster);
    for number in 0..CLAIMS {
        queue.enqueue(new(number)).unwrap();
        let lease = queue.claim(&Claim::new(["job"])).unwrap().pop().unwrap();
        queue.complete(&lease).unwrap();
    }
    drop(queue);
    (pages(cluster) - before) / f64::from(CLAIMS)
}

/// Failure mode: plan: PostgreSQL with an old transaction open, after a vacuum that removed nothing | statements find tasks by their ids, and do not read the whole index
pub(crate) fn a_task_is_found_by_its_id_after_a_vacuum_that_removed_nothing() {
    let cluster = cluster_with(usize::try_from(TAKEN).unwrap());
    under_an_old_transaction(&cluster, || {
        let queue = open(&cluster);
        let pool = WorkerPool::builder(&queue).workers(100).handle_bytes("job", |_, _| Ok(()));
        pool.run_until_empty().unwrap();
        queue.enqueue_all((0..10).map(|_| NewTask::new("late", []))).unwrap();
        drop(queue);
        // The table is large and has a few rows, by what the planner knows of it then.
        cluster.sql("postgres", &["VACUUM prismq.task", "ANALYZE prismq.task"]).unwrap();
        let found = pages_of_a_task(&cluster, |_| NewTask::new("job", []));
        assert!(found <= 2.0 * most_pages(0.0), "{found} pages after {TAKEN} tasks");
    });
}

/// Failure mode: plan: PostgreSQL with an old transaction open, and tasks that a limit counts | a task passes over deleted rows once in a while, not each time
pub(crate) fn a_task_under_a_limit_does_not_pass_over_deleted_rows_each_time() {
    let cluster = cluster_with(0);
    let rate = Limit::rate(10_000, Duration::from_secs(1)).burst(1000);
    open(&cluster).set_limit("api", Limit::concurrency(1000).and(rate)).unwrap();
    let new = |_| NewTask::new("job", []).limit("api");
    let before = pages_of_a_task(&cluster, new);
    under_an_old_transaction(&cluster, || {
        let queue = open(&cluster);
        for _ in 0..TAKEN / 1000 {
            queue.enqueue_all((0..1000).map(new)).unwrap();
        }
        let pool = WorkerPool::builder(&queue).workers(100).handle_bytes("job", |_, _| Ok(()));
        pool.run_until_empty().unwrap();
        drop(queue);
        // What is noted for each claim, of which the pool made few.
        let noted = "INSERT INTO prismq.arrival (limits, number, time)
            SELECT m.id, -i, 0 FROM prismq.limits m, generate_series(1, 100000) i";
        cluster.sql("postgres", &[noted, "DELETE FROM prismq.arrival WHERE number < 0"]).unwrap();
        let after = pages_of_a_task(&cluster, new);
        assert!(after <= most_pages(before), "{before} pages before, {after} after {TAKEN} tasks");
    });
}

/// Failure mode: plan: PostgreSQL with an old transaction open, and tasks with keys | a task passes over what asked for keys once in a while, not each time
pub(crate) fn a_task_with_a_key_does_not_pass_over_what_asked_for_keys_each_time() {
    let cluster = cluster_with(0);
    let new = |number| NewTask::new("job", []).key(format!("{}", number % 10));
    let before = pages_of_a_task(&cluster, new);
    under_an_old_transaction(&cluster, || {
        // Of turns before those that lines have.
        let asked = "INSERT INTO prismq.turn (lane, turn, line)
            SELECT l.id, -i, 0 FROM prismq.lane l, generate_series(1, 100000) i";
        cluster.sql("postgres", &[asked, "DELETE FROM prismq.turn WHERE turn < 0"]).unwrap();
        let after = pages_of_a_task(&cluster, new);
        // An enqueue, a claim and a completion would each read about 800 pages more.
        assert!(after <= before + 800.0, "{before} pages before, {after} after");
    });
}

/// Failure mode: plan: PostgreSQL with an old transaction open, and a queue in random order | a claim does not pass over what other claims have noted
pub(crate) fn a_claim_in_random_order_does_not_pass_over_what_others_have_noted() {
    let cluster = cluster_with(0);
    open(&cluster).set_order("default", Order::WeightedRandom).unwrap();
    let new = |_| NewTask::new("job", []);
    let before = pages_of_a_task(&cluster, new);
    under_an_old_transaction(&cluster, || {
        let noted = "INSERT INTO prismq.virtual_time (queue, number, time)
            SELECT q.id, -i, 0 FROM prismq.queue q, generate_series(1, 100000) i";
        cluster
            .sql("postgres", &[noted, "DELETE FROM prismq.virtual_time WHERE number < 0"])
            .unwrap();
        let after = pages_of_a_task(&cluster, new);
        assert!(after <= 2.0 * before, "{before} pages before, {after} after");
    });
}

/// Failure mode: plan: PostgreSQL with an old transaction open, after delayed tasks | a claim passes over what was due before once in a while, not each time
pub(crate) fn a_claim_does_not_pass_over_what_was_due_each_time() {
    let cluster = cluster_with(1_000);
    let before = pages_of_a_claim(&cluster);
    under_an_old_transaction(&cluster, || {
        let queue = open(&cluster);
        let late = || NewTask::new("late", []).delay(Duration::from_millis(1));
        for _ in 0..TAKEN / 1000 {
            queue.enqueue_all((0..1000).map(|_| late())).unwrap();
        }
        let until = Instant::now() + Duration::from_secs(60);
        let mut taken = 0;
        while taken < usize::try_from(TAKEN).unwrap() {
            taken += queue.claim(&Claim::new(["late"]).max(1000)).unwrap().len();
            assert!(Instant::now() < until, "{taken} of {TAKEN} tasks became due");
        }
        drop(queue);
        let after = pages_of_a_claim(&cluster);
        assert!(after <= most_pages(before), "{before} pages before, {after} after {TAKEN} tasks");
    });
}

/// Rows like those of claims whose leases have expired and whose tasks are gone, ten milliseconds apart.
fn add_hints(cluster: &Cluster, hints: u32, seconds_ago: u32) {
    let add = format!(
        "INSERT INTO prismq.expiry (at, ids)
         SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - {seconds_ago} * 1000000 + 10000 * i, '{{0}}'
         FROM generate_series(1, {hints}) i"
    );
    cluster.sql("postgres", &[&add]).unwrap();
}

/// Pages that a claim of one task looks at while leases expire, and an old transaction may see so many that did before.
fn pages_while_leases_expire(expired: u32) -> f64 {
    let cluster = cluster_with(1_000);
    let mut pages = 0.0;
    under_an_old_transaction(&cluster, || {
        add_hints(&cluster, expired, 1_000);
        cluster.sql("postgres", &["DELETE FROM prismq.expiry"]).unwrap();
        // More than the claims look at, 64 each.
        add_hints(&cluster, 100 * CLAIMS, 500);
        pages = pages_of_a_claim(&cluster);
    });
    pages
}

/// Failure mode: plan: PostgreSQL with an old transaction open, while leases expire | a claim passes over what expired before once in a while, not each time
pub(crate) fn a_claim_does_not_pass_over_what_expired_before_each_time() {
    let (few, many) = (pages_while_leases_expire(100), pages_while_leases_expire(TAKEN));
    assert!(many <= most_pages(few), "{few} pages before, {many} after {TAKEN} leases");
}

/// Failure mode: plan: PostgreSQL with an old transaction open, after rows of the inbox | once a second has shown which rows are gone, a claim does not pass over them each time
pub(crate) fn a_claim_does_not_pass_over_rows_of_the_inbox_that_are_gone_each_time() {
    let cluster = cluster_with(0);
    under_an_old_transaction(&cluster, || {
        let add = "INSERT INTO prismq.prismq_inbox (type, payload) SELECT 'other', '' FROM generate_series(1, 40000)";
        cluster.sql("postgres", &[add, "DELETE FROM prismq.prismq_inbox"]).unwrap();
        let (before, mut claims) = (pages(&cluster), 0);
        let queue = open(&cluster);
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until {
            assert_eq!(queue.claim(&Claim::new(["job"])).unwrap().len(), 0);
            claims += 1;
        }
        drop(queue);
        let of_each = (pages(&cluster) - before) / f64::from(claims);
        // Those of the first second pass over them all, which is 450 pages.
        assert!(of_each <= 200.0, "{of_each} pages for each of {claims} claims");
    });
}
