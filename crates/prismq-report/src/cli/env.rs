//! `env`: the environment of a run, and its differences from another's.

use std::path::Path;

use clap::Args;
use console::measure_text_width;
use prismq_judge::comparison::compare;
use prismq_record::RunRecord;
use prismq_record::fingerprint::{facts, identity};

use super::arguments::{Source, load_base};
use super::show::show;
use crate::conclude::Error;
use crate::render::{TerminalOptions, wrapped};

/// Show the environment of a run
///
/// Shows machine, build and settings; with a second run, the differences.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report env
  prismq-report env latest before

Exit statuses: 0 shown; 2 there is no such run or baseline; 1 a file could not be read.")]
pub(super) struct Env {
    #[command(flatten)]
    source: Source,
    /// Run to compare with: name of a baseline, id of a run, path of a combined record, or `latest`
    #[arg(value_name = "OTHER")]
    other: Option<String>,
}

impl Env {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let run = self.source.load(results)?;
        let width = TerminalOptions::of_stdout().width;
        match self.other {
            None => show(&alone(&run, width))?,
            Some(other) => show(&against(&run, &load_base(results, &other)?, width))?,
        }
        Ok(0)
    }
}

fn alone(run: &RunRecord, width: Option<u16>) -> String {
    let mut text = String::new();
    wrapped(&mut text, plain(width), &heading("run", run), 2);
    text + &listed(&facts_of(run), width)
}

/// A line for each name and fact, wrapped to the terminal; in a narrow one the fact goes below its name.
fn listed(rows: &[(String, String)], width: Option<u16>) -> String {
    let look = plain(width);
    let column = rows.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or(0) + 2;
    let mut text = String::new();
    for (name, fact) in rows {
        if width.is_some_and(|width| column > usize::from(width) / 2) {
            wrapped(&mut text, look, name, 0);
            wrapped(&mut text, look, &format!("  {fact}"), 2);
        } else {
            wrapped(&mut text, look, &format!("{name:column$}{fact}"), column);
        }
    }
    text
}

const fn plain(width: Option<u16>) -> TerminalOptions {
    TerminalOptions { colour: false, width, changes_max: None }
}

fn against(run: &RunRecord, other: &RunRecord, width: Option<u16>) -> String {
    let comparable = match compare("other", other, run).not_comparable {
        None => "comparable".to_owned(),
        Some(reason) => format!("not comparable: {reason}"),
    };
    let mut text = String::new();
    for line in [heading("run  ", run), heading("other", other), comparable] {
        wrapped(&mut text, plain(width), &line, 2);
    }
    let (mine, theirs) = (facts_of(run), facts_of(other));
    let of = |facts: &[(String, String)], name: &str| {
        let found = facts.iter().find(|(known, _)| known == name);
        found.map_or_else(|| "–".to_owned(), |(_, fact)| fact.clone())
    };
    let mut names: Vec<&str> = mine.iter().chain(&theirs).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| of(&mine, name) != of(&theirs, name));
    if names.is_empty() {
        return text + "nothing differs\n";
    }
    let mut rows = Vec::new();
    for name in names {
        rows.push((format!("{name}, run"), of(&mine, name)));
        rows.push((format!("{name}, other"), of(&theirs, name)));
    }
    format!("{text}\n{}", listed(&rows, width))
}

fn heading(what: &str, run: &RunRecord) -> String {
    let identity = identity(run).unwrap_or_else(|| "that differ between its suites".to_owned());
    format!("{what} {}, machine, engine and profile {identity}", run.run_id)
}

/// The facts of the first suite: the suites of a run come from one machine.
fn facts_of(run: &RunRecord) -> Vec<(String, String)> {
    run.suites.first().map(|suite| facts(&suite.environment)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../../tests/fixtures/run-1.1.json");

    #[test]
    fn lines_fit_the_terminal_and_are_not_wrapped_in_a_file() {
        let mut run: RunRecord = serde_json::from_str(FIXTURE).unwrap();
        let options = (0..40).map(|number| format!("ENABLE_OPTION_{number}")).collect();
        run.suites[0].environment.sqlite.compile_options = options;
        let mut other = run.clone();
        other.suites[0].environment.sqlite.compile_options.pop();
        for width in [50, 80, 120] {
            let (one, two) = (alone(&run, Some(width)), against(&run, &other, Some(width)));
            let widest = one.lines().chain(two.lines()).map(measure_text_width).max();
            assert!(widest <= Some(width.into()), "{width}: {widest:?}\n{one}\n{two}");
            assert!(one.contains("ENABLE_OPTION_39"), "nothing is lost: {one}");
        }
        let whole = |line: &str| line.contains("OPTION_0") && line.contains("OPTION_39");
        assert!(alone(&run, None).lines().any(whole));
    }
}
