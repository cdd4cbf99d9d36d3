//! `coverage`: the coverage of the intervals of recorded runs.

use std::path::Path;

use clap::Args;
use prismq_record::RunRecord;
use prismq_record::files::gather_all;
use prismq_record::history::{self, HistoryLine};

use super::arguments::load;
use super::show::show;
use crate::conclude::Error;
use crate::coverage::{Coverage, GOAL, coverage};
use crate::render::Table;

/// Compute how often the interval of one run contains the figure of another
///
/// Name runs of one program, or none for all recorded runs of the machine, engine and profile of the latest.
/// Metrics whose intervals contain too few figures are listed, worst first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report coverage
  prismq-report coverage 01KAVA7ZC4M2T0W6Y5N1Q8R3XD latest

Exit statuses: 0 shown; 5 no two runs measured the same work; 2 there is no such run; 1 a file could not be
read.")]
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
            Some(found) => show(&summary(runs.len(), &found)).map(|()| 0),
            None => {
                show(
                    "no two runs measured the same work in six rounds or more: run `cargo bench` again\n",
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

fn summary(runs: usize, Coverage { all, effect, metrics }: &Coverage) -> String {
    let called =
        if all.held() < GOAL { "the spread of the rounds" } else { "confidence intervals" };
    let mut text = format!(
        "{runs} runs, {} pairs: the interval of one run contains the figure of another in {:.1} %, \
         the two intervals are disjoint in {:.1} %\n\
         the variance between whole runs is {effect:.1} times that of independent rounds\n\
         the intervals of these runs are {called}: the limit is {:.0} %\n",
        all.pairs,
        100.0 * all.held(),
        100.0 * all.disjoint(),
        100.0 * GOAL,
    );
    let mut table = Table::aligned_right(1..3);
    table.add_row(["below the limit", "pairs", "contained"]);
    let below: Vec<_> = metrics.iter().filter(|(_, share)| share.held() < GOAL).collect();
    for (name, share) in &below {
        let contained = format!("{:.0} %", 100.0 * share.held());
        table.add_row([name.clone(), share.pairs.to_string(), contained]);
    }
    if !below.is_empty() {
        text.push_str(&format!("\n{table}\n"));
    }
    text
}
