//! How many instructions an enqueue, a claim and a completion take, counted rather than timed.

use std::time::Duration;

use prismq_bench::child::Operation;
use prismq_bench::engine::EngineKind;
use prismq_bench::error::Result;
use prismq_bench::instructions::per_operation;
use prismq_bench::metrics::INSTRUCTIONS;
use prismq_bench::profile::{Profile, Scale};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;

/// Of the queue of this workspace only, and not in the smoke profile, whose time it would take up.
pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let smoke = suite.stage().scale() == Scale::Profile(Profile::Smoke);
    if smoke || suite.stage().kind() != EngineKind::Prismq {
        return Ok(());
    }
    let times = suite.stage().scale().pick(4, 64, 64, 64);
    for operation in Operation::ALL {
        let case = Case::variant("instructions", operation.name())
            .with("operations", times)
            .with("payload_bytes", PAYLOAD_BYTES);
        let counted = suite.bench_once(&case, |stage| {
            let counted = per_operation(stage, operation, times)?;
            // Criterion reads an instruction as a nanosecond, and leaves out what took none.
            let shown =
                counted.as_ref().map_or(Duration::ZERO, |n| Duration::from_secs_f64(n * 1e-9));
            Ok((shown, counted))
        })?;
        let round = counted.is_some().then(Round::default);
        let figure = counted.into_iter().map(|counted| INSTRUCTIONS.once(counted)).collect();
        suite.record(case, round.iter(), figure)?;
    }
    Ok(())
}
