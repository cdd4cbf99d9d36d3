use std::time::Duration;

use prismq::{Outcome, State, WorkerPool};
use std::sync::mpsc::channel;

use super::{Gate, PATIENCE};
use crate::support::{Fixture, task, wait_until};

const LIMIT: Duration = Duration::from_millis(20);
/// One whose grace, which is as long, is enough for a handler that stops, also on a busy machine.
const LONGER: Duration = Duration::from_secs(2);

#[test]
fn a_handler_is_notified_when_its_time_is_over() {
    let fixture = Fixture::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .timeout_of("job", LONGER)
        .handler("job", |task| {
            wait_until(|| task.timed_out());
            assert!(task.should_stop() && !task.lease_lost());
            Err("stopped".into())
        })
        .start()
        .unwrap();
    let id = fixture.queue.enqueue(&task("work").max_attempts(1)).unwrap();
    wait_until(|| pool.stats().dead == 1);
    let task = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(task.error.as_deref(), Some("timed out after 2s: stopped"));
    assert_eq!(pool.stats().timed_out, 1);
}

#[test]
fn an_attempt_that_does_not_stop_is_recorded_as_timed_out_while_it_runs() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (events, heard) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .timeout(LIMIT)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .on_event(move |event| events.send(*event).unwrap())
        .start()
        .unwrap();
    let id = fixture.queue.enqueue(&task("stuck").max_attempts(2)).unwrap();
    let event = heard.recv_timeout(PATIENCE).unwrap();
    assert_eq!((event.id, event.outcome, event.worker), (id, Outcome::Retried, Some(0)));
    let found = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(found.state, State::Scheduled);
    let error = found.error.unwrap();
    assert!(error.starts_with("timed out after 20ms"), "{error}");
    assert_eq!((pool.stats().running, pool.stats().timed_out), (1, 1));
    drop(open);
    let report = pool.shutdown(PATIENCE);
    assert_eq!((report.stats.completed, report.stats.retried), (0, 1), "its result is dropped");
}

#[test]
fn a_limit_of_one_type_leaves_others_alone() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .timeout_of("other", LONGER)
        .handler("job", move |_| {
            gate.pass();
            Ok(())
        })
        .handler("other", |task| {
            wait_until(|| task.timed_out());
            Ok(())
        })
        .start()
        .unwrap();
    fixture.enqueue("long");
    fixture.queue.enqueue(&prismq::NewTask::new("other", [])).unwrap();
    wait_until(|| pool.stats().completed == 1);
    drop(open);
    wait_until(|| pool.stats().completed == 2);
    assert_eq!(pool.stats().timed_out, 0, "what returned Ok is done");
}
