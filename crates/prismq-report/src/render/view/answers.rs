//! The summary on the first screen: may this be merged? Correctness, performance and what is undecided, a line
//! each, and every target that is not met by name.

use prismq_judge::comparison::{Change, Comparison};
use prismq_judge::targets::{Check, Outcome};
use prismq_judge::verdict::{Status, Verdict};
use prismq_record::{RunRecord, Validity};
use serde::Serialize;

use super::bracketed;
use crate::render::humanise::{quantity, spare};

/// A line of the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in super::super) struct AnswerView {
    pub(in super::super) question: &'static str,
    /// `good`, `bad` or `doubt`.
    pub(in super::super) mark: &'static str,
    pub(in super::super) words: String,
}

/// A target that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in super::super) struct OpenTarget {
    /// `MISSED`, `NO DATA` or `UNDECIDED`.
    pub(in super::super) mark: &'static str,
    /// `scenario:metric`.
    pub(in super::super) name: String,
    /// Operator, bound and unit, for example `< 1000 ms`.
    pub(in super::super) wanted: String,
    /// The figure with its interval, or why it is missing.
    pub(in super::super) measured: String,
    /// How far from the bound.
    pub(in super::super) margin: String,
}

const GOOD: &str = "good";
const BAD: &str = "bad";
const DOUBT: &str = "doubt";

pub(super) fn answers(run: &RunRecord, verdict: &Verdict) -> Vec<AnswerView> {
    let measured = |check: &&Check| !matches!(check.outcome, Outcome::NotMeasured { .. });
    let (exact, sampled): (Vec<&Check>, Vec<&Check>) =
        verdict.checks.iter().filter(measured).partition(|check| check.is_exact(run));
    let answer = |question, (mark, words)| AnswerView { question, mark, words };
    vec![
        answer("May I merge?", merge(verdict)),
        answer("Correctness", correctness(run, verdict, &exact)),
        answer("Performance", performance(verdict, &sampled)),
        answer("Undecided", undecided(verdict)),
    ]
}

/// Every target that is not met, worst first.
pub(super) fn open(checks: &[Check]) -> Vec<OpenTarget> {
    let mut open: Vec<(u8, OpenTarget)> = checks.iter().filter_map(open_target).collect();
    open.sort_by_key(|(rank, _)| *rank);
    open.into_iter().map(|(_, target)| target).collect()
}

fn open_target(check: &Check) -> Option<(u8, OpenTarget)> {
    let target = &check.target;
    let figure = |value: f64| {
        let interval = check.interval.map(|interval| bracketed(interval.lower, interval.upper));
        let interval = interval.map_or_else(String::new, |interval| format!(" {interval}"));
        format!("{}{interval}", quantity(value, &target.unit))
    };
    let (rank, mark, measured, margin) = match &check.outcome {
        Outcome::Missed { value, margin } => (0, "MISSED", figure(*value), *margin),
        Outcome::NoData { reason } => (1, "NO DATA", reason.clone(), None),
        // Next to its interval, the margin of the figure alone would mislead.
        Outcome::Undecided { value, .. } => (2, "UNDECIDED", figure(*value), None),
        Outcome::Met { .. } | Outcome::NotMeasured { .. } => return None,
    };
    let target = OpenTarget {
        mark,
        name: format!("{}:{}", target.scenario, target.metric),
        wanted: format!("{} {}", target.operator, quantity(target.bound, &target.unit)),
        measured,
        margin: margin.map_or_else(String::new, spare),
    };
    Some((rank, target))
}

fn merge(verdict: &Verdict) -> (&'static str, String) {
    let regressed = verdict.comparison.as_ref().is_some_and(Comparison::has_regression);
    let (mark, words) = match verdict.status {
        Status::Pass if regressed => (DOUBT, "Targets are met; check what became worse"),
        Status::Pass if cannot_tell(verdict) => {
            (DOUBT, "Targets are met; a slowdown could not be excluded")
        }
        Status::Pass => (GOOD, "Yes"),
        Status::Partial => (DOUBT, "Not decided: only a part was measured"),
        Status::Inconclusive => (DOUBT, "Undecided: the figures are inconclusive"),
        Status::Regression => (BAD, "No: it became worse"),
        Status::TargetMissed => (BAD, "No: a target is missed"),
        Status::Invalid => (BAD, "No: the run is invalid"),
    };
    (mark, words.to_owned())
}

