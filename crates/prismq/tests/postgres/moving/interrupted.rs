//! A migration from a file that is interrupted: it goes on where it stopped, or is given up, and no task is lost or doubled.

use std::env;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;

use prismq::postgres::{cancel_migration, migrate};
use prismq::{Claim, Error, MigrationError, NewTask, Queue};
use prismq_cluster::Cluster;

use crate::support::{Gate, cluster, file_of, queue, url, wait_for};

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

/// Adds a task to the target as no client does that knows of the migration.
fn add_to_target(cluster: &Cluster) {
    let insert = "INSERT INTO prismq.task (id, order_key, enqueued_at, run_at, lane, priority, max_attempts, state, payload)
         SELECT 7000, 7000, 0, 0, min(id), 0, 1, 0, '' FROM prismq.lane";
    cluster.sql("postgres", &[insert]).unwrap();
}

pub(crate) fn a_copy_that_others_write_to_is_not_used() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    interrupted(&cluster, &path);
    add_to_target(&cluster);
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

pub(crate) fn clients_that_were_open_before_are_refused_until_it_is_done() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    let open = queue(&url(&cluster));
    interrupted(&cluster, &path);
    let is_refused = |error: &Error| matches!(error, Error::Refused { reason, .. } if reason.contains("is being moved"));
    let error = open.enqueue(NewTask::new("job", [])).unwrap_err();
    assert!(is_refused(&error), "{error}");
    let error = open.claim(&Claim::new(["job"])).unwrap_err();
    assert!(is_refused(&error), "{error}");
    migrate(&path, &url(&cluster)).unwrap();
    open.enqueue(NewTask::new("job", [])).unwrap();
    assert_eq!(open.claim(&Claim::new(["job"])).unwrap().len(), 1);
    assert_eq!(open.stats("default").unwrap().ready, 6000);
}

pub(crate) fn a_queue_that_came_to_be_at_the_target_meanwhile_is_kept() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(3);
    let target = queue(&url(&cluster));
    let function = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'";
    let trigger = "CREATE TRIGGER fail BEFORE INSERT ON prismq.migration EXECUTE FUNCTION fail()";
    cluster.sql("postgres", &[function, trigger]).unwrap();
    // The file is marked by then, and nothing is at the target.
    migrate(&path, &url(&cluster)).unwrap_err();
    cluster.sql("postgres", &["DROP TRIGGER fail ON prismq.migration"]).unwrap();
    target.enqueue(NewTask::new("job", *b"of the target")).unwrap();
    let error = migrate(&path, &url(&cluster)).unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.contains("?schema=")),
        "{error}"
    );
    assert_eq!(target.claim(&Claim::new(["job"])).unwrap()[0].payload(), b"of the target");
    assert_eq!(Queue::open(&path).unwrap().stats("default").unwrap().ready, 3);
    let other = format!("{}&schema=other", url(&cluster));
    assert_eq!(migrate(&path, &other).unwrap().tasks, 3);
}

pub(crate) fn steps_that_a_crash_of_the_server_undid_are_done_again() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    drop(queue(&url(&cluster)));
    // What such a crash leaves after the first tasks were copied.
    let function = "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN DELETE FROM prismq.task; UPDATE prismq.migration SET first = 0, tasks = 0; RETURN NULL; END'";
    let trigger =
        "CREATE TRIGGER undo AFTER INSERT ON prismq.task FOR EACH ROW WHEN (NEW.id = 1000)
         EXECUTE FUNCTION undo()";
    cluster.sql("postgres", &[function, trigger]).unwrap();
    let error = migrate(&path, &url(&cluster)).unwrap_err();
    assert!(error.to_string().contains("not where this program left it"), "{error}");
    cluster.sql("postgres", &["DROP TRIGGER undo ON prismq.task"]).unwrap();
    assert_eq!(migrate(&path, &url(&cluster)).unwrap().tasks, 6000);
    assert_eq!(queue(&url(&cluster)).stats("default").unwrap().ready, 6000);
}

pub(crate) fn a_migration_that_was_cancelled_meanwhile_does_not_end_another() {
    let cluster = cluster(&[]);
    let (_folder, path) = file_of(6000);
    let target = url(&cluster);
    interrupted(&cluster, &path);
    let other = format!("{target}&schema=other");
    drop(queue(&other));
    let trigger =
        "CREATE TRIGGER fail BEFORE INSERT ON other.task FOR EACH ROW EXECUTE FUNCTION fail()";
    cluster.sql("postgres", &[trigger]).unwrap();
    Gate::closed(&cluster, "prismq.task", "NEW.id = 6000", |gate| {
        let (file, target) = (path.clone(), target.clone());
        let first = thread::spawn(move || migrate(file, &target));
        wait_for("it has come to the last task", || gate.waiting() == 1);
        cancel_migration(&path).unwrap();
        // Another begins, and fails.
        migrate(&path, &other).unwrap_err();
        gate.open();
        first.join().unwrap().unwrap_err();
    });
    cancel_migration(&path).unwrap();
    assert_eq!(Queue::open(&path).unwrap().stats("default").unwrap().ready, 6000);
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
