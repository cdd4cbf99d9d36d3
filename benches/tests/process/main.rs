//! What needs processes of its own: suites as programs, processes that are killed, and operations that are
//! counted. All of them are this program, started again: with an order of the harness, or as a suite.

mod counts;
mod criterion;
mod kill;
mod running;
mod soak;
mod suite;

use std::env;
use std::process::ExitCode;

use prismq_bench::process::Role;
use prismq_probe::Failed;

/// Makes this program a suite, by its name.
const SUITE: &str = "PRISMQ_TEST_SUITE";

type Check = fn() -> Result<(), Failed>;

fn main() -> ExitCode {
    if let Some(order) = Role::from_env() {
        return kill::child(&order);
    }
    match env::var(SUITE).as_deref() {
        Ok(criterion::TINY) => return criterion::tiny_suite(),
        Ok(suite::RECOUNTED) => return suite::recounted_suite(),
        Ok(suite::HELD) => return suite::held_suite(),
        _ => {}
    }
    let trials =
        [counts::trials(), criterion::trials(), kill::trials(), soak::trials(), suite::trials()];
    let trials = trials.into_iter().flatten().collect();
    prismq_probe::run(trials)
}
