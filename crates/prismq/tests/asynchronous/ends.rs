//! How asynchronous handlers are stopped: by their time limit, an operator, a shutdown of the pool or of the runtime.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{
    CancelReason, Clock as _, Context, ManualClock, Outcome, Queue, State, WorkerPool,
    WorkerPoolBuilder,
};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use crate::support::{DEADLINE, Fixture, LEASE, claim, receive, task, wait_until};

const LIMIT: Duration = Duration::from_millis(20);
/// A limit whose grace of the same length suffices for a handler that stops, on a busy machine too.
const LONGER: Duration = Duration::from_secs(2);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Sends a message when it is dropped.
struct OnDrop(Sender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        _ = self.0.send(());
    }
}

/// Handlers that wait until they should stop, and send the reason.
fn until_cancelled(fixture: &Fixture, reasons: Sender<CancelReason>) -> WorkerPoolBuilder {
    WorkerPool::builder(&fixture.queue).workers(1).lease(LEASE).handle_bytes_async(
        "job",
        move |_, cx| {
            let reasons = reasons.clone();
            async move {
                reasons.send(cx.until_cancelled().await)?;
                Err("stopped".into())
            }
        },
    )
}

#[test]
fn a_future_is_notified_of_its_time_limit() {
    let fixture = Fixture::new();
    let runtime = runtime();
    let _entered = runtime.enter();
    let (send, reasons) = channel();
    let pool = until_cancelled(&fixture, send).timeout(LONGER).start().unwrap();
    let handle = fixture.queue.enqueue(task("work").max_attempts(1)).unwrap();
    assert_eq!(receive(&reasons, "the reason"), CancelReason::Timeout);
    wait_until!(pool.stats().dead == 1);
    let error = handle.info().unwrap().unwrap().error;
    assert_eq!(error.as_deref(), Some("timed out after 2s: stopped"));
}

/// Failure mode: handler: a future runs into its time limit and goes on | dropped; its worker is free
#[test]
fn a_future_that_goes_on_after_its_time_limit_is_dropped_and_frees_its_worker() {
    let fixture = Fixture::new();
    let runtime = runtime();
    let _entered = runtime.enter();
    let (dropped, drops) = channel();
    let (send, events) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .timeout(LIMIT)
        .handle_bytes_async("job", move |payload, _| {
            let on_drop = OnDrop(dropped.clone());
            async move {
                if payload == b"stuck" {
                    std::future::pending::<()>().await;
                }
                drop(on_drop);
                Ok(())
            }
        })
        .on_event(move |event| send.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    let stuck = fixture.queue.enqueue(task("stuck").max_attempts(1)).unwrap();
    receive(&drops, "the drop of the future");
    assert_eq!(receive(&events, "an event"), (stuck.id(), Outcome::Dead));
    let error = stuck.info().unwrap().unwrap().error.unwrap();
    assert!(error.starts_with("timed out after 20ms"), "{error}");
    let next = fixture.queue.enqueue(task("next")).unwrap();
    assert_eq!(receive(&events, "an event"), (next.id(), Outcome::Completed));
}

#[test]
fn a_future_is_notified_of_an_operator() {
    let fixture = Fixture::new();
    let runtime = runtime();
    let _entered = runtime.enter();
    let (send, reasons) = channel();
    let pool = until_cancelled(&fixture, send).start().unwrap();
    let id = fixture.enqueue("work");
    wait_until!(pool.stats().running == 1);
    fixture.queue.cancel(id).unwrap();
    assert_eq!(receive(&reasons, "the reason"), CancelReason::Operator);
}

#[test]
fn a_future_is_notified_of_a_lost_lease() {
    let fixture = Fixture::new();
    let runtime = runtime();
    let _entered = runtime.enter();
    let (send, reasons) = channel();
    let pool = until_cancelled(&fixture, send).start().unwrap();
    fixture.enqueue("work");
    wait_until!(pool.stats().running == 1);
    // As if this process had been stopped past the lease, and another had reclaimed the task meanwhile.
    let later = Arc::new(ManualClock::new(fixture.clock.now().after(LEASE)));
    let other = Queue::builder(fixture.path()).clock(later).open().unwrap();
    assert_eq!(other.claim(&claim()).unwrap().len(), 1);
    fixture.clock.advance(LEASE);
    assert_eq!(receive(&reasons, "the reason"), CancelReason::LeaseLost);
}

#[test]
fn a_shutdown_notifies_futures_and_waits_for_them() {
    let fixture = Fixture::new();
    let (send, reasons) = channel();
    let report = runtime().block_on(async {
        let pool = until_cancelled(&fixture, send).start().unwrap();
        fixture.queue.enqueue_async(task("work")).await.unwrap();
        while pool.stats().running == 0 {
            yield_now().await;
        }
        pool.shutdown_async(DEADLINE).await
    });
    assert_eq!(receive(&reasons, "the reason"), CancelReason::Shutdown);
    assert_eq!((report.stats.retried, report.abandoned.len()), (1, 0));
}

#[test]
fn a_future_can_shut_its_pool_down() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("stop");
    let (send, reports) = channel();
    let slot: Arc<Mutex<Option<WorkerPool>>> = Arc::default();
    let found = slot.clone();
    let runtime = runtime();
    let _entered = runtime.enter();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes_async("job", move |_, _: Context| {
            let (found, send) = (found.clone(), send.clone());
            async move {
                let pool = loop {
                    if let Some(pool) = found.lock().unwrap().take() {
                        break pool;
                    }
                    yield_now().await;
                };
                send.send(pool.shutdown_async(DEADLINE).await).unwrap();
                Ok(())
            }
        })
        .start()
        .unwrap();
    *slot.lock().unwrap() = Some(pool);
    let report = receive(&reports, "the report");
    assert_eq!(report.abandoned, [id], "its own handler still runs");
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
}

#[test]
fn a_pool_of_futures_that_is_dropped_blocks_nothing_and_settles_what_runs() {
    let fixture = Fixture::new();
    let (send, reasons) = channel();
    let id = fixture.enqueue("work");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let pool = until_cancelled(&fixture, send).start().unwrap();
        while pool.stats().running == 0 {
            yield_now().await;
        }
        // On the only thread that can run the handler.
        drop(pool);
        while fixture.queue.task(id).unwrap().unwrap().state == State::Leased {
            yield_now().await;
        }
    });
    assert_eq!(receive(&reasons, "the reason"), CancelReason::Shutdown);
}

/// Failure mode: process: the runtime of a pool is shut down before it | what its futures held is released; it ends
#[test]
fn a_pool_whose_runtime_is_shut_down_releases_its_tasks_and_ends() {
    let fixture = Fixture::new();
    let runtime = runtime();
    let entered = runtime.enter();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes_async("job", |_, _| std::future::pending())
        .start()
        .unwrap();
    let ids = [fixture.enqueue("one"), fixture.enqueue("two"), fixture.enqueue("three")];
    wait_until!(pool.stats().running == 2);
    drop(entered);
    runtime.shutdown_background();
    assert!(pool.wait(DEADLINE));
    for id in ids {
        let task = fixture.queue.task(id).unwrap().unwrap();
        assert_eq!((task.state, task.attempt), (State::Ready, 0));
    }
    assert!(pool.shutdown(DEADLINE).error.is_none());
}
