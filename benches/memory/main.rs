//! Does the queue keep memory it should give back, does it take more the more it holds, and how long
//! does the WAL become?

mod backlog;
mod lifecycle;
mod wal;

use std::process::ExitCode;

use prismq_bench::run::suite;
use prismq_bench::subject::Capability;

fn main() -> ExitCode {
    suite::main("memory", |suite| {
        lifecycle::measure(suite)?;
        backlog::measure(suite)?;
        match suite.offers(Capability::File, "the length of the WAL") {
            true => wal::measure(suite),
            false => Ok(()),
        }
    })
}
