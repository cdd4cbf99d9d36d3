//! One pool that serves several queues.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use prismq::limits::{POOL_QUEUES_MAX, QUEUE_SHARE_MAX};
use prismq::{Error, NewTask, PoolQueues, Queue, TaskError, WorkerPool, WorkerPoolBuilder};

use crate::support::{DEADLINE, Fixture, Gate, receive, task, wait_until};

fn builder(queue: &Queue, queues: PoolQueues) -> WorkerPoolBuilder {
    WorkerPool::builder(queue).queues(queues).workers(1)
}

fn of(queue: &str) -> NewTask {
    task(queue).queue(queue)
}

fn completed(queue: &Queue, names: &[&str]) -> u64 {
    names.iter().map(|name| queue.stats(name).unwrap().completed).sum()
}

/// The queues of the tasks that a pool of one worker begins, all of which were there before it.
fn served(fixture: &Fixture, queues: PoolQueues, names: &[&str]) -> Vec<String> {
    let total: u64 = names.iter().map(|name| fixture.queue.stats(name).unwrap().ready).sum();
    let begun: Arc<Mutex<Vec<String>>> = Arc::default();
    let pool = {
        let begun = begun.clone();
        builder(&fixture.queue, queues)
            .handle_bytes("job", move |_, task| {
                begun.lock().unwrap().push(task.queue().to_owned());
                Ok(())
            })
            .start()
            .unwrap()
    };
    wait_until!(completed(&fixture.queue, names) == total);
    drop(pool);
    let begun = begun.lock().unwrap();
    begun.clone()
}

#[test]
fn in_strict_order_a_queue_waits_for_those_before_it() {
    let fixture = Fixture::new();
    for name in ["low", "high", "middle"] {
        fixture.queue.enqueue_all(&vec![of(name); 50]).unwrap();
    }
    let order = PoolQueues::in_order(["high", "middle", "low"]);
    let begun = served(&fixture, order, &["high", "middle", "low"]);
    let expected: Vec<_> =
        ["high", "middle", "low"].iter().flat_map(|name| vec![(*name).to_owned(); 50]).collect();
    assert_eq!(begun, expected);
}

#[test]
fn by_share_queues_are_served_in_proportion() {
    let fixture = Fixture::new();
    for name in ["default", "bulk"] {
        fixture.queue.enqueue_all(&vec![of(name); 400]).unwrap();
    }
    let shares = PoolQueues::by_share([("default", 3), ("bulk", 1)]);
    let begun = served(&fixture, shares, &["default", "bulk"]);
    // Until one of them is empty.
    let of_default = begun[..400].iter().filter(|name| *name == "default").count();
    assert!((280..=320).contains(&of_default), "{of_default} of 400");
}

