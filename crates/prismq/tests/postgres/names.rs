//! Queues and types that hold nothing make room for others.

use std::thread;
use std::time::Duration;

use prismq::limits::{QUEUES_MAX, TASK_TYPES_MAX};
use prismq::{Claim, Error, NewTask, Queue};
use prismq_cluster::Cluster;

use crate::support::{cluster, end_sessions, queue, task, url};

fn is_full<T>(answer: &prismq::Result<T>) -> bool {
    matches!(answer, Err(Error::TooManyNames { .. }))
}

fn name(number: u32) -> String {
    format!("q{number}")
}

fn delete(queue: &Queue, name: &str) {
    assert_eq!(queue.tasks().queue(name).delete().unwrap(), 1, "{name}");
}

pub(crate) fn a_queue_that_holds_nothing_makes_room() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    queue.enqueue_all((0..QUEUES_MAX).map(|number| task().queue(name(number)))).unwrap();
    // It has read the names, and how a queue is set, and does not hear of what becomes of them.
    let stale = crate::support::queue(&url(&cluster));
    (0..2).for_each(|_| drop(stale.enqueue(task().queue("q3")).unwrap()));
    assert_eq!(queue.tasks().queue("q3").delete().unwrap(), 3);
    queue.enqueue(task().queue("q3")).unwrap();
    queue.pause("q5").unwrap();
    assert!(is_full(&queue.enqueue(task().queue("new"))));
    assert!(is_full(&queue.pause("new")));
    (3..=5).for_each(|number| delete(&queue, &name(number)));
    queue.enqueue(task().queue("new")).unwrap();
    queue.pause("another").unwrap();
    assert!(is_full(&queue.enqueue(task().queue("third"))));
    let names: Vec<String> = queue.queues().unwrap().into_iter().map(|queue| queue.name).collect();
    assert_eq!(names.len(), 1024);
    assert!(!names.contains(&name(3)) && !names.contains(&name(4)));
    assert!(queue.stats("q5").unwrap().paused, "it is set");
    // All others still hold their tasks.
    assert_eq!(queue.tasks().ready().count().unwrap(), u64::from(QUEUES_MAX) - 2);
    assert!(is_full(&stale.enqueue(task().queue("q3"))));
    delete(&queue, "q7");
    let again = stale.enqueue(task().queue("q3")).unwrap();
    let claim = |name: &str| queue.claim(&Claim::new(["job"]).queue(name)).unwrap();
    assert_eq!(claim("q3")[0].id(), again.id());
    assert_eq!(claim("q8").len(), 1);
    assert!(claim("q7").is_empty());
}

pub(crate) fn a_type_that_holds_nothing_makes_room() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    let of_type = |number: u32| NewTask::new(format!("t{number}"), []);
    queue.enqueue_all((0..TASK_TYPES_MAX).map(of_type)).unwrap();
    let stale = crate::support::queue(&url(&cluster));
    assert!(is_full(&queue.enqueue(of_type(TASK_TYPES_MAX))));
    let lease = queue.claim(&Claim::new(["t1"])).unwrap().remove(0);
    queue.complete(&queue.claim(&Claim::new(["t2"])).unwrap().remove(0)).unwrap();
    queue.enqueue(of_type(TASK_TYPES_MAX)).unwrap();
    assert!(is_full(&stale.enqueue(of_type(2))));
    queue.complete(&lease).unwrap();
    stale.enqueue(of_type(2)).unwrap();
    assert_eq!(queue.claim(&Claim::new(["t2"])).unwrap().len(), 1);
    assert_eq!(queue.types().unwrap().len(), 4096);
    assert_eq!(queue.stats("default").unwrap().ready, 4095);
}

/// What is refused for another reason frees no names: that locks other clients out for a moment.
pub(crate) fn a_limit_that_is_not_set_frees_no_names() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    queue.enqueue(task().queue("unused")).unwrap();
    delete(&queue, "unused");
    let refused = queue.enqueue(task().limit("not set"));
    assert!(matches!(refused, Err(Error::UnknownLimit { .. })), "{refused:?}");
    let names: Vec<String> = queue.queues().unwrap().into_iter().map(|queue| queue.name).collect();
    assert!(names.contains(&"unused".to_owned()), "{names:?}");
}

