//! Worker pools in several processes, with handlers of all kinds: no-ops and long ones, some beyond their
//! time limit, some that fail or panic. Some pools serve two queues. They are shut down, at times too soon, and started
//! again, their processes killed and stopped at random times; all of it is recorded and checked as direct callers are.
//!
//! Failure mode: pool: slow, failing, panicking and timed out handlers, shutdowns, kills and stops | every promise as to direct callers

use std::thread;
use std::time::{Duration, Instant};

use prismq_check::{Counts, Listener, Process, Role, Rules, SeedRunner, Served, soak, this_test};

use crate::support::fleet::{Fleet, LEASE, report};

const QUICK: Duration = Duration::from_secs(10);
/// For how long one file is used, before all that is left is drained and a new one begun.
const OF_ONE_FILE: Duration = Duration::from_secs(10);
const ROLES: [Role; 5] = [
    pools(2, true, Listener::Plain, true, Served::ByShare),
    pools(4, false, Listener::Slow, false, Served::InOrder),
    pools(1, true, Listener::Panicking, true, Served::One),
    pools(3, false, Listener::Plain, true, Served::InOrder),
    // A direct caller among them.
    Role::Work,
];
/// The same under an operator's hands, who cancels what they hold.
const WITH_OPERATORS: [Role; 4] = [
    pools(2, true, Listener::Plain, true, Served::One),
    pools(3, false, Listener::Slow, false, Served::One),
    Role::Operate { works: true },
    Role::Operate { works: false },
];
const RULES: Rules = Rules { complete_history: true, ..Rules::PLAIN };

const fn pools(
    workers: usize,
    restarts: bool,
    listener: Listener,
    produces: bool,
    queues: Served,
) -> Role {
    Role::Pools { workers, restarts, listener, produces, queues }
}

#[test]
fn pools_keep_every_promise_however_they_end() {
    let seeds = SeedRunner::random(this_test!("pools_keep_every_promise_however_they_end"));
    many_files(&seeds, &ROLES);
}

#[test]
fn pools_keep_every_promise_while_operators_are_at_work() {
    let seeds =
        SeedRunner::random(this_test!("pools_keep_every_promise_while_operators_are_at_work"));
    let counts = many_files(&seeds, &WITH_OPERATORS);
    let all = [counts.keys_taken, counts.cancelled, counts.acts, counts.slots];
    assert!(all.iter().all(|count| *count > 0), "{counts}");
}

fn many_files(seeds: &SeedRunner, roles: &[Role]) -> Counts {
    let mut rng = seeds.rng();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    let mut counts = Counts::default();
    let mut kills = 0;
    while Instant::now() < until {
        counts = counts.and(one_file(roles, &mut rng, until, &mut kills));
    }
    report(&format!("pools, {kills} kills"), &counts);
    assert!(counts.runs > 100 && counts.completed > 100, "{counts}");
    counts
}

fn one_file(roles: &[Role], rng: &mut fastrand::Rng, until: Instant, kills: &mut u32) -> Counts {
    let until = until.min(Instant::now() + OF_ONE_FILE);
    let mut fleet = Fleet::new();
    let mut running: Vec<Process> =
        roles.iter().map(|role| fleet.start(*role, rng.u64(..))).collect();
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(rng.u64(50..400)));
        let place = rng.usize(..roles.len());
        let successor = fleet.start(roles[place], rng.u64(..));
        let process = std::mem::replace(&mut running[place], successor);
        match rng.u8(..4) {
            0 => {
                process.pause().unwrap();
                thread::sleep(LEASE + Duration::from_millis(rng.u64(0..100)));
                process.resume().unwrap();
                thread::sleep(Duration::from_millis(rng.u64(0..50)));
                fleet.add(process.kill().unwrap());
            }
            1 => fleet.add(process.stop().unwrap()),
            _ => fleet.add(process.kill().unwrap()),
        }
        *kills += 1;
    }
    for process in running {
        fleet.add(process.stop().unwrap());
    }
    let verdict = fleet.drain(&RULES);
    assert!(verdict.is_sound(), "{verdict}");
    verdict.counts
}