#[test]
fn no_more_workers_than_its_bound_are_busy_with_a_queue_and_none_idles_for_it() {
    let fixture = Fixture::new();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (open, gate) = Gate::new();
    fixture.queue.enqueue_all(&vec![of("media"); 20]).unwrap();
    let pool = {
        let (running, most, gate) = (running.clone(), most.clone(), gate);
        builder(&fixture.queue, PoolQueues::in_order(["media", "default"]).at_most("media", 2))
            .workers(4)
            .handle_bytes("job", move |_, task| {
                if task.queue() == "default" {
                    return Ok(());
                }
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                gate.pass();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
            .start()
            .unwrap()
    };
    wait_until!(running.load(Ordering::SeqCst) == 2);
    // Others go on, in whichever way they come.
    fixture.queue.enqueue_all(&vec![of("default"); 100]).unwrap();
    wait_until!(completed(&fixture.queue, &["default"]) == 100);
    fixture.another_handle().enqueue(of("default")).unwrap();
    wait_until!(completed(&fixture.queue, &["default"]) == 101);
    assert_eq!(running.load(Ordering::SeqCst), 2);
    let held = pool.stats().per_queue[0].clone();
    assert_eq!((&*held.queue, held.running), ("media", 2));
    drop(open);
    wait_until!(completed(&fixture.queue, &["media"]) == 20);
    assert_eq!(most.load(Ordering::SeqCst), 2);
    wait_until!(pool.stats().per_queue.iter().map(|queue| queue.completed).sum::<u64>() == 121);
    drop(pool);
}

/// The pool is idle, so that only what is enqueued can wake it.
#[test]
fn an_idle_pool_hears_of_tasks_in_all_of_its_queues() {
    for by_share in [false, true] {
        let fixture = Fixture::new();
        let other = fixture.another_handle();
        let queues = match by_share {
            false => PoolQueues::in_order(["a", "b"]),
            true => PoolQueues::by_share([("a", 2), ("b", 1)]),
        };
        let pool =
            builder(&fixture.queue, queues).handle_bytes("job", |_, _| Ok(())).start().unwrap();
        for (count, name) in ["a", "b", "b", "a"].into_iter().enumerate() {
            let empty = fixture.queue.contention().empty_claims;
            wait_until!(pool.stats().running == 0 && pool.stats().unsettled == 0);
            let queue = if count % 2 == 0 { &fixture.queue } else { &other };
            queue.enqueue(of(name)).unwrap();
            wait_until!(pool.stats().completed == count as u64 + 1);
            wait_until!(fixture.queue.contention().empty_claims > empty);
        }
        drop(pool);
    }
}

#[test]
fn a_task_of_a_queue_that_comes_before_waits_for_one_running_handler_at_most() {
    let fixture = Fixture::new();
    let (begun, begins) = channel();
    let (open, gate) = Gate::new();
    let pool = builder(&fixture.queue, PoolQueues::in_order(["urgent", "default"]))
        .handle_bytes("job", move |_, task| {
            _ = begun.send(task.queue().to_owned());
            gate.pass();
            Ok(())
        })
        .start()
        .unwrap();
    // Quick ones, so that more are held ahead.
    fixture.queue.enqueue_all(&vec![of("default"); 500]).unwrap();
    for _ in 0..100 {
        open.send(()).unwrap();
        assert_eq!(receive(&begins, "a handler begins"), "default");
    }
    assert_eq!(receive(&begins, "a handler begins"), "default");
    fixture.queue.enqueue(of("urgent")).unwrap();
    open.send(()).unwrap();
    assert_eq!(receive(&begins, "the next handler begins"), "urgent");
    drop(open);
    drop(pool);
}

#[test]
fn pools_of_two_handles_share_several_queues_and_lose_nothing() {
    let fixture = Fixture::new();
    let done: Arc<Mutex<Vec<usize>>> = Arc::default();
    let names = ["a", "b", "c"];
    let numbered = |number: usize| task(&number.to_string()).queue(names[number % 3]);
    let tasks: Vec<_> = (0..600).map(numbered).collect();
    let queues = [
        PoolQueues::in_order(names).at_most("a", 1),
        PoolQueues::by_share([("c", 1), ("b", 5), ("a", 2)]).at_most("b", 2),
    ];
    let handles = [fixture.queue.clone(), fixture.another_handle()];
    let pools: Vec<_> = handles
        .iter()
        .zip(queues)
        .map(|(queue, queues)| {
            let done = done.clone();
            builder(queue, queues)
                .workers(3)
                .handle_bytes("job", move |payload, task| {
                    let number = std::str::from_utf8(&payload)?.parse()?;
                    done.lock().unwrap().push(number);
                    match number % 10 {
                        0 if task.attempt() == 1 => {
                            Err(TaskError::new("again").retry_after(std::time::Duration::ZERO))
                        }
                        _ => Ok(()),
                    }
                })
                .start()
                .unwrap()
        })
        .collect();
    for chunk in tasks.chunks(50) {
        fixture.queue.enqueue_all(chunk).unwrap();
    }
    wait_until!(completed(&fixture.queue, &names) == 600);
    for pool in pools {
        assert!(pool.shutdown(DEADLINE).error.is_none());
    }
    let mut done = done.lock().unwrap().clone();
    assert_eq!(done.len(), 660, "60 of them twice");
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), 600);
}

