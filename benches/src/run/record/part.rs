//! What a suite has measured so far, and its record: written when it ends, and when it is stopped.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prismq_record::{Conditions, SCHEMA_VERSION, SUITE_SCHEMA, Scenario, SuiteRecord, SyncCheck};

use crate::base::error::{Error, Result};
use crate::base::paths;
use crate::base::profile::{SUITES, Scale};
use crate::environment;
use crate::run::record::run_identity::RunIdentity;
use crate::run::settings::invocation::{Invocation, Mode};
use crate::scenario::stage::Stage;

/// The scenarios of a suite with the rounds they have so far, with all that their record needs.
#[derive(Debug)]
pub struct Part {
    name: &'static str,
    stage: Stage,
    invocation: Invocation,
    started_at: Timestamp,
    sync: SyncCheck,
    before: Conditions,
    /// Held while the record is written, so that a suite that is stopped then waits for it.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    scenarios: Vec<Scenario>,
    written: bool,
}

/// What became of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was written to this file.
    Record(PathBuf),
    /// There was none to write, or it was written before.
    Nothing,
}

impl Part {
    /// A suite that begins now, with the conditions taken before it and what was found out about
    /// syncs.
    #[must_use]
    pub fn new(
        name: &'static str,
        stage: Stage,
        invocation: Invocation,
        sync: SyncCheck,
        before: Conditions,
    ) -> Self {
        let (started_at, kept) = (Timestamp::now(), Mutex::default());
        Self { name, stage, invocation, started_at, sync, before, kept }
    }

    /// When it began.
    #[must_use]
    pub const fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Keeps a scenario by the rounds it has so far, in place of what was kept under its id before.
    pub fn keep(&self, scenario: Scenario) {
        let scenarios = &mut self.kept().scenarios;
        match scenarios.iter_mut().find(|found| found.id == scenario.id) {
            Some(found) => *found = scenario,
            None => scenarios.push(scenario),
        }
    }

    /// Writes the record, if this start is one that is recorded and anything was measured. `after` takes
    /// the conditions after the suite.
    ///
    /// # Errors
    /// If the subject cannot say its settings, or the record cannot be written.
    pub fn write(&self, after: impl FnOnce() -> Conditions) -> Result<Outcome> {
        let mut kept = self.kept();
        let nothing = kept.written || kept.scenarios.is_empty();
        if nothing || self.invocation.mode != Mode::Measure {
            return Ok(Outcome::Nothing);
        }
        let Scale::Profile(profile) = self.stage.scale() else { return Ok(Outcome::Nothing) };
        let record = SuiteRecord {
            schema: SUITE_SCHEMA.to_owned(),
            schema_version: SCHEMA_VERSION.to_owned(),
            run_id: RunIdentity::of_parent(&paths::target_dir()).take()?,
            suite: self.name.to_owned(),
            started_at: self.started_at,
            ended_at: Timestamp::now(),
            profile: profile.name().to_owned(),
            engine: self.stage.kind().name().to_owned(),
            argv: self.invocation.argv.clone(),
            environment: environment::gather(
                self.stage.bench_dir(),
                self.stage.settings()?,
                self.invocation.mode == Mode::Measure,
                self.sync.clone(),
                (self.before.clone(), after()),
            )?,
            suites_of_run: SUITES.map(str::to_owned).to_vec(),
            goals: profile.asks_goals(),
            scenarios: kept.scenarios.clone(),
        };
        let path = prismq_record::files::write_suite(&paths::results_dir(), &record)
            .map_err(|error| Error::Record { source: error.into() })?;
        kept.written = true;
        Ok(Outcome::Record(path))
    }

    /// Keeps what was measured and removes the databases, as the process is about to end.
    pub fn stop(&self) {
        // The suite is still running: conditions taken now would be its own.
        let written = self.write(Conditions::default);
        let count = self.kept().scenarios.len();
        match written {
            Ok(Outcome::Record(path)) => eprintln!(
                "\nsuite {}: stopped; {count} scenarios are kept, with the rounds they had, in {}",
                self.name,
                path.display()
            ),
            Ok(Outcome::Nothing) => eprintln!("\nsuite {}: stopped", self.name),
            Err(error) => eprintln!("\nerror: suite {}: stopped: {error}", self.name),
        }
        self.stage.bench_dir().remove_all();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
