//! Worker pools in several processes, with handlers of all kinds: no-ops and long ones, some beyond their
//! time limit, some that fail or panic. Pools are shut down, at times too soon, and started again, their
//! processes killed and stopped at random times; all of it is recorded and judged as what direct callers do.

use std::thread;
use std::time::{Duration, Instant};

use prismq_check::{Counts, Listener, Process, Replay, Role, Rules, soak};

use crate::support::fleet::{Fleet, LEASE, report};

const QUICK: Duration = Duration::from_secs(10);
/// For how long one file is used, before all that is left is drained and a new one begun.
const OF_ONE_FILE: Duration = Duration::from_secs(10);
const ROLES: [Role; 5] = [
    pools(2, true, Listener::Plain, true),
    pools(4, false, Listener::Slow, false),
    pools(1, true, Listener::Panicking, true),
    pools(3, false, Listener::Plain, true),
    // A direct caller among them.
    Role::Work,
];
const RULES: Rules = Rules { all_told: true, ..Rules::PLAIN };

const fn pools(workers: usize, restarts: bool, listener: Listener, produces: bool) -> Role {
    Role::Pools { workers, restarts, listener, produces }
}

#[test]
fn pools_keep_every_promise_however_they_end() {
    let replay = Replay::of(
        "prismq-check",
        "check",
        "pool::lifecycle::pools_keep_every_promise_however_they_end",
    );
    let mut chance = replay.chance();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    let mut counts = Counts::default();
    let mut kills = 0;
    while Instant::now() < until {
        counts = counts.and(one_file(&mut chance, until, &mut kills));
    }
    report(&format!("pools, {kills} kills"), &counts);
    assert!(counts.runs > 100 && counts.completed > 100, "{counts}");
}

fn one_file(chance: &mut fastrand::Rng, until: Instant, kills: &mut u32) -> Counts {
    let until = until.min(Instant::now() + OF_ONE_FILE);
    let mut fleet = Fleet::new();
    let mut running: Vec<Process> =
        ROLES.iter().map(|role| fleet.start(*role, chance.u64(..))).collect();
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(chance.u64(50..400)));
        let place = chance.usize(..ROLES.len());
        let successor = fleet.start(ROLES[place], chance.u64(..));
        let process = std::mem::replace(&mut running[place], successor);
        match chance.u8(..4) {
            0 => {
                process.pause().unwrap();
                thread::sleep(LEASE + Duration::from_millis(chance.u64(0..100)));
                process.resume().unwrap();
                thread::sleep(Duration::from_millis(chance.u64(0..50)));
                fleet.heard(process.kill().unwrap());
            }
            1 => fleet.heard(process.stop().unwrap()),
            _ => fleet.heard(process.kill().unwrap()),
        }
        *kills += 1;
    }
    for process in running {
        fleet.heard(process.stop().unwrap());
    }
    let verdict = fleet.drain(&RULES);
    assert!(verdict.is_sound(), "{verdict}");
    verdict.counts
}
