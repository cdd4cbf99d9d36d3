//! Two processes with a pool each on one queue: however long handlers take, no pool keeps a task that it has not
//! begun while a worker of the other is idle.
//!
//! Failure mode: pool: slow tasks after quick ones, and quick ones behind slow ones | shared with a pool that idles

use std::time::Duration;

use prismq::Queue;
use prismq_check::{
    EnqueueRequest, History, Listener, Process, Role, Rules, SeedRunner, Served, soak, this_test,
};

use crate::support::fleet::{Fleet, report};
use crate::support::wait_until;

/// So long that none is extended, so that its end shows when it was claimed.
const LEASE: Duration = Duration::from_secs(600);
/// What pools promise.
const PROMISED: Duration = Duration::from_millis(50);
/// How late threads of a busy machine may be, beyond the stalls that both processes measured.
const NOISE: Duration = Duration::from_millis(100);

/// Tasks, as the milliseconds that their handlers take.
type Load = Vec<u64>;

/// The first load is the first pool's alone; each of the others follows once the one before is done.
fn are_shared(loads: &[Load], seed: u64) {
    let mut fleet = Fleet::without_disk();
    let queue = Queue::open(fleet.path()).unwrap();
    let (mut producer, recorder) = fleet.client(queue.clone());
    let pool = Role::Pools {
        workers: 2,
        restarts: false,
        listener: Listener::Plain,
        produces: false,
        queues: Served::One,
    };
    let mut pools = vec![fleet.start_with(pool, seed, LEASE)];
    let mut enqueued = 0;
    for load in loads {
        for millis in load {
            let payload_bytes = 100 + usize::try_from(*millis).unwrap();
            producer
                .enqueue(&EnqueueRequest { payload_bytes, ..EnqueueRequest::default() })
                .unwrap();
            enqueued += 1;
        }
        wait_until("all tasks are completed", || {
            assert!(!pools.iter().any(Process::has_ended), "a process died");
            queue.stats("default").unwrap().completed == enqueued
        });
        if pools.len() == 1 {
            let second = fleet.start_with(pool, seed, LEASE);
            // Its first stall shows that its pool has started.
            assert!(second.wait_until(|recorded| recorded.len() > 1));
            pools.push(second);
        }
    }
    for pool in pools {
        fleet.add(pool.stop().unwrap());
    }
    fleet.add(History::of(&recorder));
    let shared_within = Some(PROMISED + NOISE);
    let rules = Rules { drained: true, complete_history: true, shared_within, ..Rules::PLAIN };
    let verdict = fleet.verdict(&rules);
    assert!(verdict.is_sound(), "{verdict}");
    report("two pools", &verdict.counts);
    assert_eq!(verdict.counts.runs, enqueued);
    assert!(verdict.counts.held.count > 0, "no lease was seen");
}

/// A pool that has learnt that handlers are quick meets slow ones.
#[test]
fn slow_tasks_after_quick_ones_are_shared() {
    let seeds = SeedRunner::random(this_test!("slow_tasks_after_quick_ones_are_shared"));
    for _ in 0..if soak().is_some() { 20 } else { 1 } {
        are_shared(&[vec![0; 2000], vec![60; 60]], seeds.seed());
    }
}

/// A few tasks take so long that what was claimed behind them must go back.
#[test]
fn tasks_behind_a_long_one_are_shared() {
    let seeds = SeedRunner::random(this_test!("tasks_behind_a_long_one_are_shared"));
    let mut rng = seeds.rng();
    for _ in 0..if soak().is_some() { 20 } else { 1 } {
        let mut loads = vec![vec![1; 200]];
        for _ in 0..8 {
            loads.push((0..40).map(|_| if rng.u8(..20) == 0 { 400 } else { 1 }).collect());
        }
        are_shared(&loads, seeds.seed());
    }
}
