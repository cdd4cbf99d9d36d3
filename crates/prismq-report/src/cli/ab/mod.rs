//! `ab`: starts two benchmark programs in turn and compares their figures pair by pair.
//!
//! What slows the machine down for a while slows down both starts of a pair; which of the two comes first is
//! drawn at random for each pair. `--control` starts the same program on both sides (an A/A test): what it finds
//! are false alarms, and the differences are kept as noise for later comparisons.

mod error;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use prismq_judge::comparison::{Change, Comparison, Rules, compare_pairs, noise_of_pairs, pool};
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::RunRecord;
use prismq_record::fingerprint::identity;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use self::error::AbError;
use self::program::{Program, Start};
use super::arguments::percent;
use super::show::show;
use crate::conclude;
use crate::noise;
use crate::render::{Table, View, terminal};

/// The exit status of a control with a false alarm.
const INCONCLUSIVE: u8 = 6;

/// Compare two benchmark programs
///
/// Starts them in turn and compares their figures pair by pair.
#[derive(Debug, Args)]
#[command(after_help = "\
A benchmark program is an executable that `cargo bench --no-run` lists. With --control the same program is
started on both sides (an A/A test): what is found are false alarms, and the differences are kept as noise,
which later comparisons use from ten pairs on.

Examples:
  prismq-report ab --before ./throughput-old --after ./throughput-new --filter drain
  prismq-report ab --before ./throughput-old --control --rounds 20

Exit statuses: 0 no regression, or a control without a false alarm; 3 a metric regressed; 5 nothing was
measured, or the run is invalid; 6 nothing was comparable, or a control raised a false alarm; 2 the program
does not exist; 1 a program failed, timed out or was stopped.")]
pub(super) struct Ab {
    /// Benchmark program before the change, with its arguments; not run by a shell
    #[arg(long, value_name = "COMMAND")]
    before: String,
    /// Benchmark program after the change
    #[arg(long, value_name = "COMMAND", required_unless_present = "control")]
    after: Option<String>,
    /// How often each program is started
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1000))]
    rounds: u32,
    /// Start the same program on both sides, and keep the differences as noise
    #[arg(long, conflicts_with = "after")]
    control: bool,
    /// Only the benchmarks whose names match this regular expression
    #[arg(long, value_name = "RE")]
    filter: Option<String>,
    /// The smallest change that counts
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    min_effect: f64,
    /// Seed of the order in each pair, to repeat a comparison
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Seconds after which a program is ended
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    timeout: u64,
}

impl Ab {
    pub(super) fn run(self, results: &Path) -> Result<u8, conclude::Error> {
        match self.compare(results) {
            Ok(code) => Ok(code),
            Err(AbError::Report(error)) => Err(error),
            Err(error) => {
                eprintln!("error: {error}");
                Ok(error.exit_code())
            }
        }
    }

    fn compare(&self, results: &Path) -> Result<u8, AbError> {
        let before = Program::parse(&self.before)?;
        let after = match &self.after {
            Some(command) => Program::parse(command)?,
            None => before.clone(),
        };
        let stopped = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&stopped)).map_err(AbError::Signals)?;
        }
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
        let folder = folder(results)?;
        show(&format!("seed {seed}, records in {}\n", folder.display()))?;
        let pairs = self.pairs([&before, &after], &folder, seed, &stopped)?;

        let rules = Rules { min_effect: self.min_effect, ..Rules::default() };
        let name = if self.control { "itself" } else { "before" };
        let comparison = compare_pairs(&rules, name, &pairs).ok_or(AbError::NothingMeasured)?;
        if comparison.rows.is_empty() && comparison.not_comparable.is_none() {
            return Err(AbError::NothingMeasured);
        }
        show(&format!("{}\n{}\n", table(&comparison), summary_lines(&comparison)))?;
        if self.control {
            controlled(results, &comparison, &pairs)
        } else {
            judged(comparison, &pairs)
        }
    }

    /// Starts the programs in turn.
    fn pairs(
        &self,
        programs: [&Program; 2],
        folder: &Path,
        seed: u64,
        stopped: &AtomicBool,
    ) -> Result<Vec<(RunRecord, RunRecord)>, AbError> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let [before, after] = programs;
        let progress = progress(u64::from(self.rounds) * 2);
        let mut pairs = Vec::new();
        for round in 1..=self.rounds {
            let start = |program: &Program, side: &str| {
                progress.set_message(format!("pair {round}, {side}"));
                let record = program.start(&Start {
                    filter: self.filter.as_deref(),
                    folder: &folder.join(format!("{round:03}-{side}")),
                    at_most: Duration::from_secs(self.timeout),
                    stopped,
                });
                progress.inc(1);
                record
            };
            let pair = if rng.bool() {
                let first = start(before, "before")?;
                (first, start(after, "after")?)
            } else {
                let first = start(after, "after")?;
                (start(before, "before")?, first)
            };
            pairs.push(pair);
        }
        progress.finish_and_clear();
        Ok(pairs)
    }
}

