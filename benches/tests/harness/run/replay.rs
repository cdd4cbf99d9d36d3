//! Criterion is given the rounds that were run, each once, by the calls it makes on its own account; another
//! version of it could make others.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use criterion::Criterion;
use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::error::{Error, Result};
use prismq_bench::base::profile::Scale;
use prismq_bench::observe::metrics::{BYTES_PER_TASK, INSTRUCTIONS};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::replay::{Figure, ROUNDS, show};
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::rounds::unit::Unit;
use prismq_bench::run::settings::invocation::Invocation;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use serde::Deserialize;
use tempfile::TempDir;

/// Criterion's `sample.json`.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

struct Place {
    home: TempDir,
    stage: Stage,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(home.path()), Scale::Trial);
        Self { home, stage }
    }

    /// Shows Criterion an experiment, on this command line. Its output is left as it is: tests share one, which
    /// must not go into a file meanwhile.
    fn show(&self, experiment: &mut Experiment, line: &str, unit: Unit) -> Result<()> {
        let invocation = Invocation::parse(line.split_whitespace().map(str::to_owned));
        let mut criterion = Criterion::default()
            .with_measurement(Figure::of(unit))
            .sample_size(ROUNDS)
            .nresamples(2_000)
            .without_plots()
            .output_directory(self.home.path());
        show(&mut criterion, &invocation, "suite", &self.stage, &mut [experiment])
    }

    /// The figures that Criterion kept.
    fn kept(&self, benchmark: &str) -> Option<Vec<f64>> {
        let file = Path::new("suite_scenario").join(benchmark).join("new/sample.json");
        let text = fs::read_to_string(self.home.path().join(file)).ok()?;
        let sample: Sample = serde_json::from_str(&text).unwrap();
        assert!(sample.iters.iter().all(|iterations| *iterations > 1.0), "it would have warned");
        Some(
            sample
                .times
                .iter()
                .zip(sample.iters)
                .map(|(time, iters)| (time / iters).round())
                .collect(),
        )
    }

    fn run(&self, experiment: &mut Experiment, rounds: usize) {
        for round in 0..=rounds {
            experiment.run(&self.stage, round as u64, round == 0, None).unwrap();
        }
    }
}

fn case() -> Case {
    Case::variant("scenario", "case")
}

/// Rounds that take this many seconds: 1, 2, 3, ...
fn counting_up() -> Experiment {
    let mut seconds = 0;
    Experiment::new(case(), move |_| {
        seconds += 1;
        Ok((Duration::from_secs(seconds), Round::default()))
    })
}

#[test]
fn criterion_keeps_the_figure_of_each_round_but_the_discarded_one() {
    let place = Place::new();
    let mut experiment = counting_up();
    place.run(&mut experiment, ROUNDS);
    place.show(&mut experiment, "--verbose --bench", Unit::Time).unwrap();
    let figures: Vec<f64> = (2..=11).map(|second| f64::from(second) * 1e9).collect();
    assert_eq!(place.kept("case"), Some(figures));
}

#[test]
fn rounds_that_were_added_are_shown_too() {
    let place = Place::new();
    let mut experiment = counting_up();
    place.run(&mut experiment, ROUNDS + 3);
    place.show(&mut experiment, "--verbose --bench", Unit::Time).unwrap();
    assert_eq!(place.kept("case").map(|figures| figures.len()), Some(ROUNDS + 3));
}

#[test]
fn a_single_round_is_shown_as_often_as_criterion_asks() {
    let place = Place::new();
    let mut experiment = counting_up().single();
    experiment.run(&place.stage, 0, false, None).unwrap();
    place.show(&mut experiment, "--verbose --bench", Unit::Time).unwrap();
    assert_eq!(place.kept("case"), Some(vec![1e9; ROUNDS]));
}

#[test]
fn instructions_are_shown_as_such_and_not_at_all_where_none_were_counted() {
    let place = Place::new();
    for (counted, kept) in [(Some(1234.0), Some(vec![1234.0; ROUNDS])), (None, None)] {
        let mut experiment = Experiment::new(case(), move |_| {
            let readings = counted.map(|counted| INSTRUCTIONS.reads(counted));
            let readings = readings.into_iter().collect();
            Ok((Duration::ZERO, Round { readings, ..Round::default() }))
        });
        experiment = experiment.following(&[INSTRUCTIONS]);
        fs::remove_dir_all(place.home.path().join("suite_scenario")).ok();
        place.run(&mut experiment, ROUNDS);
        place.show(&mut experiment, "--verbose --bench", Unit::Instructions).unwrap();
        assert_eq!(place.kept("case"), kept);
    }
}

#[test]
fn what_has_no_instructions_is_followed_by_the_bytes_it_wrote() {
    let place = Place::new();
    let mut experiment = Experiment::new(case(), |_| {
        let readings = vec![BYTES_PER_TASK.reads(512.0)];
        Ok((Duration::ZERO, Round { readings, ..Round::default() }))
    });
    experiment = experiment.following(&[INSTRUCTIONS, BYTES_PER_TASK]);
    assert_eq!(experiment.unit(), Unit::Instructions);
    place.run(&mut experiment, ROUNDS);
    assert_eq!(experiment.unit(), Unit::Bytes);
    place.show(&mut experiment, "--verbose --bench", Unit::Bytes).unwrap();
    assert_eq!(place.kept("case"), Some(vec![512.0; ROUNDS]));
}

#[test]
fn in_test_mode_a_round_is_run_when_criterion_asks_and_its_error_ends_the_suite() {
    let place = Place::new();
    let calls = Rc::new(Cell::new(0));
    let called = calls.clone();
    let mut experiment = Experiment::new(case(), move |_| {
        called.set(called.get() + 1);
        Err(Error::Child { reason: "on purpose".to_owned() })
    });
    let shown = place.show(&mut experiment, "--profile-time 1 --bench", Unit::Time);
    assert!(matches!(shown, Err(Error::Child { .. })));
    assert_eq!((calls.get(), place.kept("case")), (1, None));
}
