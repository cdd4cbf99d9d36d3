//! JUnit: a test case for each target, a test suite for each suite, and one case for whether the run is valid. The form is that of Jenkins' `junit-10.xsd`, which CI servers read.

use std::fmt::{self, Write as _};
use std::time::Duration;

use prismq_judge::targets::{Check, Outcome};
use prismq_judge::verdict::Verdict;
use prismq_record::{RunRecord, SuiteRecord};

use super::{ExportError, name, sentence};

/// A run and its verdict as XML. A missed target is a failure, one that is undecided or was not measured is
/// skipped; a target without a figure is an error, and so is an invalid run.
///
/// # Errors
/// [`ExportError::Format`], which only a defect in the writer causes.
pub fn junit(run: &RunRecord, verdict: &Verdict) -> Result<String, ExportError> {
    let mut suites =
        vec![Suite { name: "validity", took: None, cases: vec![validity(run, verdict)] }];
    let mut names: Vec<&str> = verdict.checks.iter().map(suite_of).collect();
    names.sort_unstable();
    names.dedup();
    for suite in names {
        let checks = verdict.checks.iter().filter(|check| suite_of(check) == suite);
        let record = run.suites.iter().find(|record| record.suite == suite);
        suites.push(Suite {
            name: suite,
            took: record.map(duration),
            cases: checks.map(case).collect(),
        });
    }
    let took = took(run.ended_at.duration_since(run.started_at));
    written(&suites, took)
        .map_err(|error| ExportError::Format { format: "JUnit", reason: error.to_string() })
}

/// A group of cases.
struct Suite<'a> {
    name: &'a str,
    took: Option<Duration>,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: String,
    class: &'a str,
    problem: Option<Problem>,
    output: Option<String>,
}

/// Why a case did not succeed.
struct Problem {
    /// `failure` or `error`.
    element: &'static str,
    message: String,
    kind: &'static str,
    description: String,
}

fn validity<'a>(run: &RunRecord, verdict: &Verdict) -> Case<'a> {
    let count = verdict.invalid.len();
    let problem = (count > 0).then(|| Problem {
        element: "error",
        message: format!("run {} is invalid, for {count} reasons", run.run_id),
        kind: "invalid",
        description: verdict.invalid.join("\n"),
    });
    let name = "the run is valid".to_owned();
    Case { name, class: "validity", problem, output: None }
}

fn suite_of(check: &Check) -> &str {
    check.target.scenario.split('/').next().unwrap_or_default()
}

fn case(check: &Check) -> Case<'_> {
    let problem = |element, kind| {
        Some(Problem { element, message: sentence(check), kind, description: String::new() })
    };
    let problem = match check.outcome {
        Outcome::Met { .. } => None,
        Outcome::Undecided { .. } => problem("skipped", "undecided"),
        Outcome::NotMeasured { .. } => problem("skipped", "not measured"),
        Outcome::Missed { .. } => problem("failure", "target missed"),
        Outcome::NoData { .. } => problem("error", "no data"),
    };
    let (class, output) = (suite_of(check), Some(sentence(check)));
    Case { name: name(&check.target), class, problem, output }
}

fn written(suites: &[Suite<'_>], took: Duration) -> Result<String, fmt::Error> {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    writeln!(xml, "<testsuites name=\"prismq\" {} {}>", counts(all()), time(took))?;
    for suite in suites {
        let took = suite.took.map(time).unwrap_or_default();
        let (name, counts) = (escaped(suite.name), counts(&suite.cases));
        writeln!(xml, "  <testsuite name=\"{name}\" {counts} {took}>")?;
        for case in &suite.cases {
            case.write(&mut xml)?;
        }
        writeln!(xml, "  </testsuite>")?;
    }
    writeln!(xml, "</testsuites>")?;
    Ok(xml)
}

impl Case<'_> {
    fn write(&self, xml: &mut String) -> fmt::Result {
        let (name, class) = (escaped(&self.name), escaped(self.class));
        writeln!(xml, "    <testcase name=\"{name}\" classname=\"{class}\">")?;
        if let Some(Problem { element, message, kind, description }) = &self.problem {
            let (message, description) = (escaped(message), escaped(description));
            writeln!(
                xml,
                "      <{element} message=\"{message}\" type=\"{kind}\">{description}</{element}>"
            )?;
        }
        if let Some(output) = &self.output {
            writeln!(xml, "      <system-out>{}</system-out>", escaped(output))?;
        }
        writeln!(xml, "    </testcase>")
    }
}

fn counts<'c>(cases: impl IntoIterator<Item = &'c Case<'c>> + Clone) -> String {
    let of = |element: &str| {
        let problems = cases.clone().into_iter().filter_map(|case| case.problem.as_ref());
        problems.filter(|problem| problem.element == element).count()
    };
    let (failures, errors, skipped) = (of("failure"), of("error"), of("skipped"));
    let tests = cases.into_iter().count();
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn time(took: Duration) -> String {
    format!("time=\"{:.3}\"", took.as_secs_f64())
}

/// Escapes text for XML 1.0, for elements and attributes: in an attribute a line end would become a space unless
/// it is a numeric reference, and of the control characters only tab and line ends are allowed.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other < ' ' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

fn duration(suite: &SuiteRecord) -> Duration {
    took(suite.ended_at.duration_since(suite.started_at))
}

/// Not negative, even if the clock was set back in the meantime.
fn took(time: jiff::SignedDuration) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn only_characters_that_xml_allows_are_left() {
        assert_eq!(escaped("<a b='\"&'>"), "&lt;a b=&apos;&quot;&amp;&apos;&gt;");
        assert_eq!(escaped("two\nlines\t\r"), "two&#10;lines&#9;&#13;");
        assert_eq!(escaped("\u{0}\u{1b}[31mred\u{ffff}é"), "[31mredé");
    }
}
