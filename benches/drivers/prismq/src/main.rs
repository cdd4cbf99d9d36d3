//! prismq's driver. Its argument `normal` has the default durability be `Normal` instead of `Full`.

use std::env;
use std::process::ExitCode;

use prismq::Durability;
use prismq_bench_driver::Prismq;
use prismq_driver::sdk::drive;

fn main() -> ExitCode {
    let default = match env::args().nth(1).as_deref() {
        None => Durability::Full,
        Some("normal") => Durability::Normal,
        Some(other) => {
            eprintln!("error: the argument is {other:?}; allowed is `normal` or none");
            return ExitCode::from(2);
        }
    };
    drive(&Prismq { default })
}
