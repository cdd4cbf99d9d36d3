//! Asynchronous handlers: which tasks they run, how many at once, and what their failures affect.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use prismq::{Context, Error, Outcome, State, Task, TaskError, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;
use tokio::task::yield_now;

use crate::support::{DEADLINE, Fixture, receive, task, wait_until};

/// A runtime of one thread.
fn one_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// A runtime of four threads.
fn threads() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap()
}

#[test]
fn hundreds_of_handlers_run_at_once_on_one_thread() {
    const AT_ONCE: usize = 500;
    let fixture = Fixture::new();
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let report = one_thread().block_on(async {
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(AT_ONCE)
            .handle_bytes_async("job", move |_, _| {
                let barrier = barrier.clone();
                async move {
                    barrier.wait().await;
                    Ok(())
                }
            })
            .start()
            .unwrap();
        for round in 1..=2 {
            fixture.queue.enqueue_all_async(vec![task(""); AT_ONCE]).await.unwrap();
            while pool.stats().completed < round * AT_ONCE as u64 {
                yield_now().await;
            }
        }
        pool.shutdown_async(DEADLINE).await
    });
    assert_eq!(report.stats.completed, 2 * AT_ONCE as u64);
    assert!(report.abandoned.is_empty() && report.error.is_none());
}

#[test]
fn every_task_is_run_once() {
    let fixture = Fixture::new();
    let runs: Arc<Mutex<HashMap<_, u32>>> = Arc::default();
    let counted = runs.clone();
    let report = threads().block_on(async {
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(50)
            .prefetch(100)
            .handle_bytes_async("job", move |_, cx| {
                let counted = counted.clone();
                async move {
                    yield_now().await;
                    *counted.lock().unwrap().entry(cx.id()).or_default() += 1;
                    Ok(())
                }
            })
            .start()
            .unwrap();
        for _ in 0..20 {
            fixture.queue.enqueue_all_async(vec![task("work"); 100]).await.unwrap();
            fixture.queue.enqueue_async(task("single")).await.unwrap();
        }
        while pool.stats().completed < 2020 {
            yield_now().await;
        }
        pool.shutdown_async(DEADLINE).await
    });
    assert_eq!(report.stats.per_worker.iter().sum::<u64>(), 2020);
    let runs = runs.lock().unwrap();
    assert_eq!(runs.len(), 2020);
    assert!(runs.values().all(|count| *count == 1));
}

/// Each task finds all workers waiting, and the handler leaves wakers of its own behind, which wake its worker for
/// nothing.
#[test]
fn a_worker_that_waits_is_woken_for_each_task() {
    let fixture = Fixture::new();
    threads().block_on(async {
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(3)
            .handle_bytes_async("job", |_, _| async {
                let waker =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone())).await;
                tokio::spawn(async move {
                    for _ in 0..3 {
                        yield_now().await;
                        waker.wake_by_ref();
                    }
                });
                Ok(())
            })
            .start()
            .unwrap();
        for done in 1..=300 {
            fixture.queue.enqueue_async(task("work")).await.unwrap();
            while pool.stats().completed < done {
                yield_now().await;
            }
        }
        pool.shutdown_async(DEADLINE).await
    });
}

#[derive(Task, Serialize, Deserialize)]
#[task(name = "add")]
struct Add {
    to: usize,
}

async fn add(task: Add, cx: Context<AtomicUsize>) -> TaskResult {
    yield_now().await;
    cx.state().fetch_add(task.to, Ordering::SeqCst);
    Ok(())
}

#[test]
fn a_typed_handler_has_the_value_its_context_and_the_state() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.enqueue_all([Add { to: 1 }, Add { to: 20 }]).unwrap();
    let bad = queue.enqueue(&prismq::NewTask::new("add", *b"{}")).unwrap();
    let (send, sums) = channel();
    threads().block_on(async {
        let pool = WorkerPool::builder(queue)
            .state(AtomicUsize::new(0))
            .handle_async(add)
            .handle_bytes_async("job", move |payload, cx: Context<AtomicUsize>| {
                send.send((payload.to_vec(), cx.state().load(Ordering::SeqCst), cx.attempt()))
                    .unwrap();
                async { Ok(()) }
            })
            .start()
            .unwrap();
        while pool.stats().completed < 2 || pool.stats().dead < 1 {
            yield_now().await;
        }
        queue.enqueue_async(task("sum")).await.unwrap();
        while pool.stats().completed < 3 {
            yield_now().await;
        }
        pool.shutdown_async(DEADLINE).await
    });
    assert_eq!(receive(&sums, "the sum"), (b"sum".to_vec(), 21, 1));
    let error = queue.task(bad.id()).unwrap().unwrap().error.unwrap();
    assert!(error.contains("not a valid \"add\""), "{error}");
}

