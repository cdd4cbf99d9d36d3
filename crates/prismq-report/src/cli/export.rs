//! `export`: exports a run to the formats of other programs.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prismq_record::files::FileError;
use prismq_record::{Direction, RunRecord};

use super::arguments::Source;
use super::show::{deliver, show, write};
use crate::conclude::Error;
use crate::export::{ExportError, bmf, csv, gha, hgrm};

/// Export a run to another program's format
///
/// Writes it for a benchmark tracker, a spreadsheet or a plotter.
#[derive(Debug, Args)]
#[command(after_help = "\
Figures of invalid scenarios are left out, except in csv, which marks them.

Examples:
  prismq-report export --format csv -o figures.csv
  prismq-report export --format gha --better smaller -o smaller.json
  prismq-report export 01KAVA7ZC4M2T0W6Y5N1Q8R3XD --format hgrm -o distributions/

Exit statuses: 0 written; 5 the run has nothing to export, or a distribution is damaged; 2 there is no such
run, or several distributions need a folder; 1 a file could not be read or written.")]
pub(super) struct Export {
    #[command(flatten)]
    source: Source,
    /// The format
    #[arg(long)]
    format: Format,
    /// Which metrics, for gha, whose files have one kind
    #[arg(long, required_if_eq("format", "gha"))]
    better: Option<Better>,
    /// Write to this file instead of standard output; for hgrm, to a folder with a file for each distribution
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Bencher's metric format, JSON
    Bmf,
    /// The custom JSON of github-action-benchmark
    Gha,
    /// All metrics, one per line
    Csv,
    /// Percentile distributions as HdrHistogram's plotters read them
    Hgrm,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Better {
    /// Those whose larger values are better: customBiggerIsBetter
    Bigger,
    /// Those whose smaller values are better: customSmallerIsBetter
    Smaller,
}

impl Export {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let run = self.source.load(results)?;
        let text = match self.format {
            Format::Bmf => bmf(&run)?,
            Format::Gha => match self.better {
                Some(Better::Bigger) => gha(&run, Direction::Higher)?,
                Some(Better::Smaller) | None => gha(&run, Direction::Lower)?,
            },
            Format::Csv => csv(&run)?,
            Format::Hgrm => return distributions(&run, self.output.as_deref()),
        };
        deliver(&text, self.output.as_ref())?;
        Ok(0)
    }
}

/// Writes each distribution to a file of its own. Plotters read a file as one distribution, so standard output
/// accepts only a single one.
fn distributions(run: &RunRecord, folder: Option<&Path>) -> Result<u8, Error> {
    let distributions = hgrm(run)?;
    let Some(folder) = folder else {
        let [only] = distributions.as_slice() else {
            let count = distributions.len();
            return Err(ExportError::Several { count, what: "distributions" }.into());
        };
        show(&only.text)?;
        return Ok(0);
    };
    let failed = |source| FileError::Write { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    for distribution in &distributions {
        write(&folder.join(format!("{}.hgrm", distribution.name)), &distribution.text)?;
    }
    Ok(0)
}
