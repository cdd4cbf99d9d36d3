//! Tasks that kill the process that runs them, one after another, next to good ones that are given no
//! more than two attempts: each good task is completed.
//!
//! Failure mode: payload: another one kills the process

use std::time::Duration;

use prismq::{Queue, State};
use prismq_check::{
    EnqueueRequest, History, Listener, Process, Role, Rules, SeedRunner, Served, soak, this_test,
};

use crate::support::fleet::{Fleet, report};
use crate::support::wait_until;

const ATTEMPTS: u32 = 3;
const POISON_BYTES: usize = 666;
const PROCESSES: usize = 2;
/// So long that a busy machine does not let one of them expire.
const LEASE: Duration = Duration::from_secs(1);
const ROLE: Role = Role::Pools {
    workers: 4,
    restarts: false,
    listener: Listener::Plain,
    produces: false,
    queues: Served::One,
};

#[test]
fn no_task_dies_of_another_that_kills_its_process() {
    let seeds = SeedRunner::random(this_test!("no_task_dies_of_another_that_kills_its_process"));
    let mut rng = seeds.rng();
    let mut fleet = Fleet::new();
    let queue = Queue::open(fleet.path()).unwrap();
    let (mut producer, recorder) = fleet.client(queue.clone());
    let mut running: Vec<Process> =
        (0..PROCESSES).map(|_| fleet.start_with(ROLE, rng.u64(..), LEASE)).collect();
    let mut deaths = 0;
    for _ in 0..if soak().is_some() { 30 } else { 2 } {
        let place = rng.usize(..30);
        let mut poison = None;
        for number in 0..40 {
            if number == place {
                let job = EnqueueRequest {
                    payload_bytes: POISON_BYTES,
                    deadly: true,
                    max_attempts: ATTEMPTS,
                    ..EnqueueRequest::default()
                };
                poison = Some(producer.enqueue(&job).unwrap().1.id());
            }
            let payload_bytes = 100 + rng.usize(..20);
            producer
                .enqueue(&EnqueueRequest {
                    payload_bytes,
                    max_attempts: 2,
                    ..EnqueueRequest::default()
                })
                .unwrap();
        }
        let poison = poison.unwrap();
        let dead = || queue.task(poison).unwrap().is_some_and(|task| task.state == State::Dead);
        let left = || {
            let stats = queue.stats("default").unwrap();
            stats.ready + stats.scheduled + stats.leased
        };
        wait_until("the poison is dead and nothing else is left", || {
            for process in &mut running {
                if process.has_ended() {
                    let successor = fleet.start_with(ROLE, rng.u64(..), LEASE);
                    let died = std::mem::replace(process, successor);
                    fleet.add(died.wait_for_death().unwrap());
                    deaths += 1;
                }
            }
            dead() && left() == 0
        });
    }
    for process in running {
        fleet.add(process.stop().unwrap());
    }
    fleet.add(History::of(&recorder));
    let rules =
        Rules { drained: true, complete_history: true, killed_by_tasks_only: true, ..Rules::PLAIN };
    let verdict = fleet.verdict(&rules);
    assert!(verdict.is_sound(), "{verdict}");
    report(&format!("{deaths} deaths of poison"), &verdict.counts);
    assert!(deaths >= ATTEMPTS, "{deaths} deaths");
}
