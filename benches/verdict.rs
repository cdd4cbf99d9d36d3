//! Runs after all suites, as the last in alphabetical order: is the run good enough?

use std::process::ExitCode;

fn main() -> ExitCode {
    prismq_bench::run::verdict::main()
}
