use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use prismq_check::{Invariant, Verdict};

use crate::checker::mutants::{Fault, Mutant};
use crate::support::operators::work_under_operators;
use crate::support::{DRAINED, Fixture, work};

/// Events that are enough to show what any of them breaks.
const EVENTS_MAX: usize = 12;

fn verdict_on(fault: Fault) -> Verdict {
    let fixture = Fixture::new();
    let open = || Mutant::new(fixture.open(), fault, &fixture);
    let of_operators = Fault::OF_OPERATORS.iter().any(|(listed, _)| *listed == fault);
    // A mutant may be so broken that a call panics: what was recorded until then is enough.
    drop(catch_unwind(AssertUnwindSafe(|| match of_operators {
        true => work_under_operators(&fixture, open, 1),
        false => work(&fixture, open, 1),
    })));
    fixture.verdict(&DRAINED)
}

/// Each spends its time waiting for the disk.
const AT_ONCE: usize = 5;

fn is_caught(fault: Fault, invariant: Invariant) {
    let verdict = verdict_on(fault);
    let shown = verdict.violations.iter().find(|found| found.invariant == invariant);
    let Some(shown) = shown else {
        panic!("{fault:?} was not caught:\n{verdict}");
    };
    assert!(shown.history.len() <= EVENTS_MAX, "{fault:?} takes too many events:\n{verdict}");
}

#[test]
fn every_mutant_of_the_store_is_caught_and_shown_by_a_few_events() {
    are_caught(&Fault::ALL);
}

#[test]
fn every_mutant_of_what_operators_do_is_caught_and_shown_by_a_few_events() {
    are_caught(&Fault::OF_OPERATORS);
}

fn are_caught(faults: &'static [(Fault, Invariant)]) {
    thread::scope(|scope| {
        for faults in faults.chunks(faults.len().div_ceil(AT_ONCE)) {
            scope.spawn(move || {
                for (fault, invariant) in faults {
                    is_caught(*fault, *invariant);
                }
            });
        }
    });
}
