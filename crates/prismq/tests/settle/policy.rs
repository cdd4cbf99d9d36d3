//! Retry policies of task types, kept in the file.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::limits::DELAY_MAX;
use prismq::{Context, Error, Outcome, Queue, RetryPolicy, Task, TaskError, WorkerPool};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, RETRY, receive, task};

const SLOW: Duration = Duration::from_secs(1000);

/// When the failed task runs again, counted from now.
fn delay_of(fixture: &Fixture, queue: &Queue) -> Duration {
    let id = fixture.enqueue("failing");
    let lease = fixture.claim_one();
    queue.fail(&lease, "no").unwrap();
    let run_at = queue.task(id).unwrap().unwrap().run_at;
    let delay = run_at.since(prismq::Clock::now(&*fixture.clock));
    fixture.clock.advance(delay);
    queue.complete(&fixture.claim_one()).unwrap();
    delay
}

#[test]
fn a_policy_of_a_type_holds_for_every_handle_until_it_is_cleared() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    other.set_retry("job", RetryPolicy::fixed(SLOW)).unwrap();
    assert_eq!(delay_of(&fixture, &fixture.queue), SLOW);
    assert_eq!(delay_of(&fixture, &other), SLOW);
    let fixture = fixture.reopen_after(|_| {});
    assert_eq!(delay_of(&fixture, &fixture.queue), SLOW);
    fixture.queue.set_retry("job", None).unwrap();
    assert_eq!(delay_of(&fixture, &fixture.queue), RETRY, "that of the handle");
}

#[test]
fn a_policy_grows_with_the_attempts_and_is_of_one_type() {
    let fixture = Fixture::new();
    let growing = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
    fixture.queue.set_retry("job", growing).unwrap();
    fixture.queue.set_retry("other", RetryPolicy::fixed(SLOW)).unwrap();
    let id = fixture.enqueue("failing");
    for seconds in [1, 2, 4] {
        fixture.queue.fail(&fixture.claim_one(), "no").unwrap();
        let run_at = fixture.queue.task(id).unwrap().unwrap().run_at;
        let delay = run_at.since(prismq::Clock::now(&*fixture.clock));
        assert_eq!(delay, Duration::from_secs(seconds));
        fixture.clock.advance(delay);
    }
}

#[test]
fn a_delay_that_the_error_asks_for_comes_first() {
    let fixture = Fixture::new();
    fixture.queue.set_retry("job", RetryPolicy::fixed(SLOW)).unwrap();
    let id = fixture.queue.enqueue(task("throttled")).unwrap().id();
    let error = TaskError::new("429").retry_after(RETRY);
    fixture.queue.fail(&fixture.claim_one(), error).unwrap();
    let run_at = fixture.queue.task(id).unwrap().unwrap().run_at;
    assert_eq!(run_at.since(prismq::Clock::now(&*fixture.clock)), RETRY);
}

#[derive(Task, Serialize, Deserialize)]
#[task(name = "job", backoff = "1000s")]
struct Declared;

#[test]
fn a_pool_keeps_the_policy_of_its_type_in_the_file_unless_an_operator_set_another() {
    let fixture = Fixture::new();
    let start = || {
        let handler = |_: Declared, _: Context| Ok(());
        drop(WorkerPool::builder(&fixture.queue).queue("none").handle(handler).start().unwrap());
    };
    start();
    assert_eq!(delay_of(&fixture, &fixture.another_handle()), SLOW);
    fixture.queue.set_retry("job", RetryPolicy::fixed(2 * RETRY)).unwrap();
    start();
    assert_eq!(delay_of(&fixture, &fixture.queue), 2 * RETRY);
}

#[test]
fn policies_are_listed_with_who_set_them() {
    let fixture = Fixture::new();
    let handler = |_: Declared, _: Context| Ok(());
    drop(WorkerPool::builder(&fixture.queue).queue("none").handle(handler).start().unwrap());
    fixture.queue.set_retry("by hand", RetryPolicy::fixed(RETRY)).unwrap();
    fixture.queue.set_retry("cleared", RetryPolicy::fixed(RETRY)).unwrap();
    fixture.queue.set_retry("cleared", None).unwrap();
    let listed = fixture.another_handle().retry_policies().unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|info| (info.task_type.as_str(), info.policy.initial, info.by_operator))
        .collect();
    assert_eq!(listed, [("by hand", RETRY, true), ("job", SLOW, false)]);
}

