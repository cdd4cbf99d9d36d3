//! What an application does to its database while a queue in it is open.

use prismq::{Queue, WorkerPool};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{application, works};
use crate::support::{claim, task, wait_until};

#[test]
fn a_vacuum_a_migration_and_an_analyze_under_a_running_pool_lose_no_task() {
    let (_folder, path, app) = application("CREATE TABLE user (name TEXT)");
    let queue = Queue::attach(&path).unwrap();
    let pool = WorkerPool::builder(&queue).handle_bytes("job", |_, _| Ok(())).start().unwrap();
    app.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    for round in 1..=10_u64 {
        let statements = format!(
            "CREATE TABLE t{round} (n); INSERT INTO t{round} VALUES (zeroblob(100000));
             ALTER TABLE t{round} ADD COLUMN m; ANALYZE; DROP TABLE t{round}; VACUUM"
        );
        for _ in 0..5 {
            queue.enqueue(task("one")).unwrap();
        }
        app.execute_batch(&statements).unwrap();
        wait_until!(pool.stats().completed == 5 * round);
    }
    assert_eq!(queue.stats("default").unwrap().completed, 50);
}

#[test]
fn a_migration_costs_the_queue_a_look_and_leases_hold() {
    let (_folder, path, app) = application("CREATE TABLE user (name TEXT)");
    let queue = Queue::attach(&path).unwrap();
    queue.enqueue(task("held")).unwrap();
    let lease = queue.claim(&claim()).unwrap().remove(0);
    app.execute_batch("CREATE TABLE other (n)").unwrap();
    assert!(queue.claim(&claim()).unwrap().is_empty());
    app.execute_batch("DROP TABLE other").unwrap();
    queue.complete(&lease).unwrap();
    works(&queue);
}

#[test]
fn a_copy_by_the_backup_api_or_vacuum_into_holds_the_queue_too() {
    let (folder, path, app) =
        application("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')");
    let queue = Queue::attach(&path).unwrap();
    queue.enqueue(task("copied")).unwrap();
    let [vacuumed, backed_up] =
        ["vacuumed.db", "backed_up.db"].map(|name| folder.path().join(name));
    app.execute("VACUUM INTO ?1", [vacuumed.to_str().unwrap()]).unwrap();
    let mut copy = Connection::open(&backed_up).unwrap();
    assert_eq!(Backup::new(&app, &mut copy).unwrap().step(-1).unwrap(), StepResult::Done);
    drop(copy);
    for copy in [vacuumed, backed_up] {
        let copied = Queue::attach(&copy).unwrap();
        assert_eq!(copied.claim(&claim()).unwrap()[0].payload(), b"copied");
    }
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}

#[test]
fn a_connection_that_attaches_the_database_fills_its_inbox() {
    let (folder, path, _app) = application("CREATE TABLE user (name TEXT)");
    let queue = Queue::attach(&path).unwrap();
    let other = Connection::open(folder.path().join("other.db")).unwrap();
    other.execute("ATTACH ?1 AS app", [path.to_str().unwrap()]).unwrap();
    other
        .execute_batch(
            "INSERT INTO app.prismq_inbox (type, payload) VALUES ('job', 'from elsewhere')",
        )
        .unwrap();
    assert_eq!(queue.claim(&claim()).unwrap()[0].payload(), b"from elsewhere");
}

#[test]
fn a_reader_with_an_old_snapshot_delays_nothing() {
    let (_folder, path, app) = application("CREATE TABLE user (name TEXT)");
    let queue = Queue::attach(&path).unwrap();
    app.execute_batch("BEGIN; SELECT count(*) FROM user").unwrap();
    for _ in 0..20 {
        works(&queue);
    }
    let seen = "SELECT coalesce(sum(enqueued), 0) FROM prismq_queue";
    let count = || app.query_row(seen, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 0, "its snapshot");
    app.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 20);
}