/// Failure mode: handler: panics in a future | a failed attempt of its own task
#[test]
fn a_panic_in_a_future_fails_only_its_own_task() {
    let fixture = Fixture::new();
    let (send, events) = channel();
    threads().block_on(async {
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(1)
            .handle_bytes_async("job", |payload, _| {
                assert_ne!(payload, b"at once", "broken at once");
                async move {
                    yield_now().await;
                    assert_ne!(payload, b"later", "broken later");
                    Ok(())
                }
            })
            .on_event(move |event| send.send((event.id, event.outcome)).unwrap())
            .start()
            .unwrap();
        for (payload, outcome) in
            [("at once", Outcome::Dead), ("later", Outcome::Dead), ("good", Outcome::Completed)]
        {
            let handle = fixture.queue.enqueue_async(task(payload).max_attempts(1)).await.unwrap();
            assert_eq!(receive(&events, "an event"), (handle.id(), outcome));
            if outcome == Outcome::Dead {
                let error = handle.info().unwrap().unwrap().error.unwrap();
                assert!(
                    error.contains("panicked: assertion") && error.contains(payload),
                    "{error}"
                );
            }
        }
        pool.shutdown_async(DEADLINE).await
    });
}

#[test]
fn handlers_that_block_run_next_to_futures_and_hold_up_none() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let (open, gate) = crate::support::Gate::new();
    one_thread().block_on(async {
        let runtime = thread::current().id();
        let pool = WorkerPool::builder(queue)
            .workers(10)
            .handle_bytes("blocking", move |_, _| {
                assert_ne!(thread::current().id(), runtime);
                gate.pass();
                Ok(())
            })
            .handle_bytes_async("job", |_, _| async { Ok(()) })
            .start()
            .unwrap();
        let blocking = prismq::NewTask::new("blocking", []);
        queue.enqueue_all_async(vec![blocking; 5]).await.unwrap();
        while pool.stats().running < 5 {
            yield_now().await;
        }
        queue.enqueue_all_async(vec![task("quick"); 20]).await.unwrap();
        while pool.stats().completed < 20 {
            yield_now().await;
        }
        drop(open);
        while pool.stats().completed < 25 {
            yield_now().await;
        }
        let report = pool.shutdown_async(DEADLINE).await;
        assert_eq!(report.stats.per_worker.iter().sum::<u64>(), 25);
    });
}

#[test]
fn payloads_that_are_stored_out_of_line_are_read_for_futures() {
    let fixture = Fixture::new();
    let lengths = [1 << 20, 3 << 20, 1 << 16];
    for length in lengths {
        fixture.enqueue(&"x".repeat(length));
    }
    let (send, sizes) = channel();
    one_thread().block_on(async {
        let pool = WorkerPool::builder(&fixture.queue)
            .workers(2)
            .handle_bytes_async("job", move |payload, _| {
                send.send(payload.len()).unwrap();
                async { Ok(()) }
            })
            .start()
            .unwrap();
        while pool.stats().completed < 3 {
            yield_now().await;
        }
        pool.shutdown_async(DEADLINE).await
    });
    let mut sizes: Vec<_> = sizes.try_iter().collect();
    sizes.sort();
    assert_eq!(sizes, [1 << 16, 1 << 20, 3 << 20]);
}

#[test]
fn a_pool_of_futures_is_started_in_a_runtime_only() {
    let fixture = Fixture::new();
    let builder = || {
        WorkerPool::builder(&fixture.queue)
            .handle_bytes_async("job", |_, _| async { Err(TaskError::permanent("it ran")) })
    };
    let refused = builder().start();
    assert!(matches!(refused, Err(Error::InvalidInput { what: "runtime", .. })), "{refused:?}");
    let runtime = threads();
    let _entered = runtime.enter();
    let pool = builder().start().unwrap();
    let id = fixture.enqueue("work");
    wait_until!(pool.stats().dead == 1);
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Dead);
    assert_eq!(pool.stats().per_worker.len(), prismq::limits::ASYNC_WORKERS_DEFAULT);
    assert!(pool.shutdown(DEADLINE).error.is_none());
}
