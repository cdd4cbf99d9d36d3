//! The rounds of a suite, pass by pass: what is kept after each, and of which rounds others are watched.

use std::cell::RefCell;
use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::clock::SystemClock;
use prismq_bench::base::profile::Scale;
use prismq_bench::observe::metrics::P50_US;
use prismq_bench::observe::round::Round;
use prismq_bench::run::progress::Progress;
use prismq_bench::run::quiet::{Budget, Sources};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::rounds::session::Session;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;

const ROUNDS: usize = 3;

fn experiment(name: &'static str) -> Experiment {
    Experiment::new(Case::variant(name, "case"), |_| {
        let readings = vec![P50_US.reads(1.0)];
        Ok((Duration::from_secs(1), Round { readings, ..Round::default() }))
    })
}

#[test]
fn all_rounds_of_a_pass_are_kept_after_it_and_those_in_turn_are_watched() {
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at("/nowhere"), Scale::Trial);
    let mut experiments = [
        experiment("in_turn"),
        experiment("in_one_piece").in_one_piece(),
        experiment("single").single(),
    ];
    let kept: RefCell<Vec<Vec<usize>>> = RefCell::default();
    let progress = Progress::begin("suite", None, false);
    let mut session = Session::begin("suite", &stage, &SystemClock, &mut experiments, 7, progress)
        .repeating(Budget::new(Sources::default(), Duration::ZERO))
        .keeping(|experiments| {
            let rounds = experiments.iter().map(|experiment| experiment.measured().len());
            kept.borrow_mut().push(rounds.collect());
            Ok(())
        });
    session.run_fixed(ROUNDS, true).unwrap();
    session.end();
    let passes = [[0, 3, 0], [0, 3, 0], [1, 3, 1], [2, 3, 1], [3, 3, 1]];
    assert_eq!(*kept.borrow(), passes);
    let watched = experiments.map(|experiment| {
        let rounds = experiment.measured().iter();
        rounds.filter(|measured| measured.round.course.disturbance.is_some()).count()
    });
    assert_eq!(watched, [ROUNDS, 0, 0]);
}
