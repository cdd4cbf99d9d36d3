//! Workflow commands of GitHub Actions, which annotate the workflow run with what is wrong.

use std::fmt::Write as _;

use prismq_judge::comparison::{Change, Row};
use prismq_judge::targets::{Check, Outcome};
use prismq_judge::verdict::Verdict;
use prismq_record::RunRecord;

use super::{name, scenarios, sentence};

/// How many annotations of one level a step shows; more are dropped silently.
const SHOWN_MAX: usize = 10;

/// An error for each reason why the run is invalid and each target that is missed or has no figure, a warning for
/// each regression, inconclusive result, fault of the measurement and warning of a scenario. If there are more than are shown, the last of
/// a level gives the number of the others.
#[must_use]
pub fn annotations(run: &RunRecord, verdict: &Verdict) -> String {
    let reasons = verdict.invalid.iter().map(|reason| ("invalid".to_owned(), reason.clone()));
    let not_met =
        |check: &&Check| matches!(check.outcome, Outcome::Missed { .. } | Outcome::NoData { .. });
    let missed = verdict.checks.iter().filter(not_met);
    let errors = reasons.chain(missed.map(|check| (name(&check.target), sentence(check))));

    let rows = verdict.comparison.iter().flat_map(|comparison| {
        let regressed = comparison.rows.iter().filter(|row| row.change == Change::Regressed);
        regressed.map(|row| regression(row, &comparison.baseline))
    });
    let whole = verdict.comparison.iter().filter(|comparison| comparison.is_slower());
    let whole = whole.filter_map(|comparison| {
        let slower = 100.0 * comparison.overall?.slowdown;
        let message = format!("{slower:.1} % slower than {} overall", comparison.baseline);
        Some(("all metrics".to_owned(), message))
    });
    let open = verdict.inconclusive.iter().map(|what| ("inconclusive".to_owned(), what.clone()));
    let faults = verdict.faults.iter().map(|fault| ("measurement".to_owned(), fault.clone()));
    let doubtful = scenarios(run).flat_map(|scenario| {
        scenario.warnings.iter().map(|warning| (scenario.id.clone(), warning.clone()))
    });

    let mut text = String::new();
    level(&mut text, "error", errors.collect());
    level(
        &mut text,
        "warning",
        rows.chain(whole).chain(open).chain(faults).chain(doubtful).collect(),
    );
    text
}

fn regression(row: &Row, baseline: &str) -> (String, String) {
    let figure = |value: Option<f64>| value.map_or("none".to_owned(), |value| value.to_string());
    let delta = row.delta.map(|delta| format!(" ({:+.1} %)", delta * 100.0)).unwrap_or_default();
    let (before, after, unit) = (figure(row.before), figure(row.after), &row.unit);
    let message = format!("regressed against {baseline}: {before} then, {after} {unit} now{delta}");
    (format!("{}:{}", row.scenario, row.metric), message)
}

fn level(text: &mut String, level: &str, mut found: Vec<(String, String)>) {
    if found.len() > SHOWN_MAX {
        let more = found.len() - (SHOWN_MAX - 1);
        found.truncate(SHOWN_MAX - 1);
        found.push(("prismq".to_owned(), format!("{more} more: see the summary of this step")));
    }
    for (title, message) in found {
        let _ = writeln!(text, "::{level} title={}::{}", property(&title), data(&message));
    }
}

/// A message must not end its command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property must not end itself or its command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
