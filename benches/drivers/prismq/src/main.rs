//! prismq's driver. Its argument `normal` has the default durability be `Normal` instead of `Full`; with `postgres` the
//! queue is in PostgreSQL, if the driver was built with that feature.

use std::env;
use std::process::ExitCode;

use prismq::Durability;
use prismq_bench_driver::Prismq;
use prismq_driver::sdk::drive;

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        None => drive(&Prismq { default: Durability::Full }),
        Some("normal") => drive(&Prismq { default: Durability::Normal }),
        #[cfg(feature = "postgres")]
        Some("postgres") => drive(&prismq_bench_driver::PrismqPostgres),
        Some(other) => {
            eprintln!(
                "error: the argument is {other:?}; allowed are `normal`, and `postgres` with that feature"
            );
            ExitCode::from(2)
        }
    }
}
