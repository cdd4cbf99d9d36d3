//! Futures among the callers: the commit thread leads for them.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::commit::pending::PENDING_OPERATIONS_MAX;

/// A future that the test polls itself, and how often it was woken.
struct Polled {
    future: Pin<Box<Submission>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Polled {
    fn poll(&mut self) -> Poll<Answers> {
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::SeqCst) > 0
    }

    /// Its answers, once it is woken for them.
    fn answers(mut self) -> Answers {
        wait_until("the future is woken", || self.is_woken());
        match self.poll() {
            Poll::Ready(answers) => answers,
            Poll::Pending => panic!("woken without an answer"),
        }
    }
}

/// A fixture with its commit thread.
struct Async {
    fixture: Fixture,
    thread: CommitThreads,
}

fn asynchronous() -> Async {
    let fixture = fixture(Duration::ZERO);
    let thread = CommitThreads::new(fixture.committer.clone());
    thread.start().unwrap();
    Async { fixture, thread }
}

impl Async {
    /// A future of this many operations that was not polled yet.
    fn future(&self, operations: usize) -> Polled {
        self.future_of(vec![enqueue(); operations])
    }

    fn future_of(&self, operations: Vec<Operation>) -> Polled {
        let future = Submission::new(self.fixture.committer.clone(), operations);
        Polled { future: Box::pin(future), wakes: Arc::default() }
    }

    /// A future that was polled once, and is not answered.
    fn polled(&self, operations: usize) -> Polled {
        let mut future = self.future(operations);
        assert!(future.poll().is_pending());
        future
    }
}

fn wait_until(state: &str, is_reached: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_reached() {
        assert!(started.elapsed() < PATIENCE, "not reached: {state}");
        thread::yield_now();
    }
}

#[test]
fn a_future_is_answered_by_the_commit_thread() {
    let queue = asynchronous();
    let mut never_polled = queue.future(1);
    let future = queue.polled(2);
    assert_eq!(queue.fixture.next_group(), 2);
    queue.fixture.answer(Ok(()));
    assert_eq!(future.answers().len(), 2);
    assert!(!never_polled.is_woken());
    assert!(never_polled.poll().is_pending(), "it begins when it is polled");
    assert_eq!(queue.fixture.next_group(), 1);
    queue.fixture.answer(Ok(()));
    assert!(never_polled.answers().iter().all(Result::is_ok));
}

#[test]
fn callers_and_futures_that_come_during_a_commit_are_one_group() {
    let queue = asynchronous();
    for caller_is_first in [true, false] {
        let first = queue.polled(1);
        queue.fixture.next_group();
        let caller = || queue.fixture.caller(2);
        let mut others = Vec::new();
        let early = caller_is_first.then(|| {
            let early = caller();
            queue.fixture.wait_for_pending(2);
            early
        });
        others.extend((0..3).map(|_| queue.polled(1)));
        let caller = early.unwrap_or_else(caller);
        queue.fixture.wait_for_pending(5);
        queue.fixture.answer(Ok(()));
        assert_eq!(queue.fixture.next_group(), 5);
        queue.fixture.answer(Ok(()));
        assert_eq!(caller.answers().len(), 2);
        for future in others.into_iter().chain([first]) {
            assert!(matches!(future.answers().as_slice(), [Ok(_)]));
        }
    }
}

#[test]
fn the_lead_goes_from_a_caller_to_a_future_and_back() {
    let queue = asynchronous();
    let first = queue.fixture.caller(1);
    queue.fixture.next_group();
    let second = queue.polled(PENDING_OPERATIONS_MAX / 2);
    let third = queue.fixture.caller(PENDING_OPERATIONS_MAX / 4);
    queue.fixture.wait_for_pending(PENDING_OPERATIONS_MAX / 4 * 3);
    let fourth = queue.polled(1);
    for group in [PENDING_OPERATIONS_MAX / 2, PENDING_OPERATIONS_MAX / 4, 1] {
        queue.fixture.answer(Ok(()));
        assert_eq!(queue.fixture.next_group(), group);
    }
    queue.fixture.answer(Ok(()));
    let answers = [first.answers(), second.answers(), third.answers(), fourth.answers()];
    assert!(answers.iter().flatten().all(Result::is_ok));
    assert!(!queue.fixture.committer.pending.lock().leading);
}

