//! What Criterion's users know works on a suite of this harness: filters, lists, tests, quick runs,
//! baselines and charts.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::replay::ROUNDS_SMOKE;
use prismq_bench::run::suite;
use prismq_probe::{Failed, Trial};
use prismq_record::criterion::benchmarks;
use prismq_record::files::{Selection, gather};
use tempfile::TempDir;

use crate::{Check, SUITE};

/// Makes this program the suite of these tests.
pub(crate) const TINY: &str = "tiny";

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Check); 14] = [
        ("a_list_names_all_and_measures_none", a_list_names_all_and_measures_none),
        ("a_filter_measures_only_what_it_matches", a_filter_measures_only_what_it_matches),
        ("an_exact_name_is_no_regular_expression", an_exact_name_is_no_regular_expression),
        ("a_test_runs_each_once_and_leaves_nothing", a_test_runs_each_once_and_leaves_nothing),
        ("a_quick_run_measures_less", a_quick_run_measures_less),
        ("a_saved_baseline_is_compared_with", a_saved_baseline_is_compared_with),
        (
            "two_runs_may_have_the_same_figure_in_every_round",
            two_runs_may_have_the_same_figure_in_every_round,
        ),
        ("an_unknown_baseline_ends_the_suite", an_unknown_baseline_ends_the_suite),
        ("a_lenient_baseline_may_be_unknown", a_lenient_baseline_may_be_unknown),
        ("a_benchmark_has_one_line_and_no_warning", a_benchmark_has_one_line_and_no_warning),
        ("rounds_of_all_scenarios_are_interleaved", rounds_of_all_scenarios_are_interleaved),
        ("a_larger_sample_has_more_rounds", a_larger_sample_has_more_rounds),
        ("charts_lie_where_the_report_links_to", charts_lie_where_the_report_links_to),
        ("what_it_keeps_is_read_by_the_report", what_it_keeps_is_read_by_the_report),
    ];
    trials.into_iter().map(|(name, trial)| Trial::test(name, trial)).collect()
}

/// Two benchmarks that do next to nothing, each call of which is said on standard error. One takes a different time in each
/// round, the other the same in all, as a count has it.
pub(crate) fn tiny_suite() -> ExitCode {
    suite::main("latency", |suite| {
        for workers in [1, 10] {
            let case = Case::new("tiny", "workers", workers).tasks(workers);
            let mut calls = 0_u64;
            suite.measure(case, move |_| {
                calls += 1;
                eprintln!("called tiny/workers={workers}");
                let extra = if workers == 1 { calls } else { 0 };
                Ok((Duration::from_micros(100 + extra), Round::default()))
            })?;
        }
        Ok(())
    })
}

/// A folder for everything a suite writes.
struct Place {
    home: TempDir,
}

impl Place {
    fn new() -> Result<Self, Failed> {
        Ok(Self { home: tempfile::tempdir()? })
    }

    fn criterion(&self) -> PathBuf {
        self.home.path().join("criterion")
    }

    fn records(&self) -> usize {
        fs::read_dir(self.home.path().join("results")).map_or(0, Iterator::count)
    }

    /// Runs the suite with Criterion's arguments.
    fn run(&self, arguments: &str) -> Result<Output, Failed> {
        Ok(Command::new(env::current_exe()?)
            .args(arguments.split_whitespace())
            .env(SUITE, TINY)
            .env("PRISMQ_PROFILE", "smoke")
            .env("PRISMQ_RESULTS_DIR", self.home.path().join("results"))
            .env("PRISMQ_BENCH_DIR", self.home.path().join("db"))
            .env("CRITERION_HOME", self.criterion())
            // Where the lock of the machine lies: the tests run in parallel.
            .env("TMPDIR", self.home.path())
            .output()?)
    }

    /// Runs it and expects it to end well.
    fn succeed(&self, arguments: &str) -> Result<Report, Failed> {
        let output = self.run(arguments)?;
        let said = Report {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        ensure(output.status.success(), &format!("{arguments}: {}\n{said:?}", output.status))?;
        Ok(said)
    }
}

#[derive(Debug)]
struct Report {
    out: String,
    err: String,
}

impl Report {
    fn calls(&self, workers: usize) -> usize {
        let line = format!("called tiny/workers={workers}");
        self.err.lines().filter(|found| *found == line).count()
    }
}

fn ensure(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn ensure_file(path: &Path) -> Result<(), Failed> {
    ensure(path.is_file(), &format!("{} is missing", path.display()))
}

fn a_list_names_all_and_measures_none() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("--list --bench")?;
    for workers in [1, 10] {
        ensure(said.out.contains(&format!("latency/tiny/workers={workers}: bench")), &said.out)?;
        ensure(said.calls(workers) == 0, "a benchmark was run")?;
    }
    ensure(place.records() == 0, "a record was written")
}

fn a_filter_measures_only_what_it_matches() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("tiny/workers=1$ --bench")?;
    ensure(said.calls(1) == ROUNDS_SMOKE, "the rounds of a smoke run")?;
    ensure(said.calls(10) == 0, "the other was run")?;
    ensure(place.records() == 1, "no record was written")
}

fn an_exact_name_is_no_regular_expression() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("--exact latency/tiny/workers=1 --bench")?;
    ensure((said.calls(1), said.calls(10)) == (ROUNDS_SMOKE, 0), &said.err)
}