#[test]
fn a_policy_that_cannot_be_kept_is_refused() {
    let fixture = Fixture::new();
    let usual = RetryPolicy::default();
    let wrong = [
        RetryPolicy { initial: DELAY_MAX + RETRY, ..usual },
        RetryPolicy { max: DELAY_MAX + RETRY, ..usual },
        RetryPolicy { multiplier: f64::NAN, ..usual },
        RetryPolicy { multiplier: f64::INFINITY, ..usual },
        RetryPolicy { multiplier: 0.5, ..usual },
        RetryPolicy { jitter: -0.1, ..usual },
        RetryPolicy { jitter: f64::NAN, ..usual },
        RetryPolicy { jitter: 1.1, ..usual },
    ];
    for policy in wrong {
        let refused = fixture.queue.set_retry("job", policy);
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{policy:?}: {refused:?}");
    }
    let refused = fixture.queue.set_retry("", usual);
    assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{refused:?}");
}

/// How a pool with this rule ends the first attempt of a task, and the delay to the next, if there is one.
fn decided(
    fixture: &Fixture,
    rule: impl Fn(u32, &TaskError) -> Option<Duration> + Send + Sync + 'static,
) -> (Outcome, Option<Duration>) {
    let (send, outcomes) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .handle_bytes("job", |payload, _| Err(TaskError::new(String::from_utf8_lossy(&payload))))
        .retry_of("job", rule)
        .on_event(move |event| send.send(event.outcome).unwrap())
        .start()
        .unwrap();
    let id = fixture.enqueue("the mill is closed");
    let outcome = receive(&outcomes, "the outcome");
    drop(pool);
    let task = fixture.queue.task(id).unwrap().unwrap();
    let delay = task.run_at.since(prismq::Clock::now(&*fixture.clock));
    fixture.queue.cancel(id).unwrap();
    (outcome, (outcome == Outcome::Retried).then_some(delay))
}

#[test]
fn a_closure_decides_by_attempt_and_error_before_the_policy_of_the_type() {
    let fixture = Fixture::new();
    declare_slow(&fixture.queue);
    let rule = |attempt: u32, error: &TaskError| {
        assert_eq!((attempt, error.text()), (1, "the mill is closed"));
        Some(Duration::from_secs(7))
    };
    assert_eq!(decided(&fixture, rule), (Outcome::Retried, Some(Duration::from_secs(7))));
    assert_eq!(decided(&fixture, |_, _| None), (Outcome::Dead, None));
    let longest = (Outcome::Retried, Some(DELAY_MAX));
    assert_eq!(decided(&fixture, |_, _| Some(Duration::MAX)), longest);
}

/// Keeps a policy of the type in the file as a pool does that declares it.
fn declare_slow(queue: &Queue) {
    drop(WorkerPool::builder(queue).handle(|_: Declared, _| Ok(())).start().unwrap());
}

#[test]
fn the_policy_of_an_operator_comes_before_a_closure() {
    let fixture = Fixture::new();
    fixture.queue.set_retry("job", RetryPolicy::fixed(SLOW)).unwrap();
    let slow = (Outcome::Retried, Some(SLOW));
    assert_eq!(decided(&fixture, |_, _| Some(Duration::ZERO)), slow);
    assert_eq!(decided(&fixture, |_, _| None), slow);
}

/// Failure mode: application: its closure for retries panics | the stored policy holds, and it is logged
#[test]
fn the_stored_policy_holds_where_a_closure_panics() {
    let fixture = Fixture::new();
    declare_slow(&fixture.queue);
    let outcome = decided(&fixture, |_, _| panic!("as this test wants"));
    assert_eq!(outcome, (Outcome::Retried, Some(SLOW)));
}

#[test]
fn a_closure_is_not_asked_where_the_error_decides_or_no_attempt_is_left() {
    let fixture = Fixture::new();
    let (send, outcomes) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |payload, _| match &*payload {
            b"after" => Err(TaskError::new("later").retry_after(SLOW)),
            b"permanent" => Err(TaskError::permanent("never")),
            _ => Err("the last".into()),
        })
        .retry_of("job", |_, _| panic!("it is not asked"))
        .on_event(move |event| send.send((event.outcome, event.error.clone())).unwrap())
        .start()
        .unwrap();
    let ends = |payload: &str, attempts| {
        fixture.queue.enqueue(task(payload).max_attempts(attempts)).unwrap();
        receive(&outcomes, "the outcome")
    };
    assert_eq!(ends("after", 5), (Outcome::Retried, Some("later".to_owned())));
    assert_eq!(ends("permanent", 5), (Outcome::Dead, Some("never".to_owned())));
    assert_eq!(ends("last", 1), (Outcome::Dead, Some("the last".to_owned())));
}

#[test]
fn a_closure_for_a_type_without_a_handler_is_refused() {
    let fixture = Fixture::new();
    let builder = WorkerPool::builder(&fixture.queue).handle_bytes("job", |_, _| Ok(()));
    let error = builder.retry_of("jobs", |_, _| None).start().unwrap_err();
    assert!(matches!(error, Error::InvalidInput { what: "retry", .. }), "{error:?}");
}
