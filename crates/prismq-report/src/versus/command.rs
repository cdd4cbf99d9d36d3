//! The command `versus`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prismq_record::files::{latest_versus, read_versus};

use super::{html, markdown, sections, terminal};
use crate::cli::show::deliver;
use crate::conclude::Error;

/// Show queues that were measured side by side
///
/// The record is one of `cargo bench --bench versus`. Queues are ranked only within the class of durability that was
/// verified.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report versus
  prismq-report versus --format md -o versus.md
  prismq-report versus --format html -o versus.html

Exit statuses: 0 shown; 5 no record exists; 1 a file could not be read or written.")]
pub(crate) struct Versus {
    /// Path of a record; the latest in the results folder if left out
    #[arg(value_name = "RECORD")]
    record: Option<PathBuf>,
    /// The format
    #[arg(long, default_value = "terminal")]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text in columns
    Terminal,
    /// Markdown
    Md,
    /// One HTML page, with charts
    Html,
}

impl Versus {
    pub(crate) fn run(self, results: &Path) -> Result<u8, Error> {
        let path = match self.record {
            Some(path) => path,
            None => latest_versus(results)?
                .ok_or_else(|| Error::NoVersus { results: results.to_owned() })?,
        };
        let record = read_versus(&path)?;
        let text = match self.format {
            Format::Terminal => terminal(&sections(&record)),
            Format::Md => markdown(&sections(&record)),
            Format::Html => html(&record),
        };
        deliver(&text, self.output.as_ref())?;
        Ok(0)
    }
}
