//! Rounds are added to what is undecided, as long as the budget lasts.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::observe::metrics::P50_US;
use prismq_bench::observe::round::Round;
use prismq_bench::run::progress::Progress;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::decision::Decision;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::rounds::session::Session;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use prismq_judge::targets::parse;

use crate::support::virtual_clock::VirtualClock;

const ROUNDS: usize = 10;
const ROUND: Duration = Duration::from_secs(1);

/// Rounds of a second by this clock, whose readings spread around a figure.
fn experiment(clock: &Arc<VirtualClock>, name: &'static str, figure: f64) -> Experiment {
    let (clock, mut round) = (clock.clone(), 0_u32);
    Experiment::new(Case::variant(name, "case"), move |_| {
        clock.advance(ROUND);
        round += 1;
        let reading = figure * (0.9 + 0.02 * f64::from(round * 7 % 11));
        Ok((ROUND, Round { readings: vec![P50_US.reads(reading)], ..Round::default() }))
    })
}

/// Runs the rounds of two experiments, of which those that are named here are open until they have this many
/// rounds; gives the rounds and looks of each.
fn run(budget: Duration, open: &[(&str, usize)]) -> Vec<(usize, u64)> {
    let clock = Arc::new(VirtualClock::new());
    let mut experiments = ["one", "other"].map(|name| experiment(&clock, name, 10.0));
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at("/nowhere"), Scale::Trial);
    let mut session = Session::begin(
        "suite",
        &stage,
        &*clock,
        &mut experiments,
        7,
        Progress::begin("suite", None, false),
    );
    session.run_fixed(ROUNDS, true).unwrap();
    let is_open = |found: &Experiment| {
        let wanted = open.iter().find(|(name, _)| *name == found.case().scenario);
        Ok(wanted.is_some_and(|(_, rounds)| found.measured().len() < *rounds))
    };
    session.run_undecided(budget, is_open).unwrap();
    session.end();
    let looks = |found: &Experiment| found.scenario("latency", Vec::new()).unwrap().looks;
    experiments.iter().map(|found| (found.measured().len(), looks(found))).collect()
}

#[test]
fn what_is_decided_gets_no_more_rounds_and_one_look() {
    assert_eq!(run(Duration::from_secs(60), &[]), [(10, 1), (10, 1)]);
}

#[test]
fn only_what_is_open_gets_more_until_it_is_decided() {
    assert_eq!(run(Duration::from_secs(60), &[("one", 18)]), [(20, 3), (10, 1)]);
}

#[test]
fn the_budget_is_shared_in_turn_and_not_exceeded() {
    let never = usize::MAX;
    let found = run(Duration::from_secs(7), &[("one", never), ("other", never)]);
    let added: Vec<usize> = found.iter().map(|(rounds, _)| rounds - ROUNDS).collect();
    assert!(added.iter().sum::<usize>() == 7 && added.iter().all(|added| *added >= 3), "{found:?}");
    // The rounds that were added last are looked at once more.
    assert!(found.iter().all(|(_, looks)| *looks == 2), "{found:?}");
}

#[test]
fn without_a_budget_there_is_one_look() {
    assert_eq!(run(Duration::ZERO, &[("one", usize::MAX)]), [(10, 1), (10, 1)]);
}

/// As the verdict will decide it: an unchanged bound, one that is far away, and one that is counted by far.
#[test]
fn a_target_is_open_where_the_rounds_lie_on_both_sides_of_its_bound() {
    let clock = Arc::new(VirtualClock::new());
    let mut experiments = [experiment(&clock, "one", 10.0)];
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at("/nowhere"), Scale::Trial);
    let mut session = Session::begin(
        "suite",
        &stage,
        &*clock,
        &mut experiments,
        7,
        Progress::begin("suite", None, false),
    );
    session.run_fixed(ROUNDS, true).unwrap();
    session.end();
    let scenario = experiments[0].scenario("latency", Vec::new()).unwrap();
    for (bound, open) in [(10.0, true), (1.0, false), (100.0, false)] {
        let target = format!("[targets]\n\"latency/one/case:p50_us\" = \"<= {bound} us\"");
        let targets = parse(&target, "t.toml").unwrap();
        let decision = Decision::new(targets, Profile::Standard, Duration::from_secs(60));
        assert_eq!(decision.is_open(&scenario).unwrap(), open, "{bound}");
    }
}
