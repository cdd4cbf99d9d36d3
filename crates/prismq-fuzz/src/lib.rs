//! The fuzz targets: one function each, for libFuzzer and for the bounded run of the tests. None may panic, hang, or
//! break a promise.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use prismq::{Claim, NewTask, Order, Queue, TaskError};
use prismq_bench::load::plan::{Arrivals, Plan, Schedule, parse_trace, parse_workload};
use tempfile::TempDir;

/// A temporary folder, in memory where the system has one.
fn scratch() -> Option<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).ok()
}

fn file_with(name: &str, bytes: &[u8]) -> Option<(TempDir, PathBuf)> {
    let folder = scratch()?;
    let path = folder.path().join(name);
    fs::write(&path, bytes).ok()?;
    Some((folder, path))
}

/// The file of a queue: opened and used, or refused.
pub fn database(bytes: &[u8]) {
    let Some((_folder, path)) = file_with("queue.db", bytes) else { return };
    let Ok(queue) = Queue::builder(&path).busy_wait(Duration::from_millis(20)).open() else {
        return;
    };
    _ = queue.stats("default");
    _ = queue.enqueue(NewTask::new("job", [1]));
    _ = queue.enqueue(NewTask::new("large", vec![2; 9_000]));
    for lease in queue.claim(&Claim::new(["job", "large"]).max(20)).unwrap_or_default() {
        _ = queue.task(lease.id());
        _ = match lease.id().as_i64() % 3 {
            0 => queue.complete(&lease),
            1 => queue.release(&lease),
            _ => queue.fail(&lease, TaskError::new("no")).map(drop),
        };
    }
    _ = queue.set_history("default", 1);
    _ = queue.pause("default");
    _ = queue.settings();
}

/// Names, payloads and numbers of every operation: each is refused, or done.
pub fn operations(bytes: &[u8]) {
    let Some(folder) = scratch() else { return };
    let Ok(queue) = Queue::open(folder.path().join("queue.db")) else { return };
    let mut rest = bytes;
    while let [what, length, after @ ..] = rest {
        let (argument, next) = after.split_at(after.len().min(usize::from(*length)));
        rest = next;
        let name = String::from_utf8_lossy(argument).into_owned();
        operate(&queue, *what, &name, argument);
    }
}

fn operate(queue: &Queue, what: u8, name: &str, bytes: &[u8]) {
    let number = bytes.iter().fold(0_u64, |number, byte| number.rotate_left(8) ^ u64::from(*byte));
    let task = NewTask::new("job", bytes)
        .queue(name)
        .priority(number as i32)
        .delay(Duration::from_micros(number))
        .max_attempts(number as u32);
    match what % 8 {
        0 => {
            let before = queue.stats(name).map_or(0, |stats| stats.enqueued);
            let added = queue.enqueue(NewTask::new(name, bytes).queue(name));
            let after = queue.stats(name).map_or(0, |stats| stats.enqueued);
            assert_eq!(after - before, u64::from(added.is_ok()), "{name:?}");
        }
        1 => _ = queue.enqueue(&task),
        2 => {
            let claim = Claim::new([name]).queue(name).max(number as usize % 2_000);
            for lease in queue.claim(&claim).unwrap_or_default() {
                _ = queue.complete(&lease);
            }
        }
        3 => _ = queue.set_order(name, Order::Ageing { step: Duration::from_micros(number) }),
        4 => _ = queue.set_history(name, number as u32 % 100),
        5 => _ = queue.pause(name),
        6 => _ = queue.resume(name),
        _ => _ = queue.enqueue(NewTask::new("job", bytes).requires(name.split(' '))),
    }
}

/// The record of a benchmark run.
pub fn record(bytes: &[u8]) {
    let Some((_folder, path)) = file_with("record.json", bytes) else { return };
    _ = prismq_record::files::read_suite(&path);
    _ = prismq_record::files::read_run(&path);
}

/// A history of runs.
pub fn history(bytes: &[u8]) {
    let Some((_folder, path)) = file_with("history.jsonl", bytes) else { return };
    _ = prismq_record::history::read_file(&path);
}

/// A file of targets.
pub fn targets(bytes: &[u8]) {
    _ = prismq_judge::targets::parse(&String::from_utf8_lossy(bytes), "targets.toml");
}

/// A file that describes a workload: refused, or its tasks are drawn.
pub fn workload(bytes: &[u8]) {
    let Ok(plan) = parse_workload("workload.toml", &String::from_utf8_lossy(bytes)) else { return };
    if expected_tasks(&plan) <= DRAWN_MAX {
        _ = Schedule::draw(&plan).for_trial();
    }
}

/// More tasks than this take too long to draw for each input.
const DRAWN_MAX: f64 = 10_000.0;

fn expected_tasks(plan: &Plan) -> f64 {
    match &plan.arrivals {
        Arrivals::Constant { rate_per_s, duration }
        | Arrivals::Poisson { rate_per_s, duration } => rate_per_s * duration.as_secs_f64(),
        Arrivals::Burst { size, every, duration } => {
            *size as f64 * (duration.as_secs_f64() / every.as_secs_f64() + 1.0)
        }
        Arrivals::Closed { tasks } => *tasks as f64,
        Arrivals::Trace { .. } => 0.0,
    }
}

/// A traced workload: refused, or replayed.
pub fn trace(bytes: &[u8]) {
    let Ok(tasks) = parse_trace("trace.csv", &String::from_utf8_lossy(bytes)) else { return };
    let replayed = Schedule::replay(&tasks);
    assert_eq!(replayed.tasks.len(), tasks.len());
    _ = replayed.for_trial();
}
