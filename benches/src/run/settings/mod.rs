//! Settings are read before anything is measured: what is wrong is refused by the first suite that starts,
//! not by the one that needs it, and not by the verdict when all is over.

pub mod filter;
pub mod invocation;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use prismq_judge::targets;
use prismq_record::baseline;

use crate::base::bench_dir::{self, BenchDir};
use crate::base::error::{Error, Result};
use crate::base::paths;
use crate::base::profile::SUITES;
use crate::environment::sync;
use crate::load::plan;
use crate::run::rounds::decision;
use crate::run::settings::filter::Filter;
use crate::run::settings::invocation::{Invocation, Mode};

/// The variable that names a workload file.
const WORKLOAD: &str = "PRISMQ_WORKLOAD";
/// The variable that makes the soak longer.
const SOAK_MINUTES: &str = "PRISMQ_SOAK_MINUTES";
const SOAK_MINUTES_MIN: usize = 10;
const SOAK_MINUTES_MAX: usize = 1440;

/// Refuses everything that would be refused later on: a setting that is not known, a directory that cannot be
/// written to, the name of a baseline that cannot be kept, targets that cannot be read.
///
/// # Errors
/// The first that is wrong.
pub fn check(invocation: &Invocation, bench_dir: &BenchDir) -> Result<()> {
    soak_minutes()?;
    sync::trusted()?;
    decision::asked_budget()?;
    Filter::of(invocation)?;
    if let Some(workload) = workload() {
        plan::load(&workload)?;
    }
    if invocation.mode == Mode::Unrecorded {
        return Ok(());
    }
    writable(bench_dir::VARIABLE, bench_dir.root())?;
    if invocation.mode != Mode::Measure {
        return Ok(());
    }
    writable(paths::RESULTS, &paths::results_dir())?;
    writable(paths::CRITERION, &paths::criterion_dir())?;
    for (long, short) in [("--save-baseline", "-s"), ("--baseline", "-b")] {
        invocation.option(long, short).map_or(Ok(()), baseline::check_name)?;
    }
    let targets = targets::read(&paths::targets_file())?;
    Ok(targets::check_suites(&targets, &SUITES)?)
}

/// The workload file that is to be measured, if one is named.
#[must_use]
pub fn workload() -> Option<PathBuf> {
    paths::named_by(WORKLOAD)
}

/// How long the soak takes: 10 minutes, or more where `PRISMQ_SOAK_MINUTES` asks for it.
///
/// # Errors
/// [`Error::Setting`] for less than 10, more than a day, or no whole number.
pub fn soak_minutes() -> Result<usize> {
    let Some(asked) = env::var_os(SOAK_MINUTES) else { return Ok(SOAK_MINUTES_MIN) };
    let asked = asked.to_string_lossy().into_owned();
    let allowed = SOAK_MINUTES_MIN..=SOAK_MINUTES_MAX;
    asked.parse().ok().filter(|minutes| allowed.contains(minutes)).ok_or(Error::Setting {
        variable: SOAK_MINUTES,
        value: asked,
        allowed: "whole minutes from 10 to 1440",
    })
}

fn writable(variable: &'static str, directory: &Path) -> Result<()> {
    let tried = fs::create_dir_all(directory).and_then(|()| tempfile::tempfile_in(directory));
    match tried {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Place { variable, path: directory.to_owned(), source }),
    }
}
