//! `coverage`: whether the intervals of recorded runs hold.

use std::path::Path;

use clap::Args;
use prismq_record::RunRecord;
use prismq_record::files::gather_all;
use prismq_record::history::{self, HistoryLine};

use super::show::show;
use super::source::load;
use crate::conclude::Error;
use crate::coverage::{Coverage, GOAL, coverage};

/// Do the intervals of one run hold the figures of another of the same program?
///
/// Name runs of one program, or none for all those in the folder of the records that are of the machine,
/// engine and profile of the latest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report coverage
  prismq-report coverage 01KAVA7ZC4M2T0W6Y5N1Q8R3XD latest

Exit statuses: 0 shown; 5 there are no two runs that measured the same; 2 there is no such run; 1 a file
could not be read.")]
pub(super) struct CoverageOf {
    /// `latest`, the id of a run, or the path of a combined record
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
}

impl CoverageOf {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let runs = if self.runs.is_empty() {
            recorded(results)?
        } else {
            let named = self.runs.iter().map(|name| load(results, name));
            named.collect::<Result<Vec<_>, _>>()?
        };
        match coverage(&runs) {
            Some(found) => show(&said(runs.len(), &found)).map(|()| 0),
            None => {
                show(
                    "no two runs measured the same in six rounds and more: run `cargo bench` again\n",
                )?;
                Ok(5)
            }
        }
    }
}

fn recorded(results: &Path) -> Result<Vec<RunRecord>, Error> {
    let lines = history::read(results)?;
    let latest = lines.last().and_then(HistoryLine::identity);
    let alike = lines.iter().filter(|line| line.identity() == latest);
    let ids: Vec<&str> = alike.map(|line| line.run_id.as_str()).collect();
    Ok(gather_all(results, &ids)?)
}

fn said(runs: usize, Coverage { pairs, held, disjoint, effect }: &Coverage) -> String {
    let called = if *held < GOAL { "the spread of the rounds" } else { "one of confidence" };
    format!(
        "{runs} runs, {pairs} pairs: the interval of one run holds the figure of another in {:.1} %, \
         the two have nothing in common in {:.1} %\n\
         the figures of whole runs vary {effect:.1} times as much as those of independent rounds would\n\
         an interval of these runs is {called}: that takes {:.0} %\n",
        100.0 * held,
        100.0 * disjoint,
        100.0 * GOAL,
    )
}
