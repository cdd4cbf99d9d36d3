//! Moving a queue from a file to the server: all of it arrives, or it is said what is in the way.

use std::time::Duration;

use prismq::postgres::{cancel_migration, migrate};
use prismq::{
    Claim, Error, Keep, MigrationError, NewTask, Order, Queue, Retention, RetryPolicy, TaskError,
    TaskId, TaskInfo, Timestamp, Unique, WorkerPool,
};
use rusqlite::Connection;

use crate::support::{add, cluster, file, file_of, queue, url};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// By how much a time may differ that is converted twice between two clocks.
const CLOCKS_APART: Duration = Duration::from_secs(3);

/// Ids of tasks in all states, with all that tasks can have, in several queues.
pub(super) fn fill(queue: &Queue) -> Vec<TaskId> {
    queue.set_order("aged", Order::Ageing { step: Duration::from_secs(60) }).unwrap();
    queue.set_order("drawn", Order::WeightedRandom).unwrap();
    queue.set_depth_limit("mail", 5000).unwrap();
    queue.set_retry("mail", RetryPolicy::fixed(Duration::from_secs(7))).unwrap();
    let retention = Retention {
        completed: Keep::last(50),
        cancelled: Keep::ALL.for_at_most(HOUR),
        dead: Keep::last(500).for_at_most(24 * HOUR),
    };
    queue.set_retention("mail", retention).unwrap();
    queue.set_type_retention("kept", Some(HOUR)).unwrap();
    let mut ids = Vec::new();
    let mut enqueue = |task: NewTask| {
        let id = queue.enqueue(task.queue("mail")).unwrap().id();
        ids.push(id);
        id
    };
    for payload in [b"done".as_slice(), b"dies", b"again"] {
        enqueue(NewTask::new("mail", payload).max_attempts(3));
    }
    // What it notes is in the file while its handler waits for another attempt.
    WorkerPool::builder(queue)
        .queue("mail")
        .workers(1)
        .handle_bytes("mail", |payload, context| {
            context.log("a line with \0 in it");
            context.progress(0.5, "half");
            context.checkpoint_bytes(*b"at 3")?;
            match &*payload {
                b"done" => Ok(context.set_result(*b"fine")?),
                b"dies" => Err(TaskError::permanent("never\0")),
                _ => Err(TaskError::new("later").retry_after(HOUR)),
            }
        })
        .run_until_empty()
        .unwrap();
    enqueue(NewTask::new("mail", vec![7; 200_000]).priority(-3));
    enqueue(NewTask::new("mail", []).delay(HOUR).priority(9).requires(["gpu", "fast"]));
    enqueue(NewTask::new("mail", *b"soon").expires_after(HOUR));
    enqueue(NewTask::new("mail", *b"one").unique(Unique::key("text")));
    enqueue(NewTask::new("mail", *b"two").unique(Unique::payload().for_period(HOUR)));
    let cancelled = enqueue(NewTask::new("mail", *b"not wanted"));
    queue.cancel(cancelled).unwrap();
    let cancelled = enqueue(NewTask::new("kept", *b"by its type"));
    queue.cancel(cancelled).unwrap();
    enqueue(NewTask::new("kept", *b"done"));
    let lease = queue.claim(&Claim::new(["kept"]).queue("mail")).unwrap().remove(0);
    queue.complete_with(&lease, *b"result").unwrap();
    for (queue_name, priority) in [("aged", 5), ("aged", 1), ("drawn", 0), ("drawn", 50)] {
        let task = NewTask::new("job", *b"x").queue(queue_name).priority(priority);
        ids.push(queue.enqueue(task).unwrap().id());
    }
    queue.pause("drawn").unwrap();
    ids
}

/// A task without what the server's clock may show otherwise, and those times.
fn described(queue: &Queue, id: TaskId) -> (TaskInfo, [Option<Timestamp>; 3]) {
    let mut task = queue.task(id).unwrap().unwrap();
    let times = [Some(task.run_at), task.start_by.take(), task.died_at.take()];
    task.run_at = Timestamp::from_micros(0);
    (task, times)
}

/// The text as a server stores it.
fn stored(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) fn everything_arrives_with_its_ids() {
    let cluster = cluster(&[]);
    let (_folder, path) = file();
    let source = Queue::open(&path).unwrap();
    let ids = fill(&source);
    add(&source, 10_000);
    let before: Vec<_> = ids.iter().map(|id| described(&source, *id)).collect();
    let (queues, types) = (source.queues().unwrap(), source.types().unwrap());
    let policies = source.retry_policies().unwrap();
    drop(source);

    let report = migrate(&path, &url(&cluster)).unwrap();
    assert_eq!((report.tasks, report.resumed), (10_000 + ids.len() as u64, false));
    let target = queue(&url(&cluster));
    assert_eq!(target.queues().unwrap(), queues);
    assert_eq!(target.types().unwrap(), types);
    assert_eq!(format!("{:?}", target.retry_policies().unwrap()), format!("{policies:?}"));
    for (id, (mut task, times)) in ids.iter().zip(before) {
        task.error = task.error.map(|text| stored(&text));
        task.attempts.iter_mut().for_each(|attempt| attempt.error = stored(&attempt.error));
        task.log.iter_mut().for_each(|line| line.text = stored(&line.text));
        let (moved, moved_times) = described(&target, *id);
        assert_eq!(moved, task);
        for (was, is) in times.into_iter().zip(moved_times) {
            assert_eq!(was.is_some(), is.is_some(), "{task:?}");
            let (was, is) = (was.unwrap_or_default(), is.unwrap_or_default());
            assert!(
                was.since(is) < CLOCKS_APART && is.since(was) < CLOCKS_APART,
                "{was} {is} {task:?}"
            );
        }
    }
    let later = target.enqueue(NewTask::new("job", [])).unwrap().id();
    assert!(ids.iter().all(|id| *id < later));
    // What decided what runs first, what is refused as the same and what ran out still does.
    let first = target.claim(&Claim::new(["job"]).queue("aged")).unwrap().remove(0);
    assert_eq!(first.priority(), 1);
    let again = NewTask::new("mail", *b"other").queue("mail").unique(Unique::key("text"));
    assert!(!target.enqueue(again).unwrap().is_new());
    let dead = target.tasks().queue("mail").dead();
    assert_eq!((dead.count().unwrap(), dead.redrive().unwrap()), (1, 1));
    let report = WorkerPool::builder(&target).handle_bytes("job", |_, _| Ok(())).run_until_empty();
    assert_eq!(report.unwrap().stats.completed, 10_001);
}

