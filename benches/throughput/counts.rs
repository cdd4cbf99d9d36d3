//! What an operation takes, counted rather than timed: instructions, syncs, calls that write and bytes
//! written. No machine disturbs these, so that a change of one percent is a change.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    BYTES_PER_TASK, Compared, INSTRUCTIONS, SYNCS_PER_TASK, Spec, WRITE_CALLS_PER_TASK,
};
use prismq_bench::observe::round::Round;
use prismq_bench::process::Operation;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::{Experiment, Measurements};
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::cost::instructions::per_operation;
use prismq_bench::scenario::cost::writes::{PerTask, by_operation};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Capability;
use prismq_record::Metric;

const UNCOUNTED: &str = "the system does not count what a process writes";

const INSTRUCTIONS_EXACTLY: Spec = exactly(INSTRUCTIONS);
const BYTES_EXACTLY: Spec = exactly(BYTES_PER_TASK);
/// What Criterion is shown: bytes where instructions are not counted.
const FOLLOWED: &[Spec] = &[INSTRUCTIONS_EXACTLY, BYTES_EXACTLY];

type Counted = std::result::Result<f64, String>;

/// Of the queue of this workspace only.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if !suite.offers(Capability::PrismqInterface, "exact counts of operations") {
        return Ok(());
    }
    let times = suite.stage().scale().pick(4, 64, 64, 64);
    for operation in Operation::ALL {
        let case = Case::variant("counts", operation.name())
            .with("operations", times)
            .with("payload_bytes", PAYLOAD_BYTES);
        let reasons: Rc<RefCell<Vec<Metric>>> = Rc::default();
        let found = reasons.clone();
        let experiment = Experiment::new(case, move |stage| {
            let instructions = instructions(stage, operation, times)?;
            let PerTask { syncs, calls, bytes } = by_operation(stage, operation, times)?;
            let known = |count: Option<f64>| count.ok_or_else(|| UNCOUNTED.to_owned());
            let mut round = Round::default();
            found.borrow_mut().clear();
            for (spec, counted) in [
                (INSTRUCTIONS_EXACTLY, instructions),
                (exactly(SYNCS_PER_TASK), Ok(syncs)),
                (exactly(WRITE_CALLS_PER_TASK), known(calls)),
                (BYTES_EXACTLY, known(bytes)),
            ] {
                match counted {
                    Ok(counted) => round.readings.push(spec.reads(counted)),
                    Err(reason) => found.borrow_mut().push(spec.once(Err(reason))),
                }
            }
            Ok((Duration::ZERO, round))
        });
        let figures = move |_: &Measurements<'_>| reasons.borrow().clone();
        suite.add(experiment.single().following(FOLLOWED).figures(figures))?;
    }
    Ok(())
}

const fn exactly(spec: Spec) -> Spec {
    spec.compared(Compared::WithinOnePercent)
}

/// The smoke profile has no time for valgrind.
fn instructions(stage: &Stage, operation: Operation, times: usize) -> Result<Counted> {
    if stage.scale() == Scale::Profile(Profile::Smoke) {
        return Ok(Err("the smoke profile counts no instructions".to_owned()));
    }
    per_operation(stage, operation, times)
}
