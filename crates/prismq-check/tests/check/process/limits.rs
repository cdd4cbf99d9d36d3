//! Failure mode: process: killed while it runs tasks that a limit counts | no more of them run at once than it allows

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use prismq::{Limit, Queue};
use prismq_check::{
    Event, History, KEYED_TYPES, Op, Phase, Process, Role, Rules, SeedRunner, soak, this_test,
};

use crate::support::fleet::{Fleet, report};

const QUICK: Duration = Duration::from_secs(6);
const PROCESSES: usize = 4;
const KILLS: u32 = 40;
/// How many tasks may run at once: of a key, and of the queue.
const OF_KEY: u32 = 2;
const OF_QUEUE: u32 = 4;
const RULES: Rules = Rules {
    reclaimed_within: Some(Duration::from_secs(60)),
    complete_history: true,
    ..Rules::PLAIN
};

/// From a claim's own time to the end of its lease, or until a call began that may have ended it. Extensions do not
/// count: the lease held at least as long.
#[derive(Debug, Clone, Copy)]
struct Held {
    from: i64,
    until: i64,
}

/// The leases of each type.
fn leases(history: &History) -> HashMap<String, Vec<Held>> {
    let ends = |event: &&Event| matches!(event.op, Op::Complete | Op::Fail | Op::Release);
    let begun = history.events().iter().filter(|event| event.phase == Phase::Invoke);
    let mut settled: HashMap<(i64, i64), i64> = HashMap::new();
    for event in begun.filter(ends) {
        let lease = (event.task.unwrap(), event.token.unwrap());
        settled.entry(lease).or_insert(event.t_db);
    }
    let given = history
        .events()
        .iter()
        .filter(|event| event.op == Op::Claim && event.phase == Phase::Ok && event.task.is_some());
    let mut leases: HashMap<String, Vec<Held>> = HashMap::new();
    for event in given {
        let lease = (event.task.unwrap(), event.token.unwrap());
        let expiry = event.expires_at.unwrap();
        let until = settled.get(&lease).map_or(expiry, |settled| expiry.min(*settled));
        let held = Held { from: event.t_db, until };
        leases.entry(event.task_type.clone().unwrap()).or_default().push(held);
    }
    leases
}

/// The most that were held at one moment.
fn most_at_once(leases: &[Held]) -> i64 {
    let ends = leases.iter().map(|held| (held.until, -1));
    let mut changes: Vec<(i64, i64)> =
        leases.iter().map(|held| (held.from, 1)).chain(ends).collect();
    // What ends goes before what begins in the same microsecond.
    changes.sort_unstable();
    let mut now = 0;
    changes
        .into_iter()
        .map(|(_, change)| {
            now += change;
            now
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn limits_hold_over_processes_that_are_killed_at_any_time() {
    let seeds =
        SeedRunner::random(this_test!("limits_hold_over_processes_that_are_killed_at_any_time"));
    let mut rng = seeds.rng();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    while Instant::now() < until {
        one_file(&mut rng, until);
    }
}

fn one_file(rng: &mut fastrand::Rng, until: Instant) {
    let mut fleet = Fleet::without_disk();
    let queue = Queue::open(fleet.path()).unwrap();
    queue.set_limit("each", Limit::concurrency(OF_KEY).per_key()).unwrap();
    queue.set_concurrency("default", Some(OF_QUEUE)).unwrap();
    let role = Role::ProduceAndWorkKeyed;
    let mut running: Vec<Process> =
        (0..PROCESSES).map(|_| fleet.start(role, rng.u64(..))).collect();
    let mut kills = 0;
    while kills < KILLS && Instant::now() < until {
        thread::sleep(Duration::from_millis(rng.u64(5..150)));
        let successor = fleet.start(role, rng.u64(..));
        let process = std::mem::replace(&mut running[rng.usize(..PROCESSES)], successor);
        fleet.add(process.kill().unwrap());
        kills += 1;
    }
    for process in running {
        fleet.add(process.stop().unwrap());
    }
    let by_type = leases(fleet.recorded());
    for (number, task_type) in KEYED_TYPES.into_iter().enumerate() {
        let most = most_at_once(&by_type[task_type]);
        // Those of every other key are ordered.
        let allowed = if number % 2 == 1 { 1 } else { i64::from(OF_KEY) };
        assert!(most <= allowed, "{most} tasks of {task_type} ran at once, {allowed} may");
    }
    let all: Vec<Held> = by_type.into_values().flatten().collect();
    let most = most_at_once(&all);
    assert!(most <= i64::from(OF_QUEUE), "{most} tasks ran at once, {OF_QUEUE} may");
    queue.set_concurrency("default", None).unwrap();
    let verdict = fleet.drain(&RULES);
    assert!(verdict.is_sound(), "{verdict}");
    report(&format!("{PROCESSES} processes under limits, {kills} kills"), &verdict.counts);
    assert!(verdict.counts.completed > 0, "{verdict}");
}
