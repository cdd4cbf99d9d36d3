//! `render`: a run's report.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use prismq_report::conclude::Error;
use prismq_report::files::FileError;
use prismq_report::render::{View, markdown};
use prismq_report::targets;
use prismq_report::verdict::{OnRegression, judge};

use super::show::show;
use super::source::Source;

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    source: Source,
    /// File of the targets
    #[arg(long, value_name = "FILE", default_value = "benches/targets.toml")]
    targets: PathBuf,
    /// Write the Markdown to this file rather than to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Render {
    pub(crate) fn run(self, results: &Path) -> Result<u8, Error> {
        let targets = targets::read(&self.targets)?;
        let run = self.source.load(results)?;
        let verdict = judge(&run, &targets, None, OnRegression::Show)?;
        let text = markdown(&View::new(&run, &verdict))?;
        match self.output {
            Some(path) => {
                fs::write(&path, text).map_err(|source| FileError::Write { path, source })?;
            }
            None => show(&text)?,
        }
        Ok(0)
    }
}
