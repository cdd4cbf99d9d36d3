//! An actor in a process of its own: does what its only argument orders, and tells of it on standard
//! output. Started by the tests, which kill it.

use std::env;
use std::process::ExitCode;

use prismq_check::{Order, obey};

fn main() -> ExitCode {
    let order = env::args().nth(1).unwrap_or_default();
    let order: Order = match serde_json::from_str(&order) {
        Ok(order) => order,
        Err(error) => {
            eprintln!("error: the argument is no order: {error}");
            return ExitCode::from(2);
        }
    };
    match obey(&order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
