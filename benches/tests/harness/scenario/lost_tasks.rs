//! One task in a thousand that is lost, or done twice, makes all figures of its scenario worthless.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::scenario::open::OpenRound;
use prismq_bench::subject::Work;
use prismq_record::Validity;

use crate::support::fake::Misdeed;
use crate::support::theory::offer;

fn offered(misdeed: Misdeed) -> OpenRound {
    let work = Work::sleep(Duration::from_micros(100));
    offer(misdeed, ArrivalProcess::Constant, Duration::from_millis(1), 10_000, work)
}

fn validity(offered: &OpenRound) -> Validity {
    let round = Round { faults: offered.faults.clone(), ..Round::default() };
    scenario("suite", Case::variant("open", "load"), &[round], Vec::new()).unwrap().validity
}

#[test]
fn one_lost_task_in_a_thousand_is_invalid() {
    let offered = offered(Misdeed::Loses { every: 1_000 });
    assert_eq!(offered.audit.lost, 11);
    let reasons = vec!["round 1: 11 of 11000 tasks were lost".to_owned()];
    assert_eq!(validity(&offered), Validity::Invalid { reasons });
}

#[test]
fn one_duplicate_in_a_thousand_is_invalid() {
    let offered = offered(Misdeed::Duplicates { every: 1_000 });
    assert_eq!(offered.audit.duplicated, 11);
    let reasons = vec!["round 1: tasks were done 11 times too often".to_owned()];
    assert_eq!(validity(&offered), Validity::Invalid { reasons });
}

#[test]
fn a_clean_load_is_valid() {
    assert_eq!(validity(&offered(Misdeed::None)), Validity::Valid);
}
