//! Runs of one program show no change.

use prismq_judge::comparison::{KnownNoise, Rules, compare, compare_by, compare_pairs};

use crate::support::recorded::standard_runs;
use crate::support::simulated::{METRICS, Machine, ROUNDS, flagged};

const PAIRS: u64 = 20;

/// How many metrics are flagged where a program is compared with itself 20 times, with a history that
/// shows how much runs differ and without one.
fn alarms(low: f64, high: f64, known: bool) -> usize {
    let pair = |seed| {
        let mut machine = Machine::new(seed, low..=high);
        let noise = if known { machine.known(ROUNDS) } else { KnownNoise::default() };
        let rules = Rules { noise, ..Rules::default() };
        let (before, after) = (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, 0.0));
        flagged(&compare_by(&rules, "itself", &before, &after))
    };
    let alarms = (0..PAIRS).map(pair).sum();
    let metrics = PAIRS as usize * METRICS;
    let history = if known { "with" } else { "without" };
    println!(
        "A/A {history} a history, spread {low} to {high}: {alarms} of {metrics} metrics of {PAIRS} \
         pairs flagged"
    );
    alarms
}

/// Of 2400 metrics, none may be reported as changed, however noisy.
#[test]
fn simulated_runs_of_one_program_flag_nothing() {
    for (low, high) in [(0.005, 0.03), (0.02, 0.10), (0.10, 0.40)] {
        for known in [false, true] {
            assert_eq!(alarms(low, high, known), 0, "{low} {high} {known}");
        }
    }
}

/// Five whole runs of the standard profile on a shared machine, each compared with each other.
#[test]
fn recorded_runs_of_one_program_flag_nothing() {
    let runs = standard_runs(0.0);
    let (mut alarms, mut metrics, mut pairs) = (0, 0, 0);
    for before in &runs {
        for after in runs.iter().filter(|after| !std::ptr::eq(*after, before)) {
            let comparison = compare("itself", before, after);
            alarms += flagged(&comparison);
            metrics += comparison.rows.len();
            pairs += 1;
        }
    }
    println!("recorded A/A of whole runs: {alarms} of {metrics} metrics of {pairs} pairs flagged");
    assert_eq!((alarms, pairs), (0, 20));
}

#[test]
fn pairs_of_starts_of_one_program_flag_nothing() {
    let mut alarms = 0;
    for seed in 0..PAIRS {
        let mut machine = Machine::new(1000 + seed, 0.01..=0.2);
        let pairs: Vec<_> =
            (0..5).map(|_| (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, 0.0))).collect();
        alarms += flagged(&compare_pairs(&Rules::default(), "itself", &pairs).unwrap());
    }
    println!("A/A in 5 pairs of starts: {alarms} of {} flagged", PAIRS as usize * METRICS);
    assert_eq!(alarms, 0);
}
