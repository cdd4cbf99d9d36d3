use prismq_report::comparison::{Rules, compare, compare_pairs};

use crate::simulated::{METRICS, Machine, ROUNDS, flagged};

const PAIRS: u64 = 20;

/// A program against itself, 20 times: of 2400 metrics, none may be called changed.
#[test]
fn runs_of_one_program_flag_nothing() {
    for (low, high) in [(0.005, 0.03), (0.02, 0.10), (0.10, 0.40)] {
        let mut alarms = 0;
        for seed in 0..PAIRS {
            let mut machine = Machine::new(seed, low..=high);
            let (before, after) = (machine.run(ROUNDS, 0.0), machine.run(ROUNDS, 0.0));
            alarms += flagged(&compare("itself", &before, &after));
        }
        let metrics = PAIRS as usize * METRICS;
        println!(
            "A/A, spread {low} to {high}: {alarms} of {metrics} metrics of {PAIRS} pairs flagged"
        );
        assert_eq!(alarms, 0, "spread {low} to {high}");
    }
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