#[test]
fn a_paused_queue_gives_back_what_was_held_and_the_others_go_on() {
    let fixture = Fixture::new();
    let (begun, begins) = channel();
    let (open, gate) = Gate::new();
    let pool = builder(&fixture.queue, PoolQueues::in_order(["a", "b"]))
        .handle_bytes("job", move |_, task| {
            _ = begun.send(task.queue().to_owned());
            gate.pass();
            Ok(())
        })
        .start()
        .unwrap();
    fixture.queue.enqueue_all(&vec![of("a"); 50]).unwrap();
    fixture.queue.enqueue_all(&vec![of("b"); 2]).unwrap();
    for _ in 0..9 {
        receive(&begins, "a handler begins");
        open.send(()).unwrap();
    }
    receive(&begins, "a handler begins");
    fixture.queue.pause("a").unwrap();
    wait_until!(fixture.queue.stats("a").unwrap().leased == 1);
    open.send(()).unwrap();
    assert_eq!(receive(&begins, "a handler begins"), "b");
    open.send(()).unwrap();
    assert_eq!(receive(&begins, "a handler begins"), "b");
    fixture.queue.resume("a").unwrap();
    open.send(()).unwrap();
    assert_eq!(receive(&begins, "a handler begins"), "a");
    drop(open);
    wait_until!(completed(&fixture.queue, &["a", "b"]) == 52);
    drop(pool);
}

#[test]
fn events_and_statistics_name_the_queue() {
    let fixture = Fixture::new();
    let (sent, events) = channel();
    let pool = builder(&fixture.queue, PoolQueues::in_order(["a", "b"]))
        .handle_bytes("job", |_, task| match task.queue() {
            "a" => Ok(()),
            _ => Err(TaskError::permanent("no")),
        })
        .on_event(move |event| sent.send(event.clone()).unwrap())
        .start()
        .unwrap();
    for name in ["a", "b"] {
        fixture.queue.enqueue(of(name)).unwrap();
        assert_eq!(&*receive(&events, "an event").queue, name);
    }
    let stats = pool.shutdown(DEADLINE).stats;
    let counts: Vec<_> =
        stats.per_queue.iter().map(|queue| (&*queue.queue, queue.completed, queue.dead)).collect();
    assert_eq!(counts, [("a", 1, 0), ("b", 0, 1)]);
}

#[test]
fn run_until_empty_drains_all_queues_with_any_bounds() {
    let fixture = Fixture::new();
    for name in ["a", "b"] {
        fixture.queue.enqueue_all(&vec![of(name); 30]).unwrap();
    }
    let report = builder(&fixture.queue, PoolQueues::in_order(["a", "b"]).at_most("a", 1))
        .workers(2)
        .handle_bytes("job", |_, _| Ok(()))
        .run_until_empty()
        .unwrap();
    assert_eq!(report.stats.completed, 60);
}

#[test]
fn queues_that_cannot_be_served_are_refused() {
    let fixture = Fixture::new();
    let none: [&str; 0] = [];
    let many = || (0..=POOL_QUEUES_MAX).map(|number| format!("q{number}"));
    let cases = [
        (PoolQueues::in_order(none), "0 are named, a pool serves 1 to"),
        (PoolQueues::in_order(many()), "33 are named, a pool serves 1 to"),
        (PoolQueues::in_order(["a", "b", "a"]), "\"a\" is named twice"),
        (PoolQueues::in_order(["a", ""]), "queue name"),
        (PoolQueues::by_share([("a", 0)]), "0 for \"a\", must be 1 to"),
        (PoolQueues::by_share([("a", QUEUE_SHARE_MAX + 1)]), "must be 1 to"),
        (PoolQueues::by_share([("a", 1), ("a", 2)]), "\"a\" is named twice"),
        (PoolQueues::in_order(["a"]).at_most("b", 1), "\"b\", which is not served"),
        (PoolQueues::in_order(["a"]).at_most("a", 0), "0 for \"a\", must be at least 1"),
        (PoolQueues::in_order(["a"]).at_most("a", 1).at_most("a", 2), "bounded twice"),
    ];
    for (queues, reason) in cases {
        let refused = builder(&fixture.queue, queues).handle_bytes("job", |_, _| Ok(())).start();
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let twice = WorkerPool::builder(&fixture.queue).queue("a").queue("b");
    let error = twice.handle_bytes("job", |_, _| Ok(())).start().unwrap_err();
    assert!(error.to_string().contains("set twice: name all of them in one call"), "{error}");
}
