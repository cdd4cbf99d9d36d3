//! What handlers note of their tasks: progress, checkpoints, log lines.

use std::sync::mpsc::channel;

use prismq::limits::{CHECKPOINT_BYTES_MAX, LOG_LINES_MAX};
use prismq::{Clock as _, Error, TaskError, TaskInfo, WorkerPool, WorkerPoolBuilder};

use super::rows;
use crate::support::{DEADLINE, Fixture, Gate, LEASE, RETRY, receive, wait_until};

fn pool(fixture: &Fixture) -> WorkerPoolBuilder {
    WorkerPool::builder(&fixture.queue).workers(1).lease(LEASE)
}

fn only_task(fixture: &Fixture) -> TaskInfo {
    let first = prismq::TaskId::from_i64(1);
    fixture.queue.task(first).unwrap().unwrap()
}

#[test]
fn progress_and_log_lines_are_seen_while_the_handler_runs() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = pool(&fixture)
        .handle_bytes("job", move |_, task| {
            task.progress(0.25, "a quarter");
            task.log("began");
            task.progress(0.5, "half");
            task.log("goes on");
            gate.pass();
            Ok(())
        })
        .start()
        .unwrap();
    fixture.enqueue("job");
    wait_until!(only_task(&fixture).log.len() == 2);
    let task = only_task(&fixture);
    let progress = task.progress.unwrap();
    assert_eq!((progress.fraction, progress.text.as_str()), (0.5, "half"));
    assert_eq!(progress.at, fixture.clock.now());
    let lines: Vec<_> = task.log.iter().map(|line| (line.attempt, line.text.as_str())).collect();
    assert_eq!(lines, [(1, "began"), (1, "goes on")]);
    drop(open);
    wait_until!(pool.stats().completed == 1);
    assert_eq!(rows(&fixture), 0, "deleted with the task");
}

#[test]
fn what_was_noted_last_is_kept_with_a_kept_or_a_dead_task() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 1).unwrap();
    let pool = pool(&fixture)
        .handle_bytes("job", |payload, task| {
            task.progress(1.0, "all");
            task.log("the end");
            if payload == b"bad" { Err(TaskError::permanent("no")) } else { Ok(()) }
        })
        .start()
        .unwrap();
    let good = fixture.enqueue("good");
    let bad = fixture.enqueue("bad");
    wait_until!(pool.stats().completed + pool.stats().dead == 2);
    for id in [good, bad] {
        let task = fixture.queue.task(id).unwrap().unwrap();
        assert_eq!(task.progress.unwrap().text, "all");
        assert_eq!(task.log.len(), 1);
    }
    fixture.queue.set_history("default", 0).unwrap();
    // Of the dead task: an attempt, a progress and a line.
    assert_eq!(rows(&fixture), 3);
}

#[test]
fn a_later_attempt_resumes_from_the_last_checkpoint() {
    let fixture = Fixture::new();
    let (send, resumed) = channel();
    let pool = pool(&fixture)
        .handle_bytes("job", move |_, task| {
            send.send(task.resume_bytes()?).unwrap();
            task.checkpoint_bytes(*b"one")?;
            task.checkpoint_bytes(*b"two")?;
            if task.attempt() == 1 { Err(TaskError::new("no")) } else { Ok(()) }
        })
        .start()
        .unwrap();
    fixture.enqueue("job");
    assert_eq!(receive(&resumed, "the first attempt"), None);
    wait_until!(pool.stats().retried == 1);
    assert_eq!(only_task(&fixture).checkpoint, Some(b"two".to_vec()));
    fixture.clock.advance(RETRY);
    assert_eq!(receive(&resumed, "the second attempt"), Some(b"two".to_vec()));
    wait_until!(pool.stats().completed == 1);
    assert_eq!(rows(&fixture), 0);
}

#[derive(prismq::Task, serde::Serialize, serde::Deserialize)]
struct Import {
    rows: u64,
}

#[test]
fn a_typed_handler_resumes_from_a_value_and_one_that_does_not_fit_is_an_error() {
    let fixture = Fixture::new();
    let (send, resumed) = channel();
    let pool = pool(&fixture)
        .handle(move |task: Import, cx| {
            let row: u64 = cx.resume()?.unwrap_or(0);
            send.send(row).unwrap();
            cx.progress(1.0, "rows");
            cx.log("done");
            cx.checkpoint(&task.rows)?;
            if cx.attempt() == 2 {
                cx.checkpoint(&"seven")?;
            }
            Err(TaskError::new("no"))
        })
        .start()
        .unwrap();
    fixture.queue.enqueue(Import { rows: 7 }).unwrap();
    assert_eq!(receive(&resumed, "the first attempt"), 0);
    wait_until!(pool.stats().retried == 1);
    fixture.clock.advance(RETRY);
    assert_eq!(receive(&resumed, "the second attempt"), 7);
    wait_until!(pool.stats().retried == 2);
    fixture.clock.advance(RETRY);
    wait_until!(pool.stats().retried == 3);
    let task = only_task(&fixture);
    let error = task.error.unwrap();
    assert!(error.contains("the checkpoint cannot be read: invalid type: string"), "{error}");
    assert_eq!((task.progress.unwrap().text.as_str(), task.log.len()), ("rows", 2));
}

#[test]
fn a_checkpoint_is_refused_after_the_lease_was_lost_or_if_it_is_too_large() {
    let fixture = Fixture::new();
    let (send, refused) = channel();
    let (open, gate) = Gate::new();
    let (begun, running) = channel();
    let pool = pool(&fixture)
        .handle_bytes("job", move |_, task| {
            let large = vec![0; CHECKPOINT_BYTES_MAX + 1];
            send.send(task.checkpoint_bytes(large).unwrap_err()).unwrap();
            begun.send(()).unwrap();
            gate.pass();
            send.send(task.checkpoint_bytes(*b"late").unwrap_err()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    fixture.enqueue("job");
    let error = receive(&refused, "the large checkpoint");
    assert!(matches!(error, Error::InvalidInput { what: "checkpoint", .. }), "{error:?}");
    receive(&running, "the handler runs");
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    file.execute_batch("UPDATE prismq_task SET token = token + 1").unwrap();
    drop(open);
    let error = receive(&refused, "the late checkpoint");
    assert!(error.is_lease_lost(), "{error:?}");
    assert_eq!(pool.shutdown(DEADLINE).stats.lease_lost, 1);
    assert_eq!(rows(&fixture), 0);
}

#[test]
fn the_last_log_lines_are_kept() {
    let fixture = Fixture::new();
    let more = LOG_LINES_MAX / 2;
    let pool = pool(&fixture)
        .handle_bytes("job", move |_, task| {
            let lines = if task.attempt() == 1 { LOG_LINES_MAX + more } else { more };
            (0..lines).for_each(|line| task.log(format!("{}: {line}", task.attempt())));
            Err(TaskError::new("no"))
        })
        .start()
        .unwrap();
    fixture.enqueue("job");
    wait_until!(pool.stats().retried == 1);
    let log = only_task(&fixture).log;
    assert_eq!((log.len(), log[0].text.as_str()), (LOG_LINES_MAX, &*format!("1: {more}")));
    fixture.clock.advance(RETRY);
    wait_until!(pool.stats().retried == 2);
    let log = only_task(&fixture).log;
    assert_eq!((log.len(), log[0].text.as_str()), (LOG_LINES_MAX, &*format!("1: {}", 2 * more)));
    assert_eq!(log[LOG_LINES_MAX - 1].text, format!("2: {}", more - 1));
}