/// A folder of its own for each comparison.
fn folder(results: &Path) -> Result<PathBuf, AbError> {
    let parent = std::path::absolute(results.join("ab"))
        .map_err(|source| AbError::Folder { path: results.to_owned(), source })?;
    let failed = |source| AbError::Folder { path: parent.clone(), source };
    fs::create_dir_all(&parent).map_err(failed)?;
    let stamp = Timestamp::now().strftime("%Y%m%d_%H%M%S_").to_string();
    let folder = tempfile::Builder::new().prefix(&stamp).tempdir_in(&parent).map_err(failed)?;
    Ok(folder.keep())
}

fn progress(starts: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {elapsed}, {eta} to go");
    ProgressBar::new(starts).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn judged(comparison: Comparison, pairs: &[(RunRecord, RunRecord)]) -> Result<u8, AbError> {
    let mut after = pool(pairs.iter().map(|(_, after)| after)).ok_or(AbError::NothingMeasured)?;
    // Other suites were not asked for.
    after.missing.clear();
    let verdict =
        judge(&after, &[], Some(comparison), FailOn::Regression).map_err(conclude::Error::from)?;
    show(&terminal(&View::new(&after, &verdict)))?;
    Ok(verdict.status.exit_code())
}

fn controlled(
    results: &Path,
    comparison: &Comparison,
    pairs: &[(RunRecord, RunRecord)],
) -> Result<u8, AbError> {
    let own = pairs.first().and_then(|(before, _)| identity(before));
    let own = own.ok_or(AbError::NothingMeasured)?;
    let kept = noise::add(results, &own, noise_of_pairs(pairs)).map_err(conclude::Error::from)?;
    let alarms = comparison.count(&Change::Improved) + comparison.count(&Change::Regressed);
    show(&format!(
        "{alarms} false alarms in {} metrics; the noise is kept in {}\n",
        comparison.rows.len(),
        kept.display()
    ))?;
    Ok(if alarms == 0 { 0 } else { INCONCLUSIVE })
}

fn table(comparison: &Comparison) -> Table {
    let mut table = Table::default();
    table.add_row(["metric", "change", "95 % interval", "noise floor", ""]);
    let share = |share: f64| format!("{:+.1} %", 100.0 * share);
    for row in &comparison.rows {
        let interval = row
            .interval
            .map(|interval| format!("{} to {}", share(interval.lower), share(interval.upper)));
        let floor =
            row.floor.map(|floor| format!("{:.1} % ({})", 100.0 * floor.change, floor.source));
        table.add_row([
            format!("{}:{}", row.scenario, row.metric),
            row.delta.map(share).unwrap_or_default(),
            interval.unwrap_or_default(),
            floor.unwrap_or_default(),
            row.change.to_string(),
        ]);
    }
    table
}

fn summary_lines(comparison: &Comparison) -> String {
    let summary = comparison.summary();
    let named =
        [("improved", summary.improved), ("regressed", summary.regressed), ("all", summary.all)];
    let lines = named.iter().filter_map(|(name, group)| {
        let group = group.as_ref()?;
        Some(format!(
            "{name}: {} metrics, gains of {:+.1} % to {:+.1} %, {:+.1} % on the geometric mean\n",
            group.count,
            100.0 * group.range.lower,
            100.0 * group.range.upper,
            100.0 * group.mean
        ))
    });
    lines.collect()
}
