//! What unique tasks, the inbox, and a completion in the application's own transaction cost, compared with the same
//! operation without them.

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{OPERATIONS_PER_S, RATIO_TO_PLAIN};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{Turns, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::cost::feature::{Feature, side_by_side};
use prismq_bench::subject::Capability;
use prismq_record::Model;

/// Of the queue of this workspace only.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if !suite.offers(Capability::PrismqInterface, "what a feature costs") {
        return Ok(());
    }
    let operations = suite.stage().scale().pick(4, 50, 500, 2_000);
    for feature in Feature::ALL {
        let case = Case::variant("feature", feature.name())
            .model(Model::Closed)
            .tasks(operations)
            .with("operations", operations)
            .with("payload_bytes", PAYLOAD_BYTES);
        let mut order = Turns::default();
        suite.measure(case, move |stage| {
            let sides = side_by_side(stage, feature, operations, &mut order)?;
            let [with, plain] = [sides.with, sides.plain].map(|took| per_s(operations, took));
            let readings = vec![OPERATIONS_PER_S.reads(with), RATIO_TO_PLAIN.reads(with / plain)];
            let round = Round { readings, ..Round::default() };
            Ok((sides.with, round.with_reference(OPERATIONS_PER_S, "plain", plain)))
        })?;
    }
    Ok(())
}
