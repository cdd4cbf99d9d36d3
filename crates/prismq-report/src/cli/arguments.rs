//! Arguments that several commands have: a run, the file of targets, a percentage.

use std::path::{Path, PathBuf};

use clap::Args;
use prismq_judge::targets::{self, Target};
use prismq_record::RunRecord;
use prismq_record::baseline;
use prismq_record::files::{Gathered, Selection, gather_with_files, read_run};

use super::show::warn;
use crate::conclude::Error;

/// The run that a user names.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// `latest`, the id of a run, or the path of a combined record
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
}

const LATEST: &str = "latest";

impl Source {
    pub(super) fn load(&self, results: &Path) -> Result<RunRecord, Error> {
        load(results, &self.run)
    }
}

/// The run of this name: `latest`, a path if it is a file or looks like one, else an id.
pub(super) fn load(results: &Path, name: &str) -> Result<RunRecord, Error> {
    let path = Path::new(name);
    let selection = if name == LATEST {
        Selection::Latest
    } else if path.is_file() || path.extension().is_some() || path.components().count() > 1 {
        return Ok(read_run(path)?);
    } else {
        Selection::Id(name.to_owned())
    };
    let Gathered { run, warnings, .. } = gather_with_files(results, &selection)?;
    warn(&warnings);
    Ok(run)
}

/// The length of a ULID.
const ID_LENGTH: usize = 26;

/// The run of this name, or the baseline of this name.
pub(super) fn load_base(results: &Path, name: &str) -> Result<RunRecord, Error> {
    let is_run = name == LATEST || name.len() == ID_LENGTH || Path::new(name).is_file();
    if is_run && !baseline::exists(results, name).unwrap_or(false) {
        return load(results, name);
    }
    Ok(baseline::load(results, name)?)
}

/// The targets that a run is checked against.
#[derive(Debug, Args)]
pub(super) struct Targets {
    /// File of the targets
    #[arg(long, value_name = "FILE", default_value = targets::FILE)]
    targets: PathBuf,
}

impl Targets {
    pub(super) fn read_for(&self, run: &RunRecord) -> Result<Vec<Target>, Error> {
        Ok(targets::read_for(&self.targets, run)?)
    }
}

/// A share from a percentage, for example `5%` or `5`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write a percentage from 0% to 100%, as in 5%".to_owned()),
    }
}
