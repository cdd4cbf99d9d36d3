//! Pools that hear of rows: in this process, in another, and of every type.

use std::sync::mpsc::channel;

use prismq::{Queue, Task, WorkerPool};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{application, rows};
use crate::support::{Fixture, TestProcess, Watchdog, receive, wait_until};

const ROWS: usize = 50;

fn insert(connection: &Connection, task_type: &str, payload: &str) {
    let insert = "INSERT INTO prismq_inbox (type, payload) VALUES (?1, ?2)";
    connection.execute(insert, [task_type, payload]).unwrap();
}

#[test]
fn idle_pools_of_different_types_hear_of_their_rows() {
    let fixture = Fixture::new();
    let (send, payloads) = channel();
    let _pools: Vec<WorkerPool> = ["a", "b"]
        .map(|task_type| {
            let send = send.clone();
            WorkerPool::builder(&fixture.queue)
                .handle_bytes(task_type, move |payload, _| {
                    let text = String::from_utf8_lossy(&payload).into_owned();
                    send.send(text).unwrap();
                    Ok(())
                })
                .start()
                .unwrap()
        })
        .into();
    wait_until!(fixture.queue.contention().empty_claims > 1);
    let own = application(&fixture);
    for round in 0..ROWS {
        let expected = ["a", "b"].map(|task_type| format!("{task_type} {round}"));
        own.execute_batch("BEGIN").unwrap();
        for (task_type, payload) in ["a", "b"].iter().zip(&expected) {
            insert(&own, task_type, payload);
        }
        own.execute_batch("COMMIT").unwrap();
        let mut received = [(); 2].map(|()| receive(&payloads, "a row's payload"));
        received.sort();
        assert_eq!(received, expected);
    }
    wait_until!(rows(&fixture) == (0, 0));
}

/// Inserts rows by SQL alone, while a pool of the other process waits for them.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn the_inserting_process() {
    let (file, _watchdog) = TestProcess::file();
    let own = Connection::open(file).unwrap();
    for round in 0..ROWS {
        insert(&own, "job", &round.to_string());
    }
}

#[test]
fn a_pool_runs_the_rows_of_another_process() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let queue = Queue::open(&file).unwrap();
    let (send, payloads) = channel();
    let _pool = WorkerPool::builder(&queue)
        .handle_bytes("job", move |payload, _| {
            send.send(payload.to_vec()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    let test = concat!(module_path!(), "::the_inserting_process");
    TestProcess::start(test, &file).output();
    let mut received: Vec<u32> = (0..ROWS)
        .map(|_| String::from_utf8(receive(&payloads, "a row's payload")).unwrap().parse().unwrap())
        .collect();
    received.sort_unstable();
    assert_eq!(received, (0..ROWS as u32).collect::<Vec<_>>());
    wait_until!(queue.stats("default").unwrap().completed == ROWS as u64);
}

/// Inserted as JSON, as a program in another language does.
#[derive(Task, Serialize, Deserialize)]
struct Welcome {
    user: i64,
}

#[test]
fn a_row_with_the_json_of_a_typed_task_reaches_its_handler() {
    let fixture = Fixture::new();
    let own = application(&fixture);
    insert(&own, "welcome", r#"{"user": 1}"#);
    insert(&own, "welcome", "no JSON");
    let (send, users) = channel();
    let report = WorkerPool::builder(&fixture.queue)
        .handle(move |task: Welcome, _| {
            _ = send.send(task.user);
            Ok(())
        })
        .run_until_empty()
        .unwrap();
    assert_eq!(users.iter().collect::<Vec<_>>(), [1]);
    assert_eq!(
        (report.stats.completed, report.stats.dead),
        (1, 1),
        "a wrong payload is a dead letter"
    );
}
