//! How long does a task take: from its intended arrival to its committed completion, at a low rate, at
//! every share of what can be sustained, at rates that are the same everywhere, and behind a backlog; and from its enqueue into an idle queue
//! to its handler?

mod backlog;
mod capacity;
mod end_to_end;
mod open;
mod readings;
mod rungs;
mod saturation;
mod wake;
mod workload;

use std::process::ExitCode;

use prismq_bench::run::suite;

use crate::capacity::Capacity;

fn main() -> ExitCode {
    suite::main("latency", |suite| {
        workload::measure(suite)?;
        end_to_end::measure(suite)?;
        let capacity = Capacity::default();
        saturation::measure(suite, &capacity)?;
        open::measure(suite, &capacity)?;
        rungs::measure(suite, &capacity)?;
        backlog::measure(suite, &capacity)?;
        wake::measure(suite)
    })
}
