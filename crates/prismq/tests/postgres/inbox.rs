//! Rows of `prismq_inbox` that are inserted by plain SQL.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::limits::QUEUES_MAX;
use prismq::{Claim, Lease, Limit, NewTask, Order, Queue, State, Unique, WorkerPool};
use prismq_cluster::Cluster;

use crate::support::{DEADLINE, cluster, queue, url, wait_for};

const INSERT: &str = "INSERT INTO prismq.prismq_inbox (type, payload) VALUES";

fn sql(cluster: &Cluster, sql: &str) -> String {
    cluster.sql("postgres", &[sql]).unwrap()
}

/// How many rows there are, and how many of them are held and refused.
fn rows(cluster: &Cluster) -> String {
    sql(
        cluster,
        "SELECT count(*), count(*) FILTER (WHERE held), count(error) FROM prismq.prismq_inbox",
    )
}

fn claim(queue: &Queue) -> Vec<Lease> {
    queue.claim(&Claim::new(["job"]).max(9)).unwrap()
}

fn payloads(leases: &[Lease]) -> Vec<&str> {
    leases.iter().map(|lease| std::str::from_utf8(lease.payload()).unwrap()).collect()
}

pub(crate) fn a_row_becomes_the_task_that_it_describes() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    cluster.sql("postgres", &["CREATE ROLE app LOGIN"]).unwrap();
    let rights = "GRANT USAGE ON SCHEMA prismq TO app; GRANT INSERT ON prismq.prismq_inbox TO app";
    sql(&cluster, rights);
    sql(
        &cluster,
        &format!("SET ROLE app; {INSERT} ('job', convert_to('{{\"user\":\"ä\\n\"}}', 'UTF8'))"),
    );
    sql(
        &cluster,
        "INSERT INTO prismq.prismq_inbox (type, payload, queue, priority, run_at, unique_key) VALUES
             ('job', '\\x00ff', 'mail', 7, '2020-01-01T09:00:00+01:00', NULL),
             ('job', 'first', 'mail', -5, now() - interval '1 hour', 'k'),
             ('job', 'later', 'mail', 0, now() + interval '1 hour', NULL)",
    );
    let leases = claim(&queue);
    assert_eq!(payloads(&leases), ["{\"user\":\"ä\\n\"}"]);
    assert_eq!((leases[0].priority(), leases[0].attempt()), (100, 1));
    let leases = queue.claim(&Claim::new(["job"]).queue("mail").max(9)).unwrap();
    let found: Vec<_> = leases.iter().map(|lease| (lease.priority(), lease.payload())).collect();
    assert_eq!(found, [(-5, b"first".as_slice()), (7, &[0, 255])]);
    let scheduled = queue.tasks().queue("mail").state(State::Scheduled).list(9, None).unwrap();
    assert_eq!(scheduled.tasks.len(), 1);
    assert_eq!(rows(&cluster), "0|0|0");
    assert_eq!(
        queue
            .enqueue(NewTask::new("job", *b"first").queue("mail").unique(Unique::key("k")))
            .unwrap()
            .id(),
        leases[0].id()
    );
}

