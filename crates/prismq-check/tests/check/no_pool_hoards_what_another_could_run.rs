//! Two processes with a pool each on one queue: whatever handlers take, no pool keeps a task that it has not
//! begun while a worker of the other is idle.

use std::time::Duration;

use prismq::Queue;
use prismq_check::{History, Job, Listener, Process, Replay, Role, Rules, soak};

use crate::fleet::{Fleet, report};

/// So long that none is extended, so that its end shows when it was claimed.
const LEASE: Duration = Duration::from_secs(600);
/// What pools promise.
const PROMISED: Duration = Duration::from_millis(50);
/// What threads of a busy machine may be late by, beyond what the meters of both processes saw.
const NOISE: Duration = Duration::from_millis(100);

/// Tasks whose handlers take so many milliseconds each.
type Load = Vec<u64>;

fn is_shared(load: &Load, loads_before: &Load, seed: u64) {
    let mut fleet = Fleet::without_disk();
    let queue = Queue::open(fleet.path()).unwrap();
    let (mut producer, recorder) = fleet.actor(queue.clone());
    let pool =
        Role::Pools { workers: 2, restarts: false, listener: Listener::Plain, produces: false };
    let mut enqueue = |load: &Load| {
        for millis in load {
            let payload_bytes = 100 + usize::try_from(*millis).unwrap();
            producer.enqueue(&Job { payload_bytes, ..Job::default() }).unwrap();
        }
    };
    enqueue(loads_before);
    enqueue(load);
    let first = fleet.start_with(pool, seed, LEASE);
    let all = loads_before.len() + load.len();
    let done = || usize::try_from(queue.stats("default").unwrap().completed).unwrap();
    let wait = |tasks: usize, process: &Process| {
        while done() < tasks {
            assert!(!process.has_ended(), "a process died");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    wait(loads_before.len(), &first);
    let second = fleet.start_with(pool, seed, LEASE);
    wait(all, &first);
    fleet.heard(first.stop().unwrap());
    fleet.heard(second.stop().unwrap());
    fleet.heard(History::of(&recorder));
    let rules = Rules {
        drained: true,
        all_told: true,
        shared_within: Some(PROMISED + NOISE),
        ..Rules::PLAIN
    };
    let verdict = fleet.verdict(&rules);
    assert!(verdict.is_sound(), "{verdict}");
    report("two pools", &verdict.counts);
    assert_eq!(verdict.counts.runs, u64::try_from(all).unwrap());
    assert!(verdict.counts.held.count > 0, "no lease was seen");
}

/// A pool that has learnt that handlers are quick meets slow ones.
#[test]
fn slow_tasks_after_quick_ones_are_shared() {
    let replay = replay("slow_tasks_after_quick_ones_are_shared");
    for _ in 0..if soak().is_some() { 20 } else { 1 } {
        is_shared(&vec![60; 60], &vec![0; 2000], replay.seed());
    }
}

/// One task in twenty takes so long that what was claimed behind it must go back.
#[test]
fn tasks_behind_a_long_one_are_shared() {
    let replay = replay("tasks_behind_a_long_one_are_shared");
    let mut chance = replay.chance();
    for _ in 0..if soak().is_some() { 20 } else { 1 } {
        let load = (0..600).map(|_| if chance.u8(..20) == 0 { 300 } else { 1 }).collect();
        is_shared(&load, &vec![1; 100], replay.seed());
    }
}

fn replay(test: &str) -> Replay {
    let name = format!("no_pool_hoards_what_another_could_run::{test}");
    Replay::of("prismq-check", "check", &name)
}
