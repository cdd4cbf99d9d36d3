//! The content of a report as text. Figures are formatted by `humanise`, the layout is that of `terminal` and of
//! the templates.

mod answers;
mod comparison;
mod environment;
mod suites;
mod targets;
mod warnings;

pub(super) use answers::OpenTarget;
pub(super) use comparison::{ChangeView, ComparisonView};

use std::path::PathBuf;

use prismq_judge::targets::Outcome;
use prismq_judge::verdict::{Status, Verdict};
use prismq_record::{Known, RunRecord};
use serde::Serialize;

use super::humanise::number;

/// Everything a report shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    pub(super) status: &'static str,
    pub(super) headline: String,
    pub(super) run_id: String,
    pub(super) started_at: String,
    pub(super) seconds: String,
    pub(super) subject: String,
    pub(super) machine: String,
    pub(super) invalid: Vec<String>,
    /// What is inconclusive, where that counts.
    pub(super) inconclusive: Vec<String>,
    /// What is wrong with the measurement itself.
    pub(super) faults: Vec<String>,
    /// What makes figures doubtful but not invalid, worst first.
    pub(super) warnings: Vec<String>,
    /// The summary.
    pub(super) answers: Vec<answers::AnswerView>,
    /// The targets that are not met, worst first.
    pub(super) open: Vec<OpenTarget>,
    /// How many targets are met, without invariants.
    pub(super) met: usize,
    /// How many invariants hold.
    pub(super) held: usize,
    /// Those, by scenario.
    pub(super) targets: Vec<targets::TargetGroup>,
    pub(super) comparison: Option<ComparisonView>,
    pub(super) suites: Vec<suites::SuiteView>,
    pub(super) environment: Vec<environment::Group>,
    pub(super) files: Vec<String>,
}

impl View {
    /// The content of the report of a run and its verdict.
    #[must_use]
    pub fn new(run: &RunRecord, verdict: &Verdict) -> Self {
        let first = run.suites.first();
        Self {
            status: verdict.status.word(),
            headline: headline(verdict),
            run_id: run.run_id.clone(),
            started_at: run.started_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            seconds: number((run.ended_at.duration_since(run.started_at).as_secs_f64()).round()),
            subject: first.map_or_else(String::new, |suite| {
                format!("engine {}, profile {}", suite.engine, suite.profile)
            }),
            machine: environment::machine(run),
            invalid: verdict.invalid.clone(),
            inconclusive: verdict.inconclusive.clone(),
            faults: verdict.faults.clone(),
            warnings: warnings::warnings(run),
            answers: answers::answers(run, verdict),
            open: answers::open(&verdict.checks),
            met: met(verdict),
            held: held(verdict),
            targets: targets::met(&verdict.checks),
            comparison: verdict.comparison.as_ref().map(comparison::view),
            suites: run.suites.iter().map(suites::view).collect(),
            environment: environment::groups(run),
            files: Vec::new(),
        }
    }

    /// Adds the files that the run was read from or written to.
    #[must_use]
    pub fn with_files(mut self, files: &[PathBuf]) -> Self {
        let name = |file: &PathBuf| Some(file.file_name()?.to_string_lossy().into_owned());
        self.files = files.iter().filter_map(name).collect();
        self
    }
}

fn held(verdict: &Verdict) -> usize {
    verdict.checks.iter().filter(|check| targets::is_held(check)).count()
}

fn met(verdict: &Verdict) -> usize {
    verdict.count(|outcome| matches!(outcome, Outcome::Met { .. })) - held(verdict)
}

fn headline(verdict: &Verdict) -> String {
    let (held, met) = (held(verdict), met(verdict));
    let missed = verdict.count(|outcome| matches!(outcome, Outcome::Missed { .. }));
    let undecided = verdict.count(|outcome| matches!(outcome, Outcome::Undecided { .. }));
    let left_out = verdict.count(|outcome| matches!(outcome, Outcome::NotMeasured { .. }));
    let all = verdict.checks.len() - left_out - held;
    let mut targets = match all {
        0 => "no target checked".to_owned(),
        _ if missed > 0 => format!("{missed} of {all} targets missed"),
        _ => format!("{met} of {all} targets met"),
    };
    let invariants = if held == 1 { "invariant held" } else { "invariants held" };
    for (count, what) in [(held, invariants), (undecided, "undecided"), (left_out, "not measured")]
    {
        if count > 0 {
            targets.push_str(&format!(", {count} {what}"));
        }
    }
    match (verdict.status, &verdict.comparison) {
        (Status::Pass | Status::Partial, Some(comparison)) if verdict.checks.is_empty() => {
            format!("no regression against {}", comparison.baseline)
        }
        (Status::Pass | Status::Partial | Status::TargetMissed, _) => targets,
        (Status::Inconclusive, _) => "inconclusive: see the reasons below".to_owned(),
        (Status::Regression, _) => format!("{targets}, but worse than the baseline"),
        (Status::Invalid, _) => "see the reasons below".to_owned(),
    }
}

fn shown<T: ToString>(known: &Known<T>) -> String {
    match &known.value {
        Some(value) => value.to_string(),
        None => format!("unknown ({})", known.reason.as_deref().unwrap_or("no reason given")),
    }
}

/// An interval in brackets.
fn bracketed(lower: f64, upper: f64) -> String {
    format!("[{}, {}]", number(lower), number(upper))
}
