//! Worker pools under limits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Limit, Queue, TaskError, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, task, wait_until};

/// How many run at once, and the most that ever did.
#[derive(Default)]
struct Running {
    now: AtomicUsize,
    most: AtomicUsize,
}

fn pool(queue: &Queue, workers: usize, running: &Arc<Running>, gate: &Gate) -> WorkerPool {
    let (running, gate) = (running.clone(), gate.clone());
    WorkerPool::builder(queue)
        .workers(workers)
        .handle_bytes("job", move |_, _| {
            let now = running.now.fetch_add(1, Ordering::SeqCst) + 1;
            running.most.fetch_max(now, Ordering::SeqCst);
            gate.pass();
            running.now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
        .start()
        .unwrap()
}

/// Runs tasks on two pools of other handles, where at most three of them may run at once.
fn three_at_once(fixture: &Fixture) {
    let running = Arc::new(Running::default());
    let (open, gate) = Gate::new();
    let pools = [
        pool(&fixture.queue, 4, &running, &gate),
        pool(&fixture.another_handle(), 4, &running, &gate),
    ];
    wait_until!(running.now.load(Ordering::SeqCst) == 3);
    drop(open);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 300);
    assert_eq!(running.most.load(Ordering::SeqCst), 3);
    for pool in pools {
        assert_eq!(pool.shutdown(DEADLINE).stats.retried, 0);
    }
}

#[test]
fn pools_run_no_more_tasks_of_a_limit_at_once_than_it_allows() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(3)).unwrap();
    fixture.queue.enqueue_all(&vec![task("x").limit("api"); 300]).unwrap();
    three_at_once(&fixture);
}

#[test]
fn pools_run_no_more_tasks_of_a_queue_at_once_than_it_allows() {
    let fixture = Fixture::new();
    fixture.queue.set_concurrency("default", Some(3)).unwrap();
    fixture.queue.enqueue_all(&vec![task("x"); 300]).unwrap();
    three_at_once(&fixture);
}

#[test]
fn pools_run_the_ordered_tasks_of_each_key_in_order() {
    let fixture = Fixture::new();
    let tasks: Vec<_> = (0..400)
        .map(|number: u32| task(&number.to_string()).key((number % 7).to_string()).ordered())
        .collect();
    fixture.queue.enqueue_all(&tasks).unwrap();
    let ran: Arc<Mutex<HashMap<u32, Vec<u32>>>> = Arc::default();
    let pools = [fixture.queue.clone(), fixture.another_handle()].map(|queue| {
        let ran = ran.clone();
        WorkerPool::builder(&queue)
            .workers(4)
            .handle_bytes("job", move |payload, _| {
                let number: u32 = std::str::from_utf8(&payload)?.parse()?;
                ran.lock().unwrap().entry(number % 7).or_default().push(number);
                Ok(())
            })
            .start()
            .unwrap()
    });
    wait_until!(fixture.queue.stats("default").unwrap().completed == 400);
    drop(pools);
    for (key, numbers) in ran.lock().unwrap().iter() {
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
}

/// The handlers block, so that only what the pool holds beyond them could keep the other from its share.
#[test]
fn a_pool_holds_no_slot_of_a_limit_ahead_of_its_workers() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(4)).unwrap();
    let running = Arc::new(Running::default());
    let (quick, open_gate) = Gate::new();
    drop(quick);
    let first = pool(&fixture.queue, 1, &running, &open_gate);
    fixture.queue.enqueue_all(&vec![task("x").limit("api"); 200]).unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 200);
    first.shutdown(DEADLINE);

    let (open, gate) = Gate::new();
    let one = pool(&fixture.queue, 1, &running, &gate);
    fixture.queue.enqueue_all(&vec![task("x").limit("api"); 20]).unwrap();
    wait_until!(running.now.load(Ordering::SeqCst) == 1);
    let other = pool(&fixture.another_handle(), 3, &running, &gate);
    wait_until!(running.now.load(Ordering::SeqCst) == 4);
    assert_eq!(fixture.queue.limits().unwrap()[0].running, 4);
    drop(open);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 220);
    drop((one, other));
}

#[test]
fn a_pool_waits_for_the_rate_and_goes_on_by_itself() {
    let fixture = Fixture::new();
    let second = Duration::from_secs(1);
    fixture.queue.set_limit("api", Limit::rate(1, second)).unwrap();
    fixture.queue.set_limit("each", Limit::rate(1, second).per_key()).unwrap();
    fixture.queue.enqueue_all(&vec![task("x").limit("api"); 3]).unwrap();
    fixture.queue.enqueue_all(&vec![task("x").limit("each").key("k"); 3]).unwrap();
    let running = Arc::new(Running::default());
    let (open, gate) = Gate::new();
    drop(open);
    let pool = pool(&fixture.queue, 2, &running, &gate);
    for completed in [2, 4, 6] {
        wait_until!(fixture.queue.stats("default").unwrap().completed == completed);
        wait_until!(fixture.queue.stats("default").unwrap().leased == 0);
        fixture.clock.advance(second);
    }
    drop(pool);
}

#[test]
fn a_pool_that_waits_for_a_slot_is_woken_by_the_pool_that_frees_it() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    let running = Arc::new(Running::default());
    let (open, gate) = Gate::new();
    let mail = prismq::WorkerPool::builder(&fixture.queue)
        .workers(1)
        .queue("mail")
        .handle_bytes("job", gate.clone().handler())
        .start()
        .unwrap();
    fixture.queue.enqueue(&task("x").limit("api").queue("mail")).unwrap();
    wait_until!(mail.stats().running == 1);
    let (free, passes) = Gate::new();
    drop(free);
    let waits = pool(&fixture.queue, 1, &running, &passes);
    fixture.queue.enqueue(&task("x").limit("api")).unwrap();
    let empty = fixture.queue.contention().empty_claims;
    fixture.queue.enqueue(&task("unserved").queue("none")).unwrap();
    wait_until!(fixture.queue.contention().empty_claims >= empty);
    assert_eq!(running.most.load(Ordering::SeqCst), 0);
    drop(open);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
    drop((mail, waits));
}

/// The leases were given before their number was bounded, so that nothing in them says so.
#[test]
fn a_pool_waits_for_a_slot_that_a_lease_from_before_the_bound_frees() {
    for fails in [false, true] {
        let fixture = Fixture::new();
        let queue = &fixture.queue;
        queue.enqueue_all(&vec![task("x"); 2]).unwrap();
        let leases = fixture.claim(2);
        queue.set_concurrency("default", Some(1)).unwrap();
        queue.enqueue(task("waits")).unwrap();
        let (open, gate) = Gate::new();
        drop(open);
        let empty = queue.contention().empty_claims;
        let pool = pool(queue, 1, &Arc::default(), &gate);
        wait_until!(queue.contention().empty_claims > empty);
        for lease in &leases {
            if fails {
                queue.fail(lease, TaskError::permanent("no")).unwrap();
            } else {
                queue.complete(lease).unwrap();
            }
        }
        wait_until!(pool.stats().completed == 1);
        drop(pool);
    }
}
