use prismq_report::comparison::{Rules, compare, compare_pairs};

use crate::simulated::{METRICS, Machine, ROUNDS, flagged};

const PAIRS: u64 = 20;

/// How many metrics are flagged where a program is compared with itself 20 times.
fn alarms(low: f64, high: f64) -> usize {
    let pair = |seed| {
        let mut machine = Machine::new(seed, low..=high);
        let (before, after) = (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, 0.0));
        flagged(&compare("itself", &before, &after))
    };
    let alarms = (0..PAIRS).map(pair).sum();
    let metrics = PAIRS as usize * METRICS;
    println!("A/A, spread {low} to {high}: {alarms} of {metrics} metrics of {PAIRS} pairs flagged");
    alarms
}

/// Of 2400 metrics, none may be called changed.
#[test]
fn runs_of_one_program_flag_nothing() {
    assert_eq!(alarms(0.005, 0.03), 0);
    assert_eq!(alarms(0.02, 0.10), 0);
}

/// Ten rounds that vary by up to 40 % and depend on each other say too little of their own noise to rule
/// every alarm out; A/A runs do. At most one in a thousand remains.
#[test]
fn metrics_that_hardly_repeat_are_seldom_flagged() {
    assert!(alarms(0.10, 0.40) * 1000 <= PAIRS as usize * METRICS);
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
