//! Worker pools run what schedules enqueue.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Clock, Queue, Schedule, Signal, Timestamp, WorkerPool};

use super::firing::{HOUR, hourly};
use crate::support::{Fixture, Watchdog, receive, task, wait_until};

#[test]
fn an_idle_pool_wakes_for_the_next_slot() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    let (sent, ran) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .handle_bytes("job", move |payload, task| {
            _ = sent.send((payload.to_vec(), task.scheduled_for()));
            Ok(())
        })
        .start()
        .unwrap();
    for _ in 0..3 {
        wait_until!(fixture.queue.stats("default").unwrap().leased == 0);
        fixture.clock.advance(HOUR);
        assert_eq!(receive(&ran, "a run"), (b"tick".to_vec(), Some(fixture.clock.now())));
    }
    drop(pool);
}

#[test]
fn an_idle_pool_hears_of_a_schedule_that_another_handle_sets() {
    let fixture = Fixture::new();
    let (sent, ran) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .handle_bytes("job", move |_, _| {
            _ = sent.send(());
            Ok(())
        })
        .start()
        .unwrap();
    let empty = fixture.queue.contention().empty_claims;
    wait_until!(fixture.queue.contention().empty_claims > empty || empty > 0);
    fixture.another_handle().schedules().set(&hourly("tick")).unwrap();
    fixture.clock.advance(HOUR);
    receive(&ran, "a run");
    drop(pool);
}

/// A machine whose wall clock is set without notice, and whose monotonic time stands still.
#[derive(Debug, Default)]
struct SetByHand(Mutex<Timestamp>);

impl Clock for SetByHand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Timestamp {
        Timestamp::from_micros(1_000_000)
    }

    fn sleep_until(&self, _: Timestamp) -> Option<Duration> {
        None
    }

    fn on_jump(&self, _: &Arc<Signal>) {}
}

#[test]
fn an_idle_pool_notices_that_the_wall_clock_was_set() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SetByHand::default());
    let queue = Queue::builder(folder.path().join("queue.db")).clock(clock.clone()).open().unwrap();
    queue.schedules().set(&Schedule::every("hourly", HOUR, task("tick"))).unwrap();
    let (sent, ran) = channel();
    let pool = WorkerPool::builder(&queue)
        .handle_bytes("job", move |_, _| {
            _ = sent.send(());
            Ok(())
        })
        .start()
        .unwrap();
    wait_until!(queue.contention().empty_claims > 0);
    *clock.0.lock().unwrap() = Timestamp::default().after(HOUR);
    receive(&ran, "a run");
    drop(pool);
}
