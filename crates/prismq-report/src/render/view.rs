//! What is shown, as text: the one place where records turn into words. How figures read is
//! `humanise`'s, where the words stand is `terminal`'s and the template's.

use std::path::PathBuf;

use serde::Serialize;

use super::humanise::{bytes, number, percent, quantity};
use crate::comparison::{Change, Comparison, Row};
use crate::record::{Known, Metric, RunRecord, Scenario, SuiteRecord, Validity};
use crate::targets::{Check, Outcome};
use crate::verdict::{Status, Verdict};

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
    pub(super) targets: Vec<TargetView>,
    pub(super) comparison: Option<ComparisonView>,
    pub(super) suites: Vec<SuiteView>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct TargetView {
    pub(super) mark: &'static str,
    pub(super) name: String,
    pub(super) wanted: String,
    pub(super) measured: String,
    pub(super) margin: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ComparisonView {
    pub(super) baseline: String,
    pub(super) summary: String,
    pub(super) rows: Vec<ChangeView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ChangeView {
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) delta: String,
    pub(super) change: String,
}

/// The scenarios of a suite side by side, a metric a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SuiteView {
    pub(super) name: String,
    pub(super) invalid: Vec<String>,
    pub(super) scenarios: Vec<String>,
    pub(super) metrics: Vec<(String, Vec<String>)>,
}

impl View {
    /// Puts a run and its verdict into words.
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
            machine: machine(run),
            invalid: [verdict.invalid.as_slice(), &verdict.inconclusive].concat(),
            targets: verdict.checks.iter().map(target).collect(),
            comparison: verdict.comparison.as_ref().map(comparison),
            suites: run.suites.iter().map(suite).collect(),
            environment: environment(run),
            files: Vec::new(),
        }
    }

    /// Names the files that the run was read from or written to.
    #[must_use]
    pub fn with_files(mut self, files: &[PathBuf]) -> Self {
        let name = |file: &PathBuf| Some(file.file_name()?.to_string_lossy().into_owned());
        self.files = files.iter().filter_map(name).collect();
        self
    }
}

fn headline(verdict: &Verdict) -> String {
    let met = |check: &&Check| matches!(check.outcome, Outcome::Met { .. });
    let met = verdict.checks.iter().filter(met).count();
    let all = verdict.checks.len();
    let targets = if all == 0 {
        "no target checked".to_owned()
    } else {
        format!("{met} of {all} targets met")
    };
    match (verdict.status, &verdict.comparison) {
        (Status::Pass, Some(comparison)) if all == 0 => {
            format!("no regression against {}", comparison.baseline)
        }
        (Status::Pass, _) => targets,
        (Status::Inconclusive, _) => "these figures do not tell: see why below".to_owned(),
        (Status::Regression, _) => format!("{targets}, but worse than the baseline"),
        (Status::TargetMissed, _) => format!("{} of {all} targets missed", all - met),
        (Status::Invalid, _) => "these figures prove nothing: see why below".to_owned(),
    }
}

fn target(check: &Check) -> TargetView {
    let target = &check.target;
    let (mark, measured, margin) = match &check.outcome {
        Outcome::Met { value, margin } => ("✓", quantity(*value, &target.unit), *margin),
        Outcome::Missed { value, margin } => ("✗", quantity(*value, &target.unit), *margin),
        Outcome::NoData { reason } => ("?", format!("no data: {reason}"), None),
    };
    TargetView {
        mark,
        name: format!("{}:{}", target.scenario, target.metric),
        wanted: format!("{} {}", target.operator, quantity(target.bound, &target.unit)),
        measured,
        margin: margin.map_or_else(String::new, percent),
    }
}

fn comparison(comparison: &Comparison) -> ComparisonView {
    let count = |change| comparison.count(&change);
    let not_comparable = |row: &&Row| matches!(row.change, Change::NotComparable { .. });
    let summary = match &comparison.not_comparable {
        Some(reason) => format!("not comparable: {reason}"),
        None => format!(
            "{} improved, {} regressed, {} unchanged, {} inconclusive, {} new, {} missing, \
             {} not comparable",
            count(Change::Improved),
            count(Change::Regressed),
            count(Change::Unchanged),
            count(Change::Inconclusive),
            count(Change::New),
            count(Change::Missing),
            comparison.rows.iter().filter(not_comparable).count(),
        ),
    };
    let worth_showing =
        |row: &&Row| !matches!(row.change, Change::Unchanged | Change::Inconclusive | Change::New);
    let rows = comparison.rows.iter().filter(worth_showing).map(change).collect();
    ComparisonView { baseline: comparison.baseline.clone(), summary, rows }
}

