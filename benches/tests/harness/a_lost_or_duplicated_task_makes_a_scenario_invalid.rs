//! One task in a thousand that is lost, or done twice, makes all figures of its scenario worthless.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::load::arrivals::Arrivals;
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::scenario::open::Offered;
use prismq_record::Validity;

use crate::fake::Misdeed;
use crate::theory::{constant, offer};
use crate::virtual_clock::VirtualClock;

fn offered(misdeed: Misdeed) -> Offered {
    let clock = Arc::new(VirtualClock::new());
    let work = constant(&clock, Duration::from_micros(100));
    offer(&clock, misdeed, Arrivals::Constant, Duration::from_millis(1), 10_000, work)
}

fn validity(offered: &Offered) -> Validity {
    let round = Round { faults: offered.faults.clone(), ..Round::default() };
    scenario("suite", Case::variant("open", "load"), &[round], Vec::new()).unwrap().validity
}

#[test]
fn when_one_in_a_thousand_is_lost() {
    let offered = offered(Misdeed::Loses { every: 1_000 });
    assert_eq!(offered.audit.lost, 11);
    let reasons = vec!["round 1: 11 of 11000 tasks were lost".to_owned()];
    assert_eq!(validity(&offered), Validity::Invalid { reasons });
}

#[test]
fn when_one_in_a_thousand_is_done_twice() {
    let offered = offered(Misdeed::Duplicates { every: 1_000 });
    assert_eq!(offered.audit.duplicated, 11);
    let reasons = vec!["round 1: tasks were done 11 times too often".to_owned()];
    assert_eq!(validity(&offered), Validity::Invalid { reasons });
}

#[test]
fn and_not_when_nothing_went_wrong() {
    assert_eq!(validity(&offered(Misdeed::None)), Validity::Valid);
}
