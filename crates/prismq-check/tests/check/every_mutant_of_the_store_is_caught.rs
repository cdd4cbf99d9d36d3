use std::panic::{AssertUnwindSafe, catch_unwind};

use prismq_check::Verdict;

use crate::common::{Bench, DRAINED, work};
use crate::mutants::{Fault, Mutant};

/// Events that are enough to show what any of them breaks.
const EVENTS_MAX: usize = 12;

fn verdict_on(fault: Fault) -> Verdict {
    let bench = Bench::new();
    let open = || Mutant::new(bench.open(), fault, bench.path());
    // A mutant may be so broken that a call fails which must not: what was told until then is enough.
    drop(catch_unwind(AssertUnwindSafe(|| work(&bench, open, 1))));
    bench.verdict(&DRAINED)
}

#[test]
fn every_mutant_of_the_store_is_caught_and_shown_by_a_few_events() {
    for (fault, invariant) in Fault::ALL {
        let verdict = verdict_on(fault);
        let shown = verdict.violations.iter().find(|found| found.invariant == invariant);
        let Some(shown) = shown else {
            panic!("{fault:?} was not caught:\n{verdict}");
        };
        assert!(shown.history.len() <= EVENTS_MAX, "{fault:?} takes too many events:\n{verdict}");
    }
}
