//! What share of the workers' time do handlers fill that take time? What happens as workers and processes
//! are added: to throughput, contention and fairness, from 1 to 64 threads, with 8 processes on one file and
//! next to another program that writes to it; and what do workers cost that have nothing to do?

mod asynchronous;
mod drain;
mod foreign_writer;
mod idle;
mod processes;
mod work;

use std::process::ExitCode;

use prismq_bench::run::suite;
use prismq_bench::subject::Capability;

fn main() -> ExitCode {
    suite::main("concurrency", |suite| {
        work::measure(suite)?;
        asynchronous::measure(suite)?;
        drain::measure(suite)?;
        processes::measure(suite)?;
        if suite.offers(Capability::File, "another program that writes to the file") {
            foreign_writer::measure(suite)?;
        }
        idle::measure(suite)
    })
}
