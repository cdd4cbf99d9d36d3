//! Resident memory with a great many tasks ready, over that with none. One database for all rounds:
//! each adds a tenth, and claims from what is there.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{GROWTH_MIB, RSS_AFTER_MIB, RSS_BEFORE_MIB};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::rss::resident_mib;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::backlog::{BATCH, Backlog};
use prismq_record::Model;

const STEPS: usize = 10;
const CLAIMED: usize = 10;
const UNREADABLE: &str = "the system does not report resident memory";

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let ready = suite.stage().scale().pick(2 * BATCH, 10 * BATCH, 1_000_000, 1_000_000);
    let case = Case::new("backlog", "ready", ready)
        .model(Model::Probe)
        .with("enqueue_batch", BATCH)
        .with("payload_bytes", PAYLOAD_BYTES);
    // Resident memory before the backlog, and after the latest round.
    let seen = Rc::new(Cell::new((None, None)));
    let read = seen.clone();
    let mut backlog: Option<Backlog> = None;
    let experiment = Experiment::new(case, move |stage| {
        let started = Instant::now();
        let backlog = match &mut backlog {
            Some(backlog) => backlog,
            None => {
                // What is taken once, such as the page cache, is taken before the reading.
                let opened = backlog.insert(Backlog::open(stage)?);
                opened.grow(BATCH)?;
                seen.set((resident_mib(), None));
                opened
            }
        };
        let left = ready.saturating_sub(backlog.tasks());
        backlog.grow((ready / STEPS).max(BATCH).min(left))?;
        let claimed = backlog.claim(CLAIMED)?;
        let took = started.elapsed();
        let faults = match claimed {
            CLAIMED => Vec::new(),
            other => vec![format!("a claim of {CLAIMED} gave {other}")],
        };
        let (before, _) = seen.get();
        seen.set((before, resident_mib()));
        Ok((took, Round { faults, ..Round::default() }))
    });
    suite.add(experiment.in_one_piece().figures(move |_| {
        let (before, after) = read.get();
        let known = |value: Option<f64>| value.ok_or_else(|| UNREADABLE.to_owned());
        let growth = after.zip(before).map(|(after, before)| after - before);
        vec![
            RSS_BEFORE_MIB.once(known(before)),
            RSS_AFTER_MIB.once(known(after)),
            GROWTH_MIB.once(known(growth)),
        ]
    }))
}
