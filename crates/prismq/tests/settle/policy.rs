//! Retry policies of task types, kept in the file.

use std::time::Duration;

use prismq::limits::DELAY_MAX;
use prismq::{Context, Error, Queue, RetryPolicy, Task, TaskError, WorkerPool};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, RETRY, task};

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