fn change(row: &Row) -> ChangeView {
    let figure = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| quantity(value, &row.unit))
    };
    ChangeView {
        name: format!("{}:{}", row.scenario, row.metric),
        before: figure(row.before),
        after: figure(row.after),
        delta: row.delta.map_or_else(String::new, percent),
        change: match &row.change {
            Change::Improved => "improved".to_owned(),
            Change::Regressed => "regressed".to_owned(),
            Change::Unchanged => "unchanged".to_owned(),
            Change::Inconclusive => "inconclusive".to_owned(),
            Change::NotComparable { reason } => format!("not comparable: {reason}"),
            Change::Missing => "missing".to_owned(),
            Change::New => "new".to_owned(),
        },
    }
}

fn suite(suite: &SuiteRecord) -> SuiteView {
    let mut names: Vec<&str> = Vec::new();
    for metric in suite.scenarios.iter().flat_map(|scenario| &scenario.metrics) {
        if !names.contains(&metric.name.as_str()) {
            names.push(&metric.name);
        }
    }
    let cells = |name: &str| {
        let scenarios = suite.scenarios.iter();
        scenarios.map(|scenario| scenario.metric(name).map_or_else(String::new, figure)).collect()
    };
    SuiteView {
        name: suite.suite.clone(),
        invalid: suite.scenarios.iter().filter_map(invalid).collect(),
        scenarios: suite.scenarios.iter().map(|scenario| short_id(suite, scenario)).collect(),
        metrics: names.into_iter().map(|name| (name.to_owned(), cells(name))).collect(),
    }
}

/// The id without the suite, under whose heading it stands.
fn short_id(suite: &SuiteRecord, scenario: &Scenario) -> String {
    let rest = scenario.id.strip_prefix(suite.suite.as_str()).and_then(|id| id.strip_prefix('/'));
    rest.unwrap_or(&scenario.id).to_owned()
}

fn invalid(scenario: &Scenario) -> Option<String> {
    match &scenario.validity {
        Validity::Valid => None,
        Validity::Invalid { reasons } => Some(format!("{}: {}", scenario.id, reasons.join("; "))),
    }
}

fn figure(metric: &Metric) -> String {
    match metric.value {
        Some(value) => quantity(value, &metric.unit),
        None => format!("– ({})", metric.reason.as_deref().unwrap_or("no reason given")),
    }
}

fn shown<T: ToString>(known: &Known<T>) -> String {
    match &known.value {
        Some(value) => value.to_string(),
        None => format!("unknown ({})", known.reason.as_deref().unwrap_or("no reason given")),
    }
}

fn machine(run: &RunRecord) -> String {
    let Some(suite) = run.suites.first() else { return String::new() };
    let machine = &suite.environment.machine;
    let synchronous = suite
        .environment
        .sqlite
        .pragmas
        .iter()
        .find(|pragma| pragma.name == "synchronous")
        .map_or("unknown", |pragma| pragma.value.as_str());
    format!(
        "{}, {} cores, {} on {}, SQLite {}, synchronous = {synchronous}",
        shown(&machine.cpu),
        shown(&machine.cores),
        shown(&machine.filesystem),
        shown(&machine.kernel),
        suite.environment.sqlite.version,
    )
}

fn environment(run: &RunRecord) -> Vec<(String, String)> {
    let Some(suite) = run.suites.first() else { return Vec::new() };
    let environment = &suite.environment;
    let commit = match &environment.git.value {
        Some(git) if git.dirty => format!("{} with uncommitted changes", git.commit),
        Some(git) => git.commit.clone(),
        None => shown(&Known::<String>::unknown(
            environment.git.reason.as_deref().unwrap_or("no reason given"),
        )),
    };
    let machine = &environment.machine;
    let memory = Known {
        value: machine.memory_bytes.value.map(bytes),
        reason: machine.memory_bytes.reason.clone(),
    };
    let mut rows = vec![
        ("commit".to_owned(), commit),
        ("harness".to_owned(), environment.build.version.clone()),
        ("target".to_owned(), environment.build.target.clone()),
        ("processor".to_owned(), shown(&machine.cpu)),
        ("cores".to_owned(), shown(&machine.cores)),
        ("memory".to_owned(), shown(&memory)),
        ("kernel".to_owned(), shown(&machine.kernel)),
        ("filesystem".to_owned(), shown(&machine.filesystem)),
        ("SQLite".to_owned(), environment.sqlite.version.clone()),
    ];
    rows.extend(
        environment
            .sqlite
            .pragmas
            .iter()
            .map(|pragma| (format!("PRAGMA {}", pragma.name), pragma.value.clone())),
    );
    rows
}