/// Whether a comparison was too noisy to find a slowdown.
fn cannot_tell(verdict: &Verdict) -> bool {
    verdict.comparison.as_ref().is_some_and(|comparison| !comparison.blind_spots().is_empty())
}

fn correctness(run: &RunRecord, verdict: &Verdict, checks: &[&Check]) -> (&'static str, String) {
    let scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
    let invalid =
        scenarios.filter(|scenario| matches!(scenario.validity, Validity::Invalid { .. })).count();
    let targets = held(checks);
    match (&targets, invalid) {
        (_, 1..) => {
            (BAD, format!("{invalid} invalid scenario{}; {}", plural(invalid), targets.words))
        }
        (Held { bad: true, .. }, 0) => (BAD, targets.words),
        _ if verdict.status == Status::Invalid => {
            (BAD, format!("the run is invalid; {}", targets.words))
        }
        _ if checks.is_empty() => (DOUBT, format!("{}; every scenario is valid", targets.words)),
        _ => (GOOD, format!("{}; every scenario is valid", targets.words)),
    }
}

fn performance(verdict: &Verdict, checks: &[&Check]) -> (&'static str, String) {
    let targets = held(checks);
    let Some(comparison) = &verdict.comparison else {
        let mark = match (targets.bad, checks.is_empty()) {
            (true, _) => BAD,
            (false, true) => DOUBT,
            (false, false) => GOOD,
        };
        return (mark, format!("{}; not compared with another run", targets.words));
    };
    let baseline = &comparison.baseline;
    if let Some(reason) = &comparison.not_comparable {
        let mark = if targets.bad { BAD } else { DOUBT };
        return (mark, format!("{}; not comparable with {baseline}: {reason}", targets.words));
    }
    let regressed = comparison.count(&Change::Regressed);
    let improved = comparison.count(&Change::Improved);
    let mark = if targets.bad || comparison.has_regression() { BAD } else { GOOD };
    let all = comparison.rows.len();
    let words = format!(
        "{}; of {all} metrics {regressed} worse and {improved} better than {baseline}{}",
        targets.words,
        if comparison.is_slower() { ", slower overall" } else { "" },
    );
    (mark, words)
}

fn undecided(verdict: &Verdict) -> (&'static str, String) {
    let targets = verdict.count(|outcome| matches!(outcome, Outcome::Undecided { .. }));
    let left_out = verdict.count(|outcome| matches!(outcome, Outcome::NotMeasured { .. }));
    let compared = verdict.comparison.as_ref();
    let metrics = compared.map_or(0, |comparison| comparison.count(&Change::Inconclusive));
    let parts = [
        (targets, "target", ""),
        (metrics, "metric", " of the comparison"),
        (left_out, "target", " not measured"),
    ];
    let mut parts: Vec<String> = parts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, more)| format!("{count} {what}{}{more}", plural(*count)))
        .collect();
    if cannot_tell(verdict) {
        parts.push("too noisy to exclude a slowdown".to_owned());
    }
    match parts.is_empty() {
        true => (GOOD, "nothing".to_owned()),
        false => (DOUBT, parts.join(", ")),
    }
}

/// The plural ending for this count.
const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The outcome of several targets together.
struct Held {
    /// Whether any is missed or has no figure.
    bad: bool,
    words: String,
}

fn held(checks: &[&Check]) -> Held {
    let count = |is: fn(&Outcome) -> bool| checks.iter().filter(|check| is(&check.outcome)).count();
    let all = checks.len();
    let met = count(|outcome| matches!(outcome, Outcome::Met { .. }));
    let missed = count(|outcome| matches!(outcome, Outcome::Missed { .. }));
    let no_data = count(|outcome| matches!(outcome, Outcome::NoData { .. }));
    let words = match (all, missed, no_data) {
        (0, ..) => "no target checked".to_owned(),
        (_, 0, 0) => format!("{met} of {all} targets and invariants hold"),
        (_, missed, 0) => format!("{missed} of {all} targets and invariants missed"),
        (_, 0, no_data) => format!("{no_data} of {all} targets and invariants without data"),
        _ => format!("{missed} of {all} targets and invariants missed, {no_data} without data"),
    };
    Held { bad: missed + no_data > 0, words }
}