fn a_test_runs_each_once_and_leaves_nothing() -> Result<(), Failed> {
    for arguments in ["--test --bench", ""] {
        let place = Place::new()?;
        let said = place.succeed(arguments)?;
        ensure((said.calls(1), said.calls(10)) == (1, 1), &said.err)?;
        ensure(place.records() == 0, "a record was written")?;
        ensure(
            !place.criterion().join("latency_tiny").exists(),
            "Criterion kept figures of a test",
        )?;
    }
    Ok(())
}

fn a_quick_run_measures_less() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("--quick --bench tiny/workers=1$")?;
    ensure((1..ROUNDS_SMOKE).contains(&said.calls(1)), &said.err)?;
    ensure(place.records() == 1, "no record was written")
}

/// Criterion 0.8.2 panics where two runs that it compares have no variance at all.
fn two_runs_may_have_the_same_figure_in_every_round() -> Result<(), Failed> {
    let place = Place::new()?;
    place.succeed("--bench")?;
    let said = place.succeed("--bench")?;
    ensure(said.out.matches("change:").count() == 2, &said.out)
}

fn a_saved_baseline_is_compared_with() -> Result<(), Failed> {
    let place = Place::new()?;
    place.succeed("--save-baseline before --bench")?;
    let kept = place.criterion().join("latency_tiny/workers=1/before");
    for file in ["estimates.json", "sample.json", "benchmark.json"] {
        ensure_file(&kept.join(file))?;
    }
    let said = place.succeed("--baseline before --bench")?;
    ensure(said.out.contains("change:"), &said.out)?;
    let untouched = fs::read(kept.join("sample.json"))?;
    place.succeed("--baseline before --bench")?;
    ensure(fs::read(kept.join("sample.json"))? == untouched, "a comparison changed the baseline")
}

fn an_unknown_baseline_ends_the_suite() -> Result<(), Failed> {
    let output = Place::new()?.run("--baseline nobody --bench")?;
    ensure(output.status.code() == Some(101), &format!("{}", output.status))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure(said.contains("Baseline 'nobody' must exist"), &said)?;
    // It is not found out after everything was measured.
    ensure(!said.contains("called"), &said)
}

fn a_lenient_baseline_may_be_unknown() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("--baseline-lenient nobody --bench")?;
    ensure((said.calls(1), said.calls(10)) == (ROUNDS_SMOKE, ROUNDS_SMOKE), &said.err)?;
    ensure(place.records() == 1, "no record was written")
}

fn a_benchmark_has_one_line_and_no_warning() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("--bench")?;
    for workers in [1, 10] {
        let id = format!("latency/tiny/workers={workers}  time:   [");
        let lines: Vec<&str> = said.out.lines().filter(|line| line.starts_with(&id)).collect();
        ensure(lines.len() == 1 && lines.concat().contains("elem/s"), &said.out)?;
    }
    ensure(said.out.lines().count() == 3, &said.out)?;
    let unwanted = ["Warning", "Benchmarking", "Gnuplot"];
    ensure(!unwanted.iter().any(|word| said.err.contains(word)), &said.err)?;
    let in_full = place.succeed("--verbose --bench")?;
    ensure(in_full.err.contains("Collecting 10 samples"), &in_full.err)
}

fn rounds_of_all_scenarios_are_interleaved() -> Result<(), Failed> {
    let place = Place::new()?;
    place.succeed("--bench")?;
    let run = gather(&place.home.path().join("results"), &Selection::Latest)?;
    let mut order = Vec::new();
    for scenario in run.suites.iter().flat_map(|suite| &suite.scenarios) {
        for round in &scenario.rounds {
            ensure(round.started_at.is_some(), &format!("{round:?}"))?;
            order.push((round.sequence, round.index, scenario.id.clone()));
        }
    }
    order.sort();
    let sequence: Vec<_> = order.iter().map(|(sequence, ..)| *sequence).collect();
    let rounds = 2 * u64::try_from(ROUNDS_SMOKE)?;
    ensure(sequence == (0..rounds).map(Some).collect::<Vec<_>>(), &format!("{order:?}"))?;
    let indices: Vec<u64> = order.iter().map(|(_, index, _)| *index).collect();
    ensure(indices == (0..rounds).map(|place| place / 2).collect::<Vec<_>>(), &format!("{order:?}"))
}

fn a_larger_sample_has_more_rounds() -> Result<(), Failed> {
    let place = Place::new()?;
    let said = place.succeed("--sample-size 12 --bench")?;
    ensure((said.calls(1), said.calls(10)) == (12, 12), &said.err)
}

fn charts_lie_where_the_report_links_to() -> Result<(), Failed> {
    let place = Place::new()?;
    place.succeed("--bench")?;
    let home = place.criterion();
    for page in ["report", "latency_tiny/report", "latency_tiny/workers=10/report"] {
        ensure_file(&home.join(page).join("index.html"))?;
    }
    ensure_file(&home.join("latency_tiny/workers=10/report/pdf.svg"))
}

fn what_it_keeps_is_read_by_the_report() -> Result<(), Failed> {
    let place = Place::new()?;
    place.succeed("--bench")?;
    let run = gather(&place.home.path().join("results"), &Selection::Latest)?;
    let read = benchmarks(&place.criterion(), &run);
    let ids: Vec<&str> = read.iter().map(|benchmark| benchmark.id.as_str()).collect();
    ensure(ids == ["latency/tiny/workers=1", "latency/tiny/workers=10"], &format!("{ids:?}"))?;
    // Seven rounds of 101 to 107 us, of which the first three are shown twice; and of 100 us.
    let means: Vec<f64> = read.iter().map(|benchmark| benchmark.mean_ns.value.round()).collect();
    ensure(means == [103_400.0, 100_000.0], &format!("{read:?}"))
}
