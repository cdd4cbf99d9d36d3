//! `env`: where a run was made, and what differs from another.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;

use super::show::show;
use super::source::{Source, load_base};
use crate::comparison::compare;
use crate::conclude::Error;
use crate::fingerprint::{facts, identity};
use crate::record::RunRecord;
use crate::render::Table;

/// Where was this run made?
///
/// Shows its machine, build and settings; with another, what differs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report env
  prismq-report env latest before

Exit statuses: 0 shown, whether or not the runs are comparable; 2 there is no such run or baseline;
1 a file could not be read.")]
pub(super) struct Env {
    #[command(flatten)]
    source: Source,
    /// What to set beside it: name of a baseline, id of a run, path of a combined record, or `latest`
    #[arg(value_name = "OTHER")]
    other: Option<String>,
}

impl Env {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let run = self.source.load(results)?;
        match self.other {
            None => show(&alone(&run))?,
            Some(other) => show(&beside(&run, &load_base(results, &other)?))?,
        }
        Ok(0)
    }
}

fn alone(run: &RunRecord) -> String {
    let mut table = Table::default();
    for (name, fact) in facts_of(run) {
        table.add_row([name, fact]);
    }
    format!("{}\n{table}\n", heading("run", run))
}

fn beside(run: &RunRecord, other: &RunRecord) -> String {
    let mut text = format!("{}\n{}\n", heading("run  ", run), heading("other", other));
    let _ = match compare("other", other, run).not_comparable {
        None => writeln!(text, "comparable"),
        Some(reason) => writeln!(text, "not comparable: {reason}"),
    };
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
    let mut table = Table::default();
    table.add_row(["", "run", "other"]);
    for name in names {
        table.add_row([name.to_owned(), of(&mine, name), of(&theirs, name)]);
    }
    format!("{text}\n{table}\n")
}

fn heading(what: &str, run: &RunRecord) -> String {
    let identity = identity(run).unwrap_or_else(|| "its suites differ in this".to_owned());
    format!("{what} {}, machine, engine and profile {identity}", run.run_id)
}

/// Those of the first suite, as the suites of a run come from one machine.
fn facts_of(run: &RunRecord) -> Vec<(String, String)> {
    run.suites.first().map(|suite| facts(&suite.environment)).unwrap_or_default()
}
