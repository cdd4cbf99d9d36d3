//! Other programs share the queue's file: tests that need one, ignored with the reason where it is missing.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod inbox;

use std::process::ExitCode;

use prismq_probe::{Requirement, Trial, trial};

fn test(name: &str, requirement: Requirement, run: fn()) -> Trial {
    trial(
        name,
        move || requirement.probe(),
        move || {
            run();
            Ok(())
        },
    )
}

fn main() -> ExitCode {
    prismq_probe::run(vec![
        test(
            "inbox::rows_of_sqlites_command_line_become_tasks",
            Requirement::SqliteShell,
            inbox::rows_of_sqlites_command_line_become_tasks,
        ),
        test(
            "inbox::rows_of_a_python_program_become_tasks",
            Requirement::Python,
            inbox::rows_of_a_python_program_become_tasks,
        ),
    ])
}
