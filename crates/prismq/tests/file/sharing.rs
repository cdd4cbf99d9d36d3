//! One file, opened by several handles, by several processes, and again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Queue, WorkerPool};

use crate::support::{
    DEADLINE, Fixture, TestProcess, Watchdog, claim, lock, task, text, wait_until,
};

const EACH: usize = 300;

/// Enqueues the share of the second process, and claims and completes some tasks.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn the_second_process() {
    let (file, _watchdog) = TestProcess::file();
    let queue = Queue::open(file).unwrap();
    for number in 0..EACH {
        queue.enqueue(task(&format!("second {number}"))).unwrap();
        if number % 3 == 0 {
            for lease in queue.claim(&claim()).unwrap() {
                queue.complete(&lease).unwrap();
                println!("done {}", lease.id());
            }
        }
    }
    assert_eq!(queue.contention().busy_errors, 0);
}

#[test]
fn a_second_process_shares_the_file() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let queue = Queue::open(&file).unwrap();
    let completed = Arc::new(Mutex::new(Vec::new()));
    let seen = completed.clone();
    let pool = WorkerPool::builder(&queue)
        .workers(3)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| seen.lock().unwrap().push(event.id.as_i64()))
        .start()
        .unwrap();
    let second = TestProcess::start(concat!(module_path!(), "::the_second_process"), &file);
    for number in 0..EACH {
        queue.enqueue(task(&format!("first {number}"))).unwrap();
    }
    let printed = second.output();
    wait_until!(queue.stats("default").unwrap().completed == 2 * EACH as u64);
    let report = pool.shutdown(DEADLINE);
    assert!(report.error.is_none(), "{report:?}");

    let by_second = printed.lines().filter_map(|line| line.split("done ").nth(1));
    let mut ids: Vec<i64> = by_second.map(|id| id.trim().parse().unwrap()).collect();
    ids.extend(completed.lock().unwrap().iter());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2 * EACH, "each was completed once");
    assert_eq!(queue.contention().busy_errors, 0);
}

#[test]
fn two_handles_share_one_file() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    fixture.enqueue("here");
    let leases = other.claim(&claim()).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["here"]);
    assert!(fixture.claim(1).is_empty());
    fixture.queue.complete(&leases[0]).unwrap();
    assert!(other.complete(&leases[0]).unwrap_err().is_lease_lost());
    assert_eq!(other.stats("default").unwrap().completed, 1);
}

#[test]
fn a_held_write_lock_is_waited_for_then_reported_as_busy() {
    let fixture = Fixture::new();
    let path = fixture.path();
    let impatient = Queue::builder(&path).busy_wait(Duration::from_millis(20)).open().unwrap();
    let other = lock(&path);
    let error = impatient.enqueue(task("refused")).unwrap_err();
    assert!(error.is_busy(), "{error}");
    let contention = impatient.contention();
    assert!(contention.busy_waits > 0);
    assert_eq!(contention.busy_errors, 1);

    other.execute_batch("ROLLBACK").unwrap();
    impatient.enqueue(task("admitted")).unwrap();
    assert_eq!(impatient.stats("default").unwrap().enqueued, 1);
}

#[test]
fn tasks_survive_closing_and_reopening() {
    let fixture = Fixture::new();
    fixture.enqueue("kept");
    let fixture = fixture.reopen_after(|_| {});
    assert_eq!(fixture.claimed(9), ["kept"]);
}
