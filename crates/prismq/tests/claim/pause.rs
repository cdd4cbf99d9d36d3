//! A paused queue returns no task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prismq::WorkerPool;

use crate::support::{Fixture, claim, task, wait_until};

#[test]
fn a_paused_queue_returns_no_task_until_resumed() {
    let fixture = Fixture::new();
    fixture.enqueue("a");
    fixture.queue.enqueue(task("b").queue("mail")).unwrap();
    fixture.queue.pause("default").unwrap();
    fixture.enqueue("c");
    let written = fixture.queue.contention().write_transactions;
    assert_eq!(fixture.claimed(9), Vec::<String>::new());
    assert_eq!(fixture.queue.contention().write_transactions, written, "it is not even locked");
    assert!(fixture.another_handle().claim(&claim()).unwrap().is_empty());
    assert_eq!(fixture.queue.claim(&claim().queue("mail")).unwrap().len(), 1);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.paused, stats.ready), (true, 2));
    fixture.queue.resume("default").unwrap();
    assert!(!fixture.queue.stats("default").unwrap().paused);
    assert_eq!(fixture.claimed(9), ["a", "c"]);
}

#[test]
fn a_task_claimed_before_the_pause_can_be_completed() {
    let fixture = Fixture::new();
    fixture.enqueue("a");
    let lease = fixture.claim_one();
    fixture.queue.pause("default").unwrap();
    fixture.queue.complete(&lease).unwrap();
}

#[test]
fn a_task_that_falls_due_in_a_paused_queue_waits() {
    let fixture = Fixture::new();
    fixture.queue.pause("default").unwrap();
    fixture.queue.enqueue(task("a").delay(Duration::from_secs(1))).unwrap();
    fixture.clock.advance(Duration::from_secs(2));
    assert_eq!(fixture.claimed(9), Vec::<String>::new());
    fixture.queue.resume("default").unwrap();
    assert_eq!(fixture.claimed(9), ["a"]);
}

#[test]
fn an_idle_pool_wakes_when_its_queue_is_resumed() {
    let fixture = Fixture::new();
    fixture.queue.pause("default").unwrap();
    fixture.enqueue("a");
    let done = Arc::new(AtomicUsize::new(0));
    let ran = done.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", move |_, _| {
            ran.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .start()
        .unwrap();
    wait_until!(fixture.queue.contention().empty_claims > 0);
    assert_eq!(done.load(Ordering::SeqCst), 0);
    fixture.queue.resume("default").unwrap();
    wait_until!(done.load(Ordering::SeqCst) == 1);
    drop(pool);
}
