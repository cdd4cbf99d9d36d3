//! How long does a task take: from its intended arrival to its committed completion, at a low rate and
//! at half of what the machine can do; and from its enqueue into an idle queue to its handler?

mod end_to_end;
mod open;
mod wake;
mod workload;

use std::process::ExitCode;

use prismq_bench::suite;

fn main() -> ExitCode {
    suite::main("latency", |suite| {
        workload::measure(suite)?;
        end_to_end::measure(suite)?;
        open::measure(suite)?;
        wake::measure(suite)
    })
}
