//! Shutting pools down in asynchronous code.

use std::future::pending;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::WorkerPool;

use crate::support::{
    DEADLINE, Fixture, Gate, block_on, join, poll_once, receive, task, wait_until,
};

#[test]
fn a_shutdown_that_is_awaited_reports_what_one_that_blocks_does() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("work");
    let (open, gate) = Gate::new();
    let pool = || {
        WorkerPool::builder(&fixture.queue)
            .workers(1)
            .handle_bytes("job", gate.clone().handler())
            .start()
            .unwrap()
    };
    let first = pool();
    wait_until!(first.stats().running == 1);
    let report = block_on(first.shutdown_async(Duration::ZERO));
    assert_eq!(report.abandoned, [id]);
    drop(open);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
    fixture.enqueue("more");
    let second = pool();
    wait_until!(second.stats().completed == 1);
    let report = block_on(second.shutdown_async(DEADLINE));
    assert_eq!((report.stats.completed, report.abandoned.len()), (1, 0));
    assert!(report.error.is_none());
}

#[test]
fn a_shutdown_whose_future_is_dropped_goes_on() {
    let fixture = Fixture::new();
    let kept = Arc::new(());
    let captured = kept.clone();
    fixture.enqueue("work");
    let (open, gate) = Gate::new();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", move |_, _| {
            let _captured = &captured;
            gate.pass();
            Ok(())
        })
        .start()
        .unwrap();
    wait_until!(pool.stats().running == 1);
    assert!(poll_once(pool.shutdown_async(DEADLINE)).is_pending());
    drop(open);
    wait_until!(Arc::strong_count(&kept) == 1);
    assert_eq!(fixture.queue.stats("default").unwrap().completed, 1);
}

#[test]
fn a_pool_runs_until_its_signal_and_reports() {
    let fixture = Fixture::new();
    let (done, events) = channel();
    let (stop, signal) = tokio::sync::oneshot::channel::<()>();
    let builder = WorkerPool::builder(&fixture.queue)
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .on_event(move |event| done.send(event.id).unwrap());
    let running = std::thread::spawn(move || block_on(builder.run(signal)));
    let id = fixture.enqueue("work");
    assert_eq!(receive(&events, "an event"), id);
    stop.send(()).unwrap();
    let report = join(running, "the pool").unwrap();
    assert_eq!(report.stats.completed, 1);
    assert!(block_on(WorkerPool::builder(&fixture.queue).run(pending::<()>())).is_err());
}

#[test]
fn a_pool_that_runs_until_its_signal_waits_for_handlers_as_long_as_it_is_set_to() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("long");
    let (open, gate) = Gate::new();
    let (running, runs) = channel();
    let (stop, signal) = tokio::sync::oneshot::channel::<()>();
    let builder = WorkerPool::builder(&fixture.queue)
        .shutdown_timeout(Duration::ZERO)
        .handle_bytes("job", move |_, _| {
            running.send(()).unwrap();
            gate.pass();
            Ok(())
        });
    let pool = std::thread::spawn(move || block_on(builder.run(signal)));
    receive(&runs, "the handler");
    stop.send(()).unwrap();
    assert_eq!(join(pool, "the pool").unwrap().abandoned, [id]);
    drop(open);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
}

#[test]
fn a_pool_that_is_awaited_until_its_queue_is_empty_runs_what_is_ready_and_stops() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(vec![task("work"); 20]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let queue = fixture.queue.clone();
    let report = runtime.block_on(
        WorkerPool::builder(&fixture.queue)
            .handle_bytes_async("job", move |payload, _| {
                let queue = queue.clone();
                async move {
                    if payload == b"work" {
                        queue.enqueue_async(task("more")).await?;
                    }
                    Ok(())
                }
            })
            .run_until_empty_async(),
    );
    assert_eq!(report.unwrap().stats.completed, 40);
}
