//! How many instructions an enqueue, a claim and a completion take, counted rather than timed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use prismq_bench::child::Operation;
use prismq_bench::engine::EngineKind;
use prismq_bench::error::Result;
use prismq_bench::experiment::Experiment;
use prismq_bench::instructions::per_operation;
use prismq_bench::metrics::INSTRUCTIONS;
use prismq_bench::profile::{Profile, Scale};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;

/// Of the queue of this workspace only, and not in the smoke profile, whose time it would take up.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let smoke = suite.stage().scale() == Scale::Profile(Profile::Smoke);
    if smoke || suite.stage().kind() != EngineKind::Prismq {
        return Ok(());
    }
    let times = suite.stage().scale().pick(4, 64, 64, 64);
    for operation in Operation::ALL {
        let case = Case::variant("instructions", operation.name())
            .with("operations", times)
            .with("payload_bytes", PAYLOAD_BYTES);
        let uncounted = Rc::new(RefCell::new(None));
        let reason = uncounted.clone();
        let experiment = Experiment::new(case, move |stage| {
            let mut round = Round::default();
            match per_operation(stage, operation, times)? {
                Ok(counted) => round.readings.push(INSTRUCTIONS.reads(counted)),
                Err(reason) => *uncounted.borrow_mut() = Some(reason),
            }
            Ok((Duration::ZERO, round))
        });
        let why = move || reason.borrow_mut().take();
        suite.add(experiment.single().following(INSTRUCTIONS).figures(move |_| {
            why().map(|why| INSTRUCTIONS.once(Err(why))).into_iter().collect()
        }))?;
    }
    Ok(())
}
