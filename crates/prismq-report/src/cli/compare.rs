//! `compare`: a run with a baseline.

use std::path::Path;

use clap::Args;
use prismq_report::comparison::compare_by;
use prismq_report::conclude::Error;
use prismq_report::files::{Selection, gather};
use prismq_report::noise;
use prismq_report::render::{View, terminal};
use prismq_report::verdict::{OnRegression, judge};

use super::show::show;
use super::source::named;

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Name of a baseline, or path of a combined record
    base: String,
    /// The same for the run to compare; the latest run unless given
    run: Option<String>,
}

impl Compare {
    pub(crate) fn run(self, results: &Path) -> Result<u8, Error> {
        let before = named(results, &self.base)?;
        let after = match self.run {
            Some(run) => named(results, &run)?,
            None => gather(results, &Selection::Latest)?,
        };
        let rules = noise::rules(results, &after)?;
        let comparison = compare_by(&rules, &self.base, &before, &after);
        let verdict = judge(&after, &[], Some(comparison), OnRegression::Fail)?;
        show(&terminal(&View::new(&after, &verdict)))?;
        Ok(verdict.status.exit_code())
    }
}