#[test]
fn a_future_that_is_dropped_while_it_waits_is_applied_as_a_whole() {
    let queue = asynchronous();
    let first = queue.polled(1);
    queue.fixture.next_group();
    drop(queue.polled(3));
    queue.fixture.answer(Ok(()));
    assert_eq!(queue.fixture.next_group(), 3);
    queue.fixture.answer(Ok(()));
    first.answers();
}

#[test]
fn a_future_waits_for_room_and_keeps_none_when_it_is_dropped() {
    let queue = asynchronous();
    let first = queue.polled(1);
    queue.fixture.next_group();
    let full = queue.polled(PENDING_OPERATIONS_MAX);
    let (dropped, waits) = (queue.polled(1), queue.polled(2));
    let pending = &queue.fixture.committer.pending;
    assert_eq!(pending.lock().operations, PENDING_OPERATIONS_MAX, "no room for them");
    drop(dropped);
    assert_eq!(pending.lock().room.len(), 1);
    queue.fixture.answer(Ok(()));
    assert_eq!(queue.fixture.next_group(), PENDING_OPERATIONS_MAX);
    queue.fixture.answer(Ok(()));
    wait_until("there is room", || waits.is_woken());
    let Polled { future, .. } = waits;
    let mut waits = Polled { future, wakes: Arc::default() };
    assert!(waits.poll().is_pending());
    assert_eq!(queue.fixture.next_group(), 2);
    queue.fixture.answer(Ok(()));
    assert_eq!(waits.answers().len(), 2);
    assert_eq!((first.answers().len(), full.answers().len()), (1, PENDING_OPERATIONS_MAX));
    assert_eq!(pending.lock().room.len(), 0);
}

#[test]
fn room_that_a_dropped_future_was_woken_for_goes_to_the_next() {
    let queue = asynchronous();
    let first = queue.polled(1);
    queue.fixture.next_group();
    let full = queue.polled(PENDING_OPERATIONS_MAX);
    // Together they do not fit.
    let (woken, next) = (queue.polled(PENDING_OPERATIONS_MAX), queue.polled(1));
    queue.fixture.answer(Ok(()));
    queue.fixture.next_group();
    queue.fixture.answer(Ok(()));
    wait_until("there is room", || woken.is_woken());
    assert!(!next.is_woken());
    drop(woken);
    assert!(next.is_woken());
    first.answers();
    full.answers();
}

#[test]
fn a_poisoned_queue_answers_all_futures() {
    let queue = asynchronous();
    let first = queue.polled(1);
    queue.fixture.next_group();
    let (queued, without_room) = (queue.polled(PENDING_OPERATIONS_MAX), queue.polled(1));
    queue.fixture.answer(Err(poisoned("fsync failed")));
    for future in [first, queued, without_room] {
        let answers = future.answers();
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))));
    }
    let Poll::Ready(later) = queue.future(1).poll() else { panic!("it waits") };
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
}

/// An executor that panics, or that uses the queue, in the middle of a wake-up.
struct Intrusive {
    committer: Arc<Committer>,
    has_submitted: AtomicBool,
}

impl Wake for Intrusive {
    fn wake(self: Arc<Self>) {
        // It blocks until it is applied.
        assert!(self.committer.submit(vec![enqueue()]).iter().all(Result::is_ok));
        self.has_submitted.store(true, Ordering::SeqCst);
        panic!("the waker panics, as this test wants");
    }
}

#[test]
fn an_executor_may_use_the_queue_and_panic_while_it_is_woken() {
    let queue = asynchronous();
    let committer = queue.fixture.committer.clone();
    let intrusive = Arc::new(Intrusive { committer, has_submitted: AtomicBool::new(false) });
    let mut first = queue.future(1);
    let waker = Waker::from(intrusive.clone());
    assert!(first.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    for _ in 0..2 {
        queue.fixture.next_group();
        queue.fixture.answer(Ok(()));
    }
    wait_until("it has submitted", || intrusive.has_submitted.load(Ordering::SeqCst));
    let next = queue.polled(1);
    queue.fixture.answer(Ok(()));
    assert!(next.answers().iter().all(Result::is_ok), "the thread goes on");
}

#[test]
fn a_committer_that_is_closed_applies_what_dropped_futures_submitted() {
    let Async { fixture, thread } = asynchronous();
    let mut future = Box::pin(Submission::new(fixture.committer.clone(), vec![enqueue(); 2]));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(future);
    fixture.answer(Ok(()));
    drop(thread);
    assert_eq!(fixture.groups(), [2]);
}
