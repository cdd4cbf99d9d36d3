//! Rows of `prismq_inbox` that other programs insert.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{Limit, Queue, WorkerPool};

/// Longer than a passing test waits, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a program on an application's database with a queue, whose idle pool must then run the tasks with these
/// payloads, in this order.
fn runs_tasks_of(insert: impl FnOnce(&Path) -> Output, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let queue = Queue::attach(&path).unwrap();
    queue.set_limit("mail", Limit::concurrency(1)).unwrap();
    // All but one row wait for room.
    queue.set_depth_limit("default", 1).unwrap();
    let (send, payloads) = channel();
    let _pool = WorkerPool::builder(&queue)
        .workers(1)
        .handle_bytes("welcome", move |payload, _| {
            send.send(String::from_utf8_lossy(&payload).into_owned()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    let output = insert(&path);
    let errors = String::from_utf8_lossy(&output.stderr);
    for payload in expected {
        let received = payloads.recv_timeout(DEADLINE);
        assert_eq!(received.as_deref(), Ok(*payload), "{errors}");
    }
    assert!(errors.contains("CHECK constraint failed: type must have 1 to 128 bytes"), "{errors}");
    assert_eq!(queue.stats("default").unwrap().enqueued, expected.len() as u64);
}

pub(crate) fn rows_of_sqlites_command_line_become_tasks() {
    let statements = "
        CREATE TABLE user (name TEXT);
        BEGIN IMMEDIATE;
        INSERT INTO user VALUES ('ann');
        INSERT INTO prismq_inbox (type, payload) VALUES ('welcome', '{\"user\":1}');
        COMMIT;
        INSERT INTO prismq_inbox (type, payload, run_at) VALUES ('welcome', x'626f62', datetime('now'));
        INSERT INTO prismq_inbox (type, payload, limit_name, key) VALUES ('welcome', 'of a key', 'mail', 'ann');
        INSERT INTO prismq_inbox (type, payload) VALUES ('', 'refused');";
    let shell = |path: &Path| {
        Command::new("sqlite3").args(["-cmd", ".timeout 5000"]).arg(path).arg(statements).output()
    };
    runs_tasks_of(|path| shell(path).unwrap(), &["{\"user\":1}", "bob", "of a key"]);
}

pub(crate) fn rows_of_a_python_program_become_tasks() {
    let program = "
import datetime, json, sqlite3, sys
app = sqlite3.connect(sys.argv[1], timeout=5)
insert = 'INSERT INTO prismq_inbox (type, payload, run_at) VALUES (?, ?, ?)'
with app:
    app.execute('INSERT INTO prismq_inbox (type, payload) VALUES (?, ?)', ('welcome', json.dumps({'user': 1})))
now = datetime.datetime.now(datetime.timezone.utc).isoformat()
with app:
    app.execute(insert, ('welcome', b'bob', now))
keyed = 'INSERT INTO prismq_inbox (type, payload, limit_name, key) VALUES (?, ?, ?, ?)'
with app:
    app.execute(keyed, ('welcome', 'of a key', 'mail', 'ann'))
try:
    with app:
        app.execute(insert, ('welcome', 'rolled back', None))
        app.execute(insert, ('', 'refused', None))
except sqlite3.IntegrityError as error:
    sys.exit(error)";
    let python = |path: &Path| Command::new("python3").args(["-c", program]).arg(path).output();
    runs_tasks_of(|path| python(path).unwrap(), &["{\"user\": 1}", "bob", "of a key"]);
}
