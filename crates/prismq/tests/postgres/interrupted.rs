//! A migration from a file that is interrupted: it goes on where it stopped, or is given up, and no task is lost or doubled.

use std::env;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;

use prismq::postgres::{cancel_migration, migrate};
use prismq::{Claim, Error, MigrationError, NewTask, Queue};
use prismq_cluster::Cluster;

use crate::support::{cluster, file_of, queue, url, wait_for};

/// What a child of this program is to move, and where.
const MOVE: &str = "PRISMQ_TEST_MOVE";

/// Lets the server refuse the task of this id, as if it failed there.
fn refuse_task(cluster: &Cluster, id: u32) {
    let function = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'";
    let trigger = format!(
        "CREATE TRIGGER fail BEFORE INSERT ON prismq.task FOR EACH ROW WHEN (NEW.id = {id}) EXECUTE FUNCTION fail()"
    );
    cluster.sql("postgres", &[function, &trigger]).unwrap();
}

/// A migration that has failed half-way.
fn interrupted(cluster: &Cluster, path: &Path) {
    drop(queue(&url(cluster)));
    refuse_task(cluster, 5000);
    let error = migrate(path, &url(cluster)).unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    cluster.sql("postgres", &["DROP TRIGGER fail ON prismq.task"]).unwrap();
}

pub(crate) fn neither_side_can_be_used_while_a_migration_is_interrupted() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    interrupted(&cluster, &path);
    let error = Queue::open(&path).unwrap_err();
    assert!(
        matches!(&error, Error::Migration { reason: MigrationError::InProgress { .. } }),
        "{error}"
    );
    let error = Queue::connect(&url(&cluster)).unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.contains("is being moved")),
        "{error}"
    );
    let report = migrate(&path, &url(&cluster)).unwrap();
    assert_eq!((report.tasks, report.resumed), (6000, true));
    assert_eq!(queue(&url(&cluster)).stats("default").unwrap().ready, 6000);
}

pub(crate) fn a_migration_that_was_cancelled_begins_anew() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    interrupted(&cluster, &path);
    cancel_migration(&path).unwrap();
    let source = Queue::open(&path).unwrap();
    let lease = source.claim(&Claim::new(["job"])).unwrap().remove(0);
    source.complete(&lease).unwrap();
    source.enqueue(NewTask::new("other", [])).unwrap();
    drop(source);
    let report = migrate(&path, &url(&cluster)).unwrap();
    assert_eq!((report.tasks, report.resumed), (6000, false));
    let stats = queue(&url(&cluster)).stats("default").unwrap();
    assert_eq!((stats.ready, stats.enqueued, stats.completed), (6000, 6001, 1));
}

pub(crate) fn a_copy_that_others_write_to_is_not_used() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    let other = queue(&url(&cluster));
    interrupted(&cluster, &path);
    other.enqueue(NewTask::new("job", [])).unwrap();
    let error = migrate(&path, &url(&cluster)).unwrap_err();
    let Error::Migration { reason: MigrationError::Differs { difference, .. } } = &error else {
        panic!("{error}");
    };
    assert!(difference.contains("6000 in the file, 6001 in its copy"), "{error}");
    cancel_migration(&path).unwrap();
    assert_eq!(Queue::open(&path).unwrap().stats("default").unwrap().ready, 6000);
}

/// A crash of the server between the comparison and the end of a migration undoes the batches that it had not yet
/// written to its disk.
pub(crate) fn a_copy_that_a_crash_has_shortened_is_not_used() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    drop(queue(&url(&cluster)));
    refuse_task(&cluster, 5000);
    migrate(&path, &url(&cluster)).unwrap_err();
    // The last step in the file waits for this lock.
    let mut other = rusqlite::Connection::open(&path).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    cluster.sql("postgres", &["DROP TRIGGER fail ON prismq.task"]).unwrap();
    thread::scope(|scope| {
        let moved = scope.spawn(|| migrate(&path, &url(&cluster)));
        let compared = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%result IS NOT NULL'";
        wait_for("the comparison", || cluster.sql("postgres", &[compared]).unwrap() == "1");
        let undo = [
            "DELETE FROM prismq.task WHERE id > 4000",
            "UPDATE prismq.migration SET first = 4000, tasks = 4000",
        ];
        cluster.sql("postgres", &undo).unwrap();
        drop(lock);
        let error = moved.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("not where this program left it"), "{error}");
    });
    let report = migrate(&path, &url(&cluster)).unwrap();
    assert_eq!((report.tasks, report.resumed), (6000, true));
    assert_eq!(queue(&url(&cluster)).stats("default").unwrap().ready, 6000);
}

/// What a child of this program does instead of its tests.
pub(crate) fn move_if_asked() -> bool {
    let Some(asked) = env::var_os(MOVE) else { return false };
    let asked = asked.into_string().unwrap();
    let (file, url) = asked.split_once('|').unwrap();
    migrate(file, url).unwrap();
    true
}

/// Another process that moves a file.
fn child(path: &Path, url: &str) -> Child {
    let asked = format!("{}|{url}", path.display());
    Command::new(env::current_exe().unwrap()).env(MOVE, asked).spawn().unwrap()
}

/// Moves a file although each process that does so is killed, after it has moved about so many tasks more.
fn move_with_kills(cluster: &Cluster, path: &Path, tasks: u64, step: u64) {
    let url = url(cluster);
    drop(queue(&url));
    let moved = || -> u64 {
        let moved =
            cluster.sql("postgres", &["SELECT coalesce(max(tasks), 0) FROM prismq.migration"]);
        moved.unwrap().parse().unwrap()
    };
    let mut next = step;
    while next < tasks {
        let mut child = child(path, &url);
        wait_for("the next tasks", || moved() >= next || child.try_wait().unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        next = moved() + step;
    }
    let report = migrate(path, &url).unwrap();
    assert_eq!((report.tasks, report.resumed), (tasks, true));
    let target = queue(&url);
    assert_eq!(target.stats("default").unwrap().ready, tasks);
    assert_eq!(
        cluster.sql("postgres", &["SELECT count(*) FROM prismq.ready"]).unwrap(),
        tasks.to_string()
    );
}

pub(crate) fn a_migration_whose_processes_are_killed_moves_each_task_once() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(10_000);
    move_with_kills(&cluster, &path, 10_000, 4000);
}

/// The same with a million: part of the soak.
pub(crate) fn a_million_tasks_are_moved_once() {
    let cluster = cluster(&["shared_buffers=256MB"]);
    let (_folder, path) = file_of(1_000_000);
    move_with_kills(&cluster, &path, 1_000_000, 300_000);
}
