//! Which run a command is about.

use std::path::{Path, PathBuf};

use clap::Args;
use prismq_report::baseline;
use prismq_report::conclude::Error;
use prismq_report::files::{Selection, gather, read_run};
use prismq_report::record::RunRecord;

/// The latest run unless told otherwise.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Source {
    /// The run with this id rather than the latest
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// A combined record rather than the folder's suites
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Source {
    pub(crate) fn load(self, results: &Path) -> Result<RunRecord, Error> {
        if let Some(path) = self.record {
            return Ok(read_run(&path)?);
        }
        Ok(gather(results, &self.run.map_or(Selection::Latest, Selection::Id))?)
    }
}

/// A baseline by its name, or a combined record by its path.
pub(crate) fn named(results: &Path, name: &str) -> Result<RunRecord, Error> {
    if Path::new(name).is_file() {
        return Ok(read_run(Path::new(name))?);
    }
    Ok(baseline::load(results, name)?)
}
