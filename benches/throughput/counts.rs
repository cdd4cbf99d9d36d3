//! What an operation takes, counted rather than timed: instructions, syncs, calls that write and bytes
//! written. No machine disturbs these, so that a change of one percent is a change.

use std::time::Duration;

use prismq_bench::child::Operation;
use prismq_bench::counts::{PerTask, by_operation};
use prismq_bench::engine::EngineKind;
use prismq_bench::error::Result;
use prismq_bench::instructions::per_operation;
use prismq_bench::metrics::{
    BYTES_PER_TASK, Compared, INSTRUCTIONS, SYNCS_PER_TASK, Spec, WRITE_CALLS_PER_TASK,
};
use prismq_bench::profile::{Profile, Scale};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::stage::Stage;
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;

const UNCOUNTED: &str = "the system does not count what a process writes";

type Counted = std::result::Result<f64, String>;

/// Of the queue of this workspace only.
pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    if suite.stage().kind() != EngineKind::Prismq {
        return Ok(());
    }
    let times = suite.stage().scale().pick(4, 64, 64, 64);
    for operation in Operation::ALL {
        let case = Case::variant("counts", operation.name())
            .with("operations", times)
            .with("payload_bytes", PAYLOAD_BYTES);
        let counted = suite.bench_once(&case, |stage| {
            let counted = instructions(stage, operation, times)?;
            let written = by_operation(stage, operation, times)?;
            // Criterion reads one as a nanosecond, and reports what took none as a fault.
            let shown = counted.as_ref().ok().copied().or(written.bytes).unwrap_or(1.0);
            let shown = Duration::from_secs_f64(shown * 1e-9);
            Ok((shown, (counted, written)))
        })?;
        let Some((counted, written)) = counted else { continue };
        let known = |count: Option<f64>| count.ok_or_else(|| UNCOUNTED.to_owned());
        let PerTask { syncs, calls, bytes } = written;
        let figures = vec![
            once(INSTRUCTIONS, counted),
            once(SYNCS_PER_TASK, Ok(syncs)),
            once(WRITE_CALLS_PER_TASK, known(calls)),
            once(BYTES_PER_TASK, known(bytes)),
        ];
        suite.record(case, [&Round::default()], figures)?;
    }
    Ok(())
}

fn once(spec: Spec, counted: Counted) -> prismq_report::record::Metric {
    spec.compared(Compared::WithinOnePercent).once(counted)
}

/// The smoke profile has no time for valgrind.
fn instructions(stage: &Stage, operation: Operation, times: usize) -> Result<Counted> {
    if stage.scale() == Scale::Profile(Profile::Smoke) {
        return Ok(Err("the smoke profile counts no instructions".to_owned()));
    }
    per_operation(stage, operation, times)
}
