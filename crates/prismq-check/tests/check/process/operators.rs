//! Failure mode: process: killed while unique tasks, times to live, schedules, cancellations, redrives and deletions are used | each of their promises holds

use std::thread;
use std::time::{Duration, Instant};

use prismq_check::{Counts, Process, Role, Rules, SeedRunner, soak, this_test};

use crate::support::fleet::{Fleet, report};

const QUICK: Duration = Duration::from_secs(8);
const PROCESSES: usize = 3;
const KILLS: u32 = 40;
const ROLE: Role = Role::Operate { works: true };
const RULES: Rules = Rules {
    reclaimed_within: Some(Duration::from_secs(60)),
    complete_history: true,
    ..Rules::PLAIN
};

#[test]
fn operators_and_schedules_break_no_promise_under_kill_9() {
    let seeds =
        SeedRunner::random(this_test!("operators_and_schedules_break_no_promise_under_kill_9"));
    let mut rng = seeds.rng();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    let (mut counts, mut kills) = (Counts::default(), 0);
    while Instant::now() < until {
        counts = counts.and(one_file(&mut rng, until, &mut kills));
    }
    report(&format!("{PROCESSES} processes with operators, {kills} kills"), &counts);
    let all = [counts.completed, counts.keys_taken, counts.cancelled, counts.acts, counts.slots];
    assert!(all.iter().all(|count| *count > 0), "{counts}");
}

fn one_file(rng: &mut fastrand::Rng, until: Instant, kills: &mut u32) -> Counts {
    let mut fleet = Fleet::new();
    let mut running: Vec<Process> =
        (0..PROCESSES).map(|_| fleet.start(ROLE, rng.u64(..))).collect();
    let mut left = KILLS;
    while left > 0 && Instant::now() < until {
        thread::sleep(Duration::from_millis(rng.u64(5..300)));
        let successor = fleet.start(ROLE, rng.u64(..));
        let process = std::mem::replace(&mut running[rng.usize(..PROCESSES)], successor);
        fleet.add(process.kill().unwrap());
        left -= 1;
        *kills += 1;
    }
    for process in running {
        fleet.add(process.stop().unwrap());
    }
    let verdict = fleet.drain(&RULES);
    assert!(verdict.is_sound(), "{verdict}");
    verdict.counts
}