pub(crate) fn a_row_exists_for_claims_with_its_commit_and_wakes_an_idle_pool() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let (send, payloads) = channel();
    let _pool = WorkerPool::builder(&queue)
        .workers(1)
        .handle_bytes("job", move |payload, _| {
            send.send(payload.to_vec()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    wait_for("the pool is idle", || queue.contention().empty_claims > 0);
    sql(&cluster, &format!("BEGIN; {INSERT} ('job', 'rolled back'); ROLLBACK"));
    sql(&cluster, &format!("BEGIN; {INSERT} ('job', 'committed'); COMMIT"));
    assert_eq!(payloads.recv_timeout(DEADLINE).unwrap(), b"committed");
    wait_for("the task is done", || queue.stats("default").unwrap().completed == 1);
    assert_eq!(queue.stats("default").unwrap().enqueued, 1);
}

pub(crate) fn a_row_that_can_be_no_task_is_refused_or_kept_with_the_reason() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    for (row, reason) in [
        ("('', '')", "type must have 1 to 128 bytes"),
        ("(E'a\\u0007', '')", "no control characters"),
        ("('job', NULL)", "payload"),
    ] {
        let error = cluster.sql("postgres", &[&format!("{INSERT} {row}")]).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let holder = queue.enqueue(NewTask::new("job", *b"held").unique(Unique::key("k"))).unwrap();
    let unique = "INSERT INTO prismq.prismq_inbox (type, payload, unique_key) VALUES";
    sql(&cluster, &format!("{unique} ('job', 'another', 'k'), ('job', 'held', 'k')"));
    sql(&cluster, &format!("{INSERT} ('job', 'after')"));
    let leases = claim(&queue);
    assert_eq!(payloads(&leases), ["held", "after"]);
    assert_eq!(rows(&cluster), "1|0|1");
    let error = sql(&cluster, "SELECT error FROM prismq.prismq_inbox");
    assert!(error.contains(&format!("task {} holds it", holder.id())), "{error}");
    queue.complete(&leases[0]).unwrap();
    assert!(claim(&queue).is_empty(), "it waits for whoever mends it");
    sql(&cluster, "UPDATE prismq.prismq_inbox SET error = NULL");
    assert_eq!(payloads(&claim(&queue)), ["another"]);
    assert_eq!(rows(&cluster), "0|0|0");
}

pub(crate) fn a_time_that_cannot_be_counted_is_refused_and_keeps_no_claim_waiting() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    sql(
        &cluster,
        "INSERT INTO prismq.prismq_inbox (type, payload, run_at) VALUES
             ('job', 'never', '294276-12-31'), ('job', 'long ago', '4713-01-01 BC')",
    );
    assert_eq!(payloads(&claim(&queue)), ["long ago"]);
    assert_eq!(rows(&cluster), "1|0|1");
}

pub(crate) fn rows_of_a_full_queue_wait_and_are_in_nobodys_way() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_depth_limit("default", 1).unwrap();
    sql(&cluster, &format!("{INSERT} ('job', 'a'), ('job', 'b'), ('job', 'c')"));
    let other =
        "INSERT INTO prismq.prismq_inbox (type, payload, queue) VALUES ('job', 'other', 'other')";
    sql(&cluster, other);
    let first = claim(&queue);
    assert_eq!(payloads(&first), ["a"]);
    assert_eq!(rows(&cluster), "2|2|0");
    let others = queue.claim(&Claim::new(["job"]).queue("other").max(9)).unwrap();
    assert_eq!(payloads(&others), ["other"]);
    assert!(claim(&queue).is_empty());
    queue.complete(&first[0]).unwrap();
    let second = claim(&queue);
    assert_eq!(payloads(&second), ["b"]);
    queue.set_depth_limit("default", None).unwrap();
    assert_eq!(payloads(&claim(&queue)), ["c"]);
    assert_eq!(rows(&cluster), "0|0|0");
}

pub(crate) fn rows_of_a_limit_start_one_after_the_other_also_by_key() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_order("default", Order::FirstInFirstOut).unwrap();
    queue.set_limit("api", Limit::concurrency(1)).unwrap();
    queue.set_limit("each", Limit::concurrency(1).per_key()).unwrap();
    sql(
        &cluster,
        "INSERT INTO prismq.prismq_inbox (type, payload, priority, limit_name, key) VALUES
             ('job', 'a', 9, 'api', NULL), ('job', 'b', 1, 'api', NULL),
             ('job', 'c', 9, 'each', 'k'), ('job', 'd', 1, 'each', 'k'), ('job', 'e', 1, 'each', 'l'),
             ('job', 'unknown', 1, 'none', NULL)",
    );
    let sorted = |leases: &[Lease]| {
        let mut found: Vec<_> = payloads(leases).into_iter().map(str::to_owned).collect();
        found.sort_unstable();
        found
    };
    let first = claim(&queue);
    assert_eq!(sorted(&first), ["a", "c", "e"]);
    assert_eq!(rows(&cluster), "1|0|1");
    let error = sql(&cluster, "SELECT error FROM prismq.prismq_inbox");
    assert!(error.contains("none"), "{error}");
    assert!(claim(&queue).is_empty());
    for lease in &first {
        queue.complete(lease).unwrap();
    }
    assert_eq!(sorted(&claim(&queue)), ["b", "d"]);
    queue.set_limit("none", Limit::unlimited()).unwrap();
    sql(&cluster, "UPDATE prismq.prismq_inbox SET error = NULL");
    assert_eq!(payloads(&claim(&queue)), ["unknown"]);
    assert_eq!(rows(&cluster), "0|0|0");
}

