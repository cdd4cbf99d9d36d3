//! Failure mode: process: killed at any time

use std::fs;
use std::time::{Duration, Instant};

use prismq_check::{Process, Role, Rules, SeedRunner, soak, this_test};

use crate::support::fleet::{Fleet, report};

const QUICK: Duration = Duration::from_secs(10);
const PROCESSES: usize = 8;
/// How much history is gathered before it is judged and a new file begun.
const CALLS_MAX: u64 = 200_000;
/// Workers ask all the time, but the machine may be busy with other things.
const RULES: Rules = Rules {
    reclaimed_within: Some(Duration::from_secs(60)),
    complete_history: true,
    ..Rules::PLAIN
};

#[test]
fn many_processes_die_and_return_on_one_file() {
    let seeds = SeedRunner::random(this_test!("many_processes_die_and_return_on_one_file"));
    let mut rng = seeds.rng();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    while Instant::now() < until {
        one_file(&mut rng, until);
    }
}

fn role(place: usize) -> Role {
    match place % 4 {
        0 => Role::Produce,
        1 => Role::ProduceAndWork,
        _ => Role::Work,
    }
}

fn one_file(rng: &mut fastrand::Rng, until: Instant) {
    let mut fleet = Fleet::new();
    let mut running: Vec<Process> =
        (0..PROCESSES).map(|place| fleet.start(role(place), rng.u64(..))).collect();
    let wal = fleet.path().with_extension("db-wal");
    let mut wal_peak = 0;
    let mut kills = 0;
    let mut pauses = 0;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(rng.u64(5..200)));
        wal_peak = wal_peak.max(fs::metadata(&wal).map_or(0, |wal| wal.len()));
        let place = rng.usize(..PROCESSES);
        let successor = fleet.start(role(place), rng.u64(..));
        let process = std::mem::replace(&mut running[place], successor);
        if rng.u8(..4) == 0 {
            process.pause().unwrap();
            std::thread::sleep(Duration::from_millis(50));
            process.resume().unwrap();
            pauses += 1;
        }
        fleet.add(process.kill().unwrap());
        kills += 1;
        if kills % 50 == 0 && fleet.verdict(&RULES).counts.calls > CALLS_MAX {
            break;
        }
    }
    for process in running {
        fleet.add(process.stop().unwrap());
    }
    let verdict = fleet.drain(&RULES);
    assert!(verdict.is_sound(), "{verdict}");
    report(
        &format!("{PROCESSES} processes, {kills} kills, {pauses} stops, WAL peak {wal_peak} bytes"),
        &verdict.counts,
    );
    assert!(verdict.counts.completed > 0, "{verdict}");
}
