//! Drivers in processes of their own: those that keep the protocol pass the check, and each fake fails it by the rule
//! that it breaks. The drivers in Rust are this program, started again.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod between;
mod fakes;
mod raw;
mod rounds;
mod shipped;
mod toy;

use std::env;
use std::process::ExitCode;

use prismq::Durability;
use prismq_bench_driver::Prismq;
use prismq_driver::sdk::drive;

/// Makes this program a driver, by its name.
const DRIVER: &str = "PRISMQ_TEST_DRIVER";

fn main() -> ExitCode {
    if let Ok(name) = env::var(DRIVER) {
        return match name.as_str() {
            shipped::PRISMQ => drive(&Prismq { default: Durability::Full }),
            raw::DEAF => raw::deaf(),
            name => match between::Alteration::named(name) {
                Some(alteration) => between::drive(alteration),
                None => drive(&toy::Toy { fault: toy::Fault::named(name) }),
            },
        };
    }
    let trials = [fakes::trials(), shipped::trials(), rounds::trials()];
    prismq_probe::run(trials.into_iter().flatten().collect())
}
