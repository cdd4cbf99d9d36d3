use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use prismq::{Queue, WorkerPool};

use crate::support::{claim, task, wait_until};

const FILE: &str = "PRISMQ_TEST_FILE";
const EACH: usize = 300;

/// What the second process does: it enqueues its share, and claims and completes some tasks itself.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn second_process() {
    let queue = Queue::open(env::var_os(FILE).unwrap()).unwrap();
    for number in 0..EACH {
        queue.enqueue(&task(&format!("second {number}"))).unwrap();
        if number % 3 == 0 {
            for lease in queue.claim(&claim()).unwrap() {
                queue.complete(&lease).unwrap();
                println!("done {}", lease.id());
            }
        }
    }
    assert_eq!(queue.contention().busy_errors, 0);
}

fn start(file: &Path) -> std::process::Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "file::sharing::second_process"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_second_process_shares_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let queue = Queue::open(&file).unwrap();
    let completed = Arc::new(Mutex::new(Vec::new()));
    let seen = completed.clone();
    let pool = WorkerPool::builder(&queue)
        .workers(3)
        .handler("job", |_| Ok(()))
        .on_event(move |event| seen.lock().unwrap().push(event.id.as_i64()))
        .start()
        .unwrap();
    let second = start(&file);
    for number in 0..EACH {
        queue.enqueue(&task(&format!("first {number}"))).unwrap();
    }
    let second = second.wait_with_output().unwrap();
    let said = String::from_utf8(second.stdout).unwrap();
    assert!(second.status.success(), "{said}");
    wait_until(|| queue.stats("default").unwrap().completed == 2 * EACH as u64);
    let report = pool.shutdown(std::time::Duration::from_secs(30));
    assert!(report.error.is_none(), "{report:?}");

    let there = said.lines().filter_map(|line| line.split("done ").nth(1));
    let mut ids: Vec<i64> = there.map(|id| id.trim().parse().unwrap()).collect();
    ids.extend(completed.lock().unwrap().iter());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2 * EACH, "each was completed once");
    assert_eq!(queue.contention().busy_errors, 0);
}