pub(crate) fn a_file_that_was_moved_refuses_everyone() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(1);
    let url = format!("{}&password=secret", url(&cluster));
    let open = Queue::open(&path).unwrap();
    let application = Connection::open(&path).unwrap();
    migrate(&path, &url).unwrap();
    let refused = |error: Error| {
        assert!(
            matches!(&error, Error::Migration { reason: MigrationError::Moved { .. } }),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains("/postgres, schema prismq") && !text.contains("secret"), "{text}");
    };
    refused(open.enqueue(NewTask::new("job", [])).unwrap_err());
    refused(open.claim(&Claim::new(["job"])).unwrap_err());
    refused(open.pause("default").unwrap_err());
    refused(Queue::open(&path).unwrap_err());
    let insert = "INSERT INTO prismq_inbox (type, payload) VALUES ('job', '')";
    let error = application.execute(insert, []).unwrap_err();
    assert!(error.to_string().contains("was moved"), "{error}");
    application.execute_batch("BEGIN IMMEDIATE").unwrap();
    refused(
        prismq::sqlite::enqueue_in(&open, &application, [NewTask::new("job", [])]).unwrap_err(),
    );
    // The same again is done already; to another place it is refused.
    assert!(migrate(&path, &url).unwrap().resumed);
    refused(migrate(&path, &format!("{url}&schema=other")).unwrap_err());
    refused(cancel_migration(&path).unwrap_err());
}

pub(crate) fn workers_that_hold_tasks_keep_a_file_from_being_moved() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(2);
    let source = Queue::open(&path).unwrap();
    let lease = source.claim(&Claim::new(["job"])).unwrap().remove(0);
    let error = migrate(&path, &url(&cluster)).unwrap_err();
    let Error::Migration { reason: MigrationError::LeasesHeld { leases: 1, .. } } = error else {
        panic!("{error}");
    };
    source.release(&lease).unwrap();
    // A lease that has expired holds nothing: its task is given back, as by the next claim.
    source.claim(&Claim::new(["job"])).unwrap();
    let application = Connection::open(&path).unwrap();
    application
        .execute_batch("UPDATE prismq_task SET lease_expires_at = 1 WHERE state = 2")
        .unwrap();
    migrate(&path, &url(&cluster)).unwrap();
    let stats = queue(&url(&cluster)).stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased, stats.reclaimed), (2, 0, 1));
}

pub(crate) fn rows_of_the_inbox_become_tasks_before() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(1);
    let source = Queue::open(&path).unwrap();
    let application = Connection::open(&path).unwrap();
    let insert = "INSERT INTO prismq_inbox (type, payload, limit_name) VALUES ('job', 'x', ?1)";
    application.execute(insert, [None::<&str>]).unwrap();
    application.execute(insert, [Some("unknown")]).unwrap();
    let error = migrate(&path, &url(&cluster)).unwrap_err();
    let Error::Migration { reason: MigrationError::InboxNotEmpty { rows: 1, .. } } = error else {
        panic!("{error}");
    };
    application.execute("DELETE FROM prismq_inbox", []).unwrap();
    assert_eq!(migrate(&path, &url(&cluster)).unwrap().tasks, 2);
    drop(source);
}

pub(crate) fn rows_of_the_inbox_of_the_server_are_kept() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(1);
    drop(queue(&url(&cluster)));
    let insert = "INSERT INTO prismq.prismq_inbox (type, payload) VALUES ('job', 'of the server')";
    cluster.sql("postgres", &[insert]).unwrap();
    assert_eq!(migrate(&path, &url(&cluster)).unwrap().tasks, 1);
    let leases = queue(&url(&cluster)).claim(&Claim::new(["job"]).max(9)).unwrap();
    let payloads: Vec<_> = leases.iter().map(prismq::Lease::payload).collect();
    assert_eq!(payloads, [b"payload".as_slice(), b"of the server"]);
}

pub(crate) fn a_schema_that_holds_a_queue_is_refused() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(1);
    queue(&url(&cluster)).enqueue(NewTask::new("job", [])).unwrap();
    let error = migrate(&path, &url(&cluster)).unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.contains("?schema=")),
        "{error}"
    );
    Queue::open(&path).unwrap();
    let other = format!("{}&schema=other", url(&cluster));
    migrate(&path, &other).unwrap();
    assert_eq!(queue(&other).stats("default").unwrap().ready, 1);
}
