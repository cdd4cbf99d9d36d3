//! How many tasks a second: enqueued by callers of one task each, drained by a pool, sent through
//! both at once, with large payloads; and how near that is to what disk and SQLite could do at most,
//! measured in the same rounds. And what does measuring cost, what does each feature, and what does an operation take
//! by count?

mod claim;
mod counts;
mod drain;
mod enqueue;
mod feature;
mod floor;
#[cfg(feature = "postgres")]
mod idle_pools;
mod overhead;
mod payload;
mod pipeline;
#[cfg(feature = "postgres")]
mod server;

use std::process::ExitCode;

use prismq_bench::run::suite;
use prismq_bench::subject::Capability;
#[cfg(feature = "postgres")]
use prismq_bench::subject::SubjectKind;

fn main() -> ExitCode {
    suite::main("throughput", |suite| {
        floor::measure(suite)?;
        if suite.offers(Capability::File, "enqueueing against the yardsticks in a file") {
            enqueue::measure(suite)?;
        }
        #[cfg(feature = "postgres")]
        if suite.stage().kind() == SubjectKind::Postgres {
            server::measure(suite)?;
            idle_pools::measure(suite)?;
        }
        drain::measure(suite)?;
        pipeline::measure(suite)?;
        payload::measure(suite)?;
        overhead::measure(suite)?;
        claim::measure(suite)?;
        feature::measure(suite)?;
        counts::measure(suite)
    })
}
