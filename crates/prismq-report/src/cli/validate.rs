//! `validate`: validates record files.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use prismq_judge::verdict::Status;
use prismq_record::files::FileError;

use super::show::show;
use crate::conclude::Error;
use crate::validate::validate;

/// Validate record files
///
/// Checks types, schema version, config hashes and distributions.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report validate results/benchmark_results_20261124_093000.json
  prismq-report validate results/*.json results/history.jsonl

Exit statuses: 0 every file is valid; 5 a file is invalid; 1 a file could not be read.")]
pub(super) struct Validate {
    /// Records of suites or runs, or a history
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Validate {
    pub(super) fn run(self) -> Result<u8, Error> {
        let mut text = String::new();
        let (mut any_invalid, mut unreadable) = (false, None);
        for file in self.files {
            match validate(&file) {
                Ok(found) if found.problems.is_empty() => {
                    let _ = writeln!(text, "valid: {}: {}", file.display(), found.what);
                }
                Ok(found) => {
                    any_invalid = true;
                    let _ = writeln!(text, "INVALID: {}: {}", file.display(), found.what);
                    for problem in found.problems {
                        let _ = writeln!(text, "  {problem}");
                    }
                }
                Err(error @ FileError::Read { .. }) => unreadable = Some(error),
                Err(error) => {
                    any_invalid = true;
                    let _ = writeln!(text, "INVALID: {error}");
                }
            }
        }
        show(&text)?;
        match unreadable {
            _ if any_invalid => Ok(Status::Invalid.exit_code()),
            Some(error) => Err(error.into()),
            None => Ok(Status::Pass.exit_code()),
        }
    }
}
