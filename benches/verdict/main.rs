//! The end of a run: hands the records of the suites to `prismq-report`, prints the verdict and exits with
//! its status.
//!
//! A package of its own, so that suites do not wait for templates and charts to be compiled. Cargo runs the
//! benchmarks of all packages in the order of their names, and this one last.

use std::io::Write as _;
use std::process::ExitCode;

use prismq_bench::base::paths;
use prismq_bench::run::record::run_identity::RunIdentity;
use prismq_bench::run::settings::invocation::{Invocation, Mode};
use prismq_judge::verdict::Status;
use prismq_record::files::Selection;
use prismq_report::conclude::{self, Conclusion, Options, conclude};

/// Concludes this invocation's run; where nothing was measured there is nothing to conclude.
///
/// Criterion's `--save-baseline NAME`, `--baseline NAME` and `--baseline-lenient NAME` hold for the records too.
fn main() -> ExitCode {
    let invocation = Invocation::from_args();
    if invocation.mode != Mode::Measure {
        return ExitCode::SUCCESS;
    }
    let run = RunIdentity::of_parent(&paths::target_dir()).existing();
    if let (None, Some(filter)) = (&run, invocation.filter()) {
        // An older run must not answer for one that measured nothing.
        eprintln!("error: verdict: nothing was measured: no benchmark matches {filter:?}");
        return ExitCode::from(Status::Invalid.exit_code());
    }
    match conclude_run(&invocation, run) {
        Ok(conclusion) => {
            show(&conclusion);
            ExitCode::from(conclusion.status.exit_code())
        }
        Err(error) => {
            eprintln!("error: verdict: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn conclude_run(
    invocation: &Invocation,
    run: Option<String>,
) -> Result<Conclusion, conclude::Error> {
    if run.is_none() {
        eprintln!("no suite of this invocation wrote a record: this is the latest run on file");
    }
    let run = run.map_or(Selection::Latest, Selection::Id);
    let value = |long, short| invocation.option(long, short).map(str::to_owned);
    let lenient = value("--baseline-lenient", "--baseline-lenient");
    conclude(&Options {
        results: &paths::results_dir(),
        targets: &paths::targets_file(),
        criterion: &paths::criterion_dir(),
        run,
        save_baseline: value("--save-baseline", "-s"),
        baseline_lenient: lenient.is_some(),
        baseline: value("--baseline", "-b").or(lenient),
    })
}

fn show(conclusion: &Conclusion) {
    let mut out = std::io::stdout().lock();
    // A closed stdout must not change the verdict.
    let _ = writeln!(out, "{}", conclusion.terminal);
    for file in &conclusion.files {
        let _ = writeln!(out, "written: {}", file.display());
    }
    let criterion = paths::criterion_dir().join("report").join("index.html");
    if criterion.exists() {
        let _ = writeln!(
            out,
            "charts: {} (Criterion's own changes, there and next to its times, are since its last run or the baseline named)",
            criterion.display()
        );
    }
}