/// A name is added, used and freed by several clients, each of which knows the names of a moment ago.
pub(crate) fn no_task_is_lost_where_its_queue_is_freed() {
    const CLIENTS: u32 = 3;
    const TASKS: u32 = 40;
    let cluster = cluster(&["fsync=off"]);
    let first = queue(&url(&cluster));
    // One spare name for each client.
    first.enqueue_all((CLIENTS..QUEUES_MAX).map(|number| task().queue(name(number)))).unwrap();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (cluster, queue) = (&cluster, &queue);
            scope.spawn(move || {
                let own = queue(&url(cluster));
                for number in 0..TASKS {
                    let name = format!("{client} {}", number % 7);
                    // Another client may have taken the room that this one made.
                    let enqueued = loop {
                        let enqueued = own.enqueue(task().queue(name.as_str()));
                        if !is_full(&enqueued) {
                            break enqueued.unwrap();
                        }
                    };
                    let leases = own.claim(&Claim::new(["job"]).queue(name.as_str())).unwrap();
                    assert_eq!(leases[0].id(), enqueued.id());
                    own.complete(&leases[0]).unwrap();
                }
            });
        }
    });
    let stored =
        "SELECT count(*), count(l.id) FROM prismq.task t LEFT JOIN prismq.lane l ON l.id = t.lane";
    let left = QUEUES_MAX - CLIENTS;
    assert_eq!(cluster.sql("postgres", &[stored]).unwrap(), format!("{left}|{left}"));
    assert_eq!(first.tasks().ready().count().unwrap(), u64::from(left));
}

/// What a server does that lacks the last types, and gives their numbers to others then.
pub(crate) const LOSE: &str = "DELETE FROM prismq.lane; ALTER SEQUENCE prismq.lane_id_seq RESTART;
     UPDATE prismq.meta SET last_lane = 0";

/// Has the server lose the types that were added, as after a failover to a standby that had not received them.
pub(crate) fn lose_types(cluster: &mut Cluster) {
    cluster.sql("postgres", &[LOSE, "CHECKPOINT"]).unwrap();
    cluster.restart().unwrap();
    queue(&url(cluster)).enqueue(NewTask::new("other", [])).unwrap();
}

/// The server goes on.
pub(crate) fn a_type_that_a_restored_database_lacks_is_added_again() {
    // Types may have been freed since.
    for freed in ["SELECT", "UPDATE prismq.meta SET names_freed = 1, settings = settings + 1"] {
        let cluster = cluster(&[]);
        let queue = queue(&url(&cluster));
        cluster.sql("postgres", &[freed]).unwrap();
        (0..2).for_each(|_| drop(queue.enqueue(task()).unwrap()));
        queue.tasks().delete().unwrap();
        cluster.sql("postgres", &[LOSE, "UPDATE prismq.meta SET names_freed = 0"]).unwrap();
        end_sessions(&cluster, "prismq");
        let other = crate::support::queue(&url(&cluster));
        other.enqueue(NewTask::new("other", [])).unwrap();
        let id = queue.enqueue(task()).unwrap().id();
        assert_eq!(other.claim(&Claim::new(["job"])).unwrap()[0].id(), id);
        assert_eq!(queue.claim(&Claim::new(["other"])).unwrap().len(), 1);
    }
}

pub(crate) fn a_type_that_the_server_has_lost_is_added_again() {
    let mut cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    (0..2).for_each(|_| drop(queue.enqueue(task()).unwrap()));
    queue.tasks().delete().unwrap();
    lose_types(&mut cluster);
    let id = queue.enqueue(task()).unwrap().id();
    let other = crate::support::queue(&url(&cluster));
    assert_eq!(other.claim(&Claim::new(["job"])).unwrap()[0].id(), id);
    assert_eq!(queue.claim(&Claim::new(["other"])).unwrap().len(), 1);
}

/// Others go on.
pub(crate) fn a_task_whose_type_was_lost_keeps_no_claim_from_other_tasks() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let id = queue.enqueue(task().delay(Duration::from_secs(3600))).unwrap().id();
    let orphan = format!(
        "WITH t AS (UPDATE prismq.task SET lane = 99 WHERE id = {id})
         UPDATE prismq.scheduled SET run_at = 1 WHERE id = {id}"
    );
    cluster.sql("postgres", &[&orphan]).unwrap();
    let other = queue.enqueue(task()).unwrap().id();
    assert_eq!(queue.claim(&Claim::new(["job"])).unwrap()[0].id(), other);
    assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
}
