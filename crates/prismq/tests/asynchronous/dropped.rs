//! Futures that are dropped before their answer: the operation is done as a whole or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use crate::support::{Fixture, claim, lock, poll_once, task, wait_until};

#[test]
fn a_future_that_was_never_polled_does_nothing() {
    let fixture = Fixture::new();
    drop(fixture.queue.enqueue_async(task("never")));
    fixture.enqueue("other");
    assert_eq!(fixture.claimed(10), ["other"]);
}

#[test]
fn a_batch_whose_future_is_dropped_is_added_as_a_whole() {
    let fixture = Fixture::new();
    let locked = lock(&fixture.path());
    assert!(poll_once(fixture.queue.enqueue_all_async(&vec![task("work"); 10])).is_pending());
    drop(locked);
    wait_until!(fixture.queue.stats("default").unwrap().ready == 10);
}

#[test]
fn a_queue_that_is_dropped_applies_what_dropped_futures_submitted() {
    let fixture = Fixture::new();
    let locked = lock(&fixture.path());
    assert!(poll_once(fixture.queue.enqueue_async(task("work"))).is_pending());
    drop(locked);
    let fixture = fixture.reopen_after(|_| {});
    assert_eq!(fixture.claimed(10), ["work"]);
}

#[test]
fn tasks_whose_claim_is_dropped_are_released() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.enqueue_all(&vec![task("work"); 3]).unwrap();
    let locked = lock(&fixture.path());
    assert!(poll_once(queue.claim_async(&claim().max(3))).is_pending());
    drop(locked);
    let mut again = Vec::new();
    wait_until!({
        again.extend(fixture.claim(3));
        !again.is_empty()
    });
    assert_eq!((again[0].token(), again[0].attempt()), (2, 1), "claimed and released before");
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn tasks_whose_claim_is_dropped_after_its_answer_are_released() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.enqueue_all(&vec![task("work"); 3]).unwrap();
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(woken.clone());
    let mut claiming = Box::pin(queue.claim_async(&claim().max(3)));
    let locked = lock(&fixture.path());
    assert!(claiming.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(locked);
    wait_until!(woken.0.load(Ordering::SeqCst));
    assert_eq!(queue.stats("default").unwrap().leased, 3);
    drop(claiming);
    wait_until!(queue.stats("default").unwrap().ready == 3);
    assert_eq!(fixture.claim(3)[0].attempt(), 1, "no attempt is counted");
}
