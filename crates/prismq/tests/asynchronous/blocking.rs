//! Calls that block, on a thread of the queue's own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;

use prismq::Error;

use crate::support::{Fixture, Gate, block_on, poll_once, receive, task, wait_until};

#[test]
fn a_call_runs_on_a_thread_of_the_queue_and_returns_its_result() {
    let fixture = Fixture::new();
    let caller = thread::current().id();
    let ready = block_on(fixture.queue.blocking(move |queue| {
        assert_ne!(thread::current().id(), caller);
        queue.enqueue(task("work"))?;
        Ok::<_, Error>(queue.stats("default")?.ready)
    }));
    assert_eq!(ready.unwrap(), 1);
}

/// An application's own error.
#[derive(Debug, PartialEq)]
enum AppError {
    Own,
    Queue,
}

impl From<Error> for AppError {
    fn from(_: Error) -> Self {
        Self::Queue
    }
}

#[test]
fn a_call_may_fail_with_the_applications_own_error() {
    let fixture = Fixture::new();
    let own = block_on(fixture.queue.blocking(|_| Err::<(), _>(AppError::Own)));
    assert_eq!(own, Err(AppError::Own));
    let queue = block_on(fixture.queue.blocking(|queue| Ok::<_, AppError>(queue.stats("")?)));
    assert_eq!(queue.err(), Some(AppError::Queue));
}

#[test]
fn a_panic_of_a_call_goes_on_where_it_is_awaited() {
    let fixture = Fixture::new();
    let call = fixture.queue.blocking(|_| -> Result<(), Error> { panic!("as this test wants") });
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(call))).is_err());
    assert!(block_on(fixture.queue.blocking(|queue| queue.stats("default"))).is_ok());
}

#[test]
fn calls_wait_for_a_thread_when_all_are_busy_and_then_run() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (started, starts) = channel();
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let (gate, started) = (gate.clone(), started.clone());
            let mut call = Box::pin(fixture.queue.blocking(move |_| {
                started.send(number).unwrap();
                gate.pass();
                Ok::<_, Error>(number)
            }));
            assert!(poll_once(call.as_mut()).is_pending());
            call
        })
        .collect();
    receive(&starts, "the first call");
    drop(open);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(block_on(call).unwrap(), number);
    }
}

#[test]
fn a_call_whose_future_is_dropped_goes_on() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (done, results) = channel();
    assert!(
        poll_once(fixture.queue.blocking(move |queue| {
            gate.pass();
            done.send(queue.enqueue(task("late"))).unwrap();
            Ok::<_, Error>(())
        }))
        .is_pending()
    );
    drop(open);
    receive(&results, "its result").unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().ready == 1);
}

#[test]
fn calls_that_occupy_all_threads_can_await_further_calls() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let (started, starts) = channel();
    let calls: Vec<_> = (0..4)
        .map(|number| {
            let (gate, started) = (gate.clone(), started.clone());
            let mut call = Box::pin(fixture.queue.blocking(move |queue| {
                started.send(()).unwrap();
                gate.pass();
                let thread = thread::current().id();
                block_on(queue.blocking(move |queue| {
                    assert_eq!(thread::current().id(), thread, "on the thread of its caller");
                    queue.stats("default").map(|_| number)
                }))
            }));
            assert!(poll_once(call.as_mut()).is_pending());
            call
        })
        .collect();
    (0..4).for_each(|_| receive(&starts, "a call on each thread"));
    drop(open);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(block_on(call).unwrap(), number);
    }
}