pub(crate) fn rows_of_a_key_that_are_held_are_admitted_in_their_order() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_limit("each", Limit::concurrency(1).per_key()).unwrap();
    queue.set_depth_limit("default", 1).unwrap();
    sql(
        &cluster,
        "INSERT INTO prismq.prismq_inbox (type, payload, limit_name, key) VALUES
             ('job', 'a', 'each', 'k'), ('job', 'b', 'each', 'k'), ('job', 'c', 'each', 'k')",
    );
    let first = claim(&queue);
    assert_eq!(payloads(&first), ["a"]);
    assert_eq!(rows(&cluster), "2|2|0");
    queue.set_depth_limit("default", None).unwrap();
    assert!(claim(&queue).is_empty(), "a task of the key runs");
    assert_eq!(rows(&cluster), "0|0|0");
    queue.complete(&first[0]).unwrap();
    let second = claim(&queue);
    assert_eq!(payloads(&second), ["b"]);
    queue.complete(&second[0]).unwrap();
    assert_eq!(payloads(&claim(&queue)), ["c"]);
}

pub(crate) fn more_rows_than_a_transaction_moves_are_all_taken_in() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    let many = "INSERT INTO prismq.prismq_inbox (type, payload)
        SELECT 'job', convert_to(n::text, 'UTF8') FROM generate_series(1, 2000) n";
    sql(&cluster, many);
    // Others take in meanwhile.
    let done = std::thread::scope(|scope| {
        let drain = || {
            let claim = Claim::new(["job"]).max(500).lease(Duration::from_secs(600));
            let mut done = Vec::new();
            wait_for("no row is left", || {
                for lease in queue.claim(&claim).unwrap() {
                    done.push(String::from_utf8(lease.payload().to_vec()).unwrap());
                    queue.complete(&lease).unwrap();
                }
                rows(&cluster) == "0|0|0" && queue.stats("default").unwrap().ready == 0
            });
            done
        };
        let threads = [scope.spawn(drain), scope.spawn(drain)];
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    let mut numbers: Vec<u32> = done.iter().map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2000).collect::<Vec<_>>());
}

pub(crate) fn a_row_without_room_for_its_queue_is_in_nobodys_way() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    let full = (0..QUEUES_MAX).map(|number| NewTask::new("job", []).queue(format!("q{number}")));
    queue.enqueue_all(full).unwrap();
    let rows_of_both = "INSERT INTO prismq.prismq_inbox (type, payload, queue)
        VALUES ('job', 'refused', 'new'), ('job', 'taken', 'q0')";
    sql(&cluster, rows_of_both);
    let leases = queue.claim(&Claim::new(["job"]).queue("q0").max(9)).unwrap();
    assert_eq!(payloads(&leases), ["", "taken"]);
    assert_eq!(rows(&cluster), "1|0|1");
    assert_eq!(queue.tasks().queue("q1").delete().unwrap(), 1);
    sql(&cluster, "UPDATE prismq.prismq_inbox SET error = NULL");
    let leases = queue.claim(&Claim::new(["job"]).queue("new")).unwrap();
    assert_eq!(payloads(&leases), ["refused"]);
}
