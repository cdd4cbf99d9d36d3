//! Does a claim cost the same next to a million tasks as next to a thousand? In each round the two take
//! turns.

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{P50_US, RATIO_TO_READY_1000};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::cost::claim::{
    BacklogKind, FEW, Filled, KEYS, fill, fill_with_keys, side_by_side,
};
use prismq_bench::subject::Capability;
use prismq_record::Model;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if !suite.offers(Capability::Backlogs, "claims next to many tasks") {
        return Ok(());
    }
    let tasks = suite.stage().scale().pick(FEW, 10 * FEW, 1_000_000, 1_000_000);
    let claims = suite.stage().scale().pick(5, 50, 200, 1_000);
    for kind in BacklogKind::ALL {
        let case = Case::new("claim", kind.name(), tasks)
            .model(Model::Probe)
            .with("ready_in_other", FEW)
            .with("claims", claims)
            .with("payload_bytes", PAYLOAD_BYTES);
        let mut databases: Option<(Filled, Filled)> = None;
        suite.measure(case, move |stage| {
            let (many, few) = match &databases {
                Some(databases) => databases,
                None => databases
                    .insert((fill(stage, kind, tasks)?, fill(stage, BacklogKind::Ready, 0)?)),
            };
            let (many, few) = side_by_side(claims, || many.claim(), || few.claim())?;
            let readings = vec![
                P50_US.reads(1e6 * many.as_secs_f64()),
                RATIO_TO_READY_1000.reads(many.as_secs_f64() / few.as_secs_f64()),
            ];
            Ok((many, Round { readings, ..Round::default() }))
        })?;
    }
    // What a claim of tasks under a limit costs, by the keys that they have.
    for keys in [1, KEYS] {
        let case = Case::new("claim", "keys", keys)
            .model(Model::Probe)
            .with("ready_in_other", FEW)
            .with("claims", claims)
            .with("payload_bytes", PAYLOAD_BYTES);
        let mut databases: Option<(Filled, Filled)> = None;
        suite.measure(case, move |stage| {
            let (limited, few) = match &databases {
                Some(databases) => databases,
                None => databases
                    .insert((fill_with_keys(stage, keys)?, fill(stage, BacklogKind::Ready, 0)?)),
            };
            let (limited, few) = side_by_side(claims, || limited.claim(), || few.claim())?;
            let readings = vec![
                P50_US.reads(1e6 * limited.as_secs_f64()),
                RATIO_TO_READY_1000.reads(limited.as_secs_f64() / few.as_secs_f64()),
            ];
            Ok((limited, Round { readings, ..Round::default() }))
        })?;
    }
    Ok(())
}
