//! A queue among the tables of an application: each leaves the other's alone.
//!
//! Failure mode: file: shared with an application that sets `user_version` or has a table `task` | both work

use prismq::{Error, Queue};
use rusqlite::Connection;

use crate::support::{claim, task};

/// A database of an application that uses the names a queue would, without the prefix.
fn application(folder: &tempfile::TempDir) -> (std::path::PathBuf, Connection) {
    let path = folder.path().join("app.db");
    let app = Connection::open(&path).unwrap();
    app.execute_batch(
        "CREATE TABLE task (id INTEGER PRIMARY KEY, title TEXT);
         CREATE TABLE queue (name TEXT);
         CREATE TABLE log (entry TEXT);
         CREATE TRIGGER task_log AFTER INSERT ON task
             BEGIN INSERT INTO log VALUES (new.title); END;
         PRAGMA user_version = 7;
         PRAGMA application_id = 77;",
    )
    .unwrap();
    (path, app)
}

fn pragma(connection: &Connection, name: &str) -> i64 {
    connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

#[test]
fn a_database_of_an_application_holds_a_queue_next_to_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let (path, app) = application(&folder);
    let names = || -> Vec<String> {
        let mut select = app
            .prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
            .unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let own = names();

    let queue = Queue::attach(&path).unwrap();
    queue.enqueue(task("first")).unwrap();
    let lease = queue.claim(&claim()).unwrap().remove(0);
    queue.complete(&lease).unwrap();
    drop(queue);

    let added: Vec<String> = names().into_iter().filter(|name| !own.contains(name)).collect();
    assert!(!added.is_empty() && added.iter().all(|name| name.starts_with("prismq_")), "{added:?}");
    assert_eq!((pragma(&app, "user_version"), pragma(&app, "application_id")), (7, 77));
    assert_eq!(pragma(&app, "auto_vacuum"), 0, "a setting of the application");
    app.execute("INSERT INTO task (title) VALUES ('mine')", []).unwrap();
    let logged: i64 = app.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(logged, 1, "its triggers run");
}

#[test]
fn an_application_may_set_its_versions_and_change_its_tables_under_an_open_queue() {
    let folder = tempfile::tempdir().unwrap();
    let (path, app) = application(&folder);
    let queue = Queue::attach(&path).unwrap();
    let id = queue.enqueue(task("before")).unwrap().id();
    let lease = queue.claim(&claim()).unwrap().remove(0);
    app.execute_batch(
        "PRAGMA user_version = 1000; PRAGMA application_id = 1347571025;
         CREATE TABLE lane (n INTEGER); ALTER TABLE task ADD COLUMN done INTEGER; VACUUM",
    )
    .unwrap();
    queue.complete(&lease).unwrap();
    queue.enqueue(task("after")).unwrap();
    assert_eq!(queue.task(id).unwrap(), None);
    let again = Queue::attach(&path).unwrap();
    assert_eq!(again.claim(&claim()).unwrap().len(), 1);
}

#[test]
fn an_attached_queue_is_opened_by_either_call_and_a_plain_database_only_by_attach() {
    let folder = tempfile::tempdir().unwrap();
    let (path, app) = application(&folder);
    let refused = Queue::open(&path).unwrap_err();
    assert!(matches!(refused, Error::Foreign { application_id: 77, .. }), "{refused:?}");
    assert!(refused.to_string().contains("Queue::attach"), "{refused}");
    assert_eq!(pragma(&app, "schema_version"), 4, "left as it was");

    Queue::attach(&path).unwrap().enqueue(task("one")).unwrap();
    assert_eq!(Queue::open(&path).unwrap().stats("default").unwrap().ready, 1);
}

#[test]
fn a_file_that_attach_creates_is_the_applications_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let queue = Queue::attach(&path).unwrap();
    queue.enqueue(task("one")).unwrap();
    let app = Connection::open(&path).unwrap();
    assert_eq!((pragma(&app, "application_id"), pragma(&app, "user_version")), (0, 0));
    app.execute_batch("CREATE TABLE user (name TEXT)").unwrap();
    assert_eq!(Queue::attach(&path).unwrap().stats("default").unwrap().ready, 1);
}
