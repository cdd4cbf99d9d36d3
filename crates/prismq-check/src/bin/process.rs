//! A client in a process of its own. It plays the role that its only argument describes in JSON, and records to
//! standard output. Tests start and kill it.

use std::env;
use std::process::ExitCode;

use prismq_check::{ProcessSpec, run_process};

fn main() -> ExitCode {
    let spec = env::args().nth(1).unwrap_or_default();
    let spec: ProcessSpec = match serde_json::from_str(&spec) {
        Ok(spec) => spec,
        Err(error) => {
            eprintln!("error: the argument is not a process's specification: {error}");
            return ExitCode::from(2);
        }
    };
    match run_process(&spec) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
