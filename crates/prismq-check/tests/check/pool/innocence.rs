//! Tasks that kill the process of whoever runs them, one after another, next to good ones that are given no
//! more than two attempts: each good task is completed.

use std::time::Duration;

use prismq::{Queue, State};
use prismq_check::{History, Job, Listener, Process, Replay, Role, Rules, soak};

use crate::support::fleet::{Fleet, report};

const ATTEMPTS: u32 = 3;
const POISON_BYTES: usize = 666;
const PROCESSES: usize = 2;
/// So long that a busy machine does not let one of them expire.
const LEASE: Duration = Duration::from_secs(1);
const ROLE: Role =
    Role::Pools { workers: 4, restarts: false, listener: Listener::Plain, produces: false };

#[test]
fn no_task_dies_of_another_that_kills_its_process() {
    let replay = Replay::of(
        "prismq-check",
        "check",
        "pool::innocence::no_task_dies_of_another_that_kills_its_process",
    );
    let mut chance = replay.chance();
    let mut fleet = Fleet::new();
    let queue = Queue::open(fleet.path()).unwrap();
    let (mut producer, recorder) = fleet.actor(queue.clone());
    let mut running: Vec<Process> =
        (0..PROCESSES).map(|_| fleet.start_with(ROLE, chance.u64(..), LEASE)).collect();
    let mut deaths = 0;
    for _ in 0..if soak().is_some() { 30 } else { 2 } {
        let place = chance.usize(..30);
        let mut poison = None;
        for number in 0..40 {
            if number == place {
                let job = Job {
                    payload_bytes: POISON_BYTES,
                    deadly: true,
                    max_attempts: ATTEMPTS,
                    ..Job::default()
                };
                poison = Some(producer.enqueue(&job).unwrap().1);
            }
            let payload_bytes = 100 + chance.usize(..20);
            producer.enqueue(&Job { payload_bytes, max_attempts: 2, ..Job::default() }).unwrap();
        }
        let poison = poison.unwrap();
        let dead = || queue.task(poison).unwrap().is_some_and(|task| task.state == State::Dead);
        let left = || {
            let stats = queue.stats("default").unwrap();
            stats.ready + stats.scheduled + stats.leased
        };
        while !dead() || left() > 0 {
            for process in &mut running {
                if process.has_ended() {
                    let successor = fleet.start_with(ROLE, chance.u64(..), LEASE);
                    let died = std::mem::replace(process, successor);
                    fleet.heard(died.die().unwrap());
                    deaths += 1;
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    for process in running {
        fleet.heard(process.stop().unwrap());
    }
    fleet.heard(History::of(&recorder));
    let rules = Rules { drained: true, all_told: true, killed_by_tasks_only: true, ..Rules::PLAIN };
    let verdict = fleet.verdict(&rules);
    assert!(verdict.is_sound(), "{verdict}");
    report(&format!("{deaths} deaths of poison"), &verdict.counts);
    assert!(deaths >= ATTEMPTS, "{deaths} deaths");
}
