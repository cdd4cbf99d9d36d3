//! Worker pools with handlers of a millisecond on a disk whose sync takes 1, 5 or 20 ms, made slow by the
//! kernel through `strace`: every task is run and completed once, and the shutdown returns in time. How much of
//! the workers' time was used is printed, and never judged: it is the machine's too.
//!
//! Failure mode: disk: sync takes 1, 5 or 20 ms, under a pool | each task once, and shutdown in time

use std::process::Command;
use std::time::Duration;

use prismq::Queue;
use prismq_check::soak;
use prismq_faults::Scratch;

use crate::kernel::strace::ended;
use crate::support::FILE;

const SYNCS: [Duration; 3] =
    [Duration::from_millis(1), Duration::from_millis(5), Duration::from_millis(20)];
/// What the program allows the shutdown is a second; the rest is a busy machine's.
const SHUTDOWN_MS: u64 = 4_000;

pub(crate) fn a_pool_completes_each_task_once_however_long_a_sync_takes() {
    let tasks_of_worker = if soak().is_some() { 2_000 } else { 300 };
    for workers in [1, 4] {
        for sync in SYNCS {
            timed(workers, tasks_of_worker * workers, sync);
        }
    }
}

fn timed(workers: usize, tasks: usize, sync: Duration) {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let output = Command::new("strace")
        .args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"])
        .args(["-e", &format!("inject=fdatasync,fsync:delay_enter={}", sync.as_micros())])
        .arg(env!("CARGO_BIN_EXE_prismq-pool-victim"))
        .arg("timed")
        .arg(&path)
        .args([workers.to_string(), tasks.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let context = format!("{workers} workers, {tasks} tasks, {sync:?} a sync:\n{said}");
    assert!(output.status.success(), "{context}: {:?}", output.status);
    let ended = ended(&said).unwrap_or_else(|| panic!("{context}: no line `ended:`"));
    assert!(ended.starts_with("once true, settled true, "), "{context}");
    let (_, shutdown) = ended.split_once("shut down in ").unwrap();
    let took: u64 = shutdown.split(' ').next().unwrap().parse().unwrap();
    assert!(took <= SHUTDOWN_MS, "{context}");
    assert!(!said.lines().any(|line| line.starts_with("log: ")), "{context}");
    println!("{workers} workers, {sync:?} a sync: {ended}");
    let stats = Queue::open(&path).unwrap().stats("default").unwrap();
    assert_eq!(stats.completed, tasks as u64, "{context}");
    assert_eq!(stats.ready + stats.scheduled + stats.leased + stats.dead, 0, "{context}");
}
