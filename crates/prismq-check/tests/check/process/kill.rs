//! Failure mode: process: killed at any time | nothing acknowledged is lost

use std::thread;
use std::time::{Duration, Instant};

use prismq_check::{Counts, Role, Rules, SeedRunner, soak, this_test};

use crate::support::fleet::{Fleet, report};

const QUICK: Duration = Duration::from_secs(8);
/// Rounds on one file, after which all that is left is drained and a new one begun.
const ROUNDS: u32 = 10;
const RULES: Rules = Rules { complete_history: true, ..Rules::PLAIN };

#[test]
fn kill_9_at_any_time_loses_nothing() {
    let seeds = SeedRunner::random(this_test!("kill_9_at_any_time_loses_nothing"));
    let mut rng = seeds.rng();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    let mut counts = Counts::default();
    let mut rounds = 0;
    while Instant::now() < until {
        let mut fleet = Fleet::new();
        for _ in 0..ROUNDS {
            let process = fleet.start(Role::ProduceAndWork, rng.u64(..));
            assert!(
                process.wait_until(|recorded| !recorded.is_empty()),
                "the process ended without an event"
            );
            thread::sleep(Duration::from_millis(rng.u64(5..200)));
            fleet.add(process.kill().unwrap());
            let verdict = fleet.verdict(&RULES);
            assert!(verdict.is_sound(), "{verdict}");
            rounds += 1;
        }
        let verdict = fleet.drain(&RULES);
        assert!(verdict.is_sound(), "{verdict}");
        counts = counts.and(verdict.counts);
    }
    report(&format!("{rounds} kills"), &counts);
    assert!(counts.acked > 0 && counts.completed > 0 && counts.recovery.count > 0, "{counts}");
}
