//! One suite from its start to its written record.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use prismq_report::record::{
    Conditions, Metric, SCHEMA_VERSION, SUITE_SCHEMA, Scenario, SuiteRecord, Validity,
};

use crate::child;
use crate::driver::{self, Call, Driver};
use crate::environment;
use crate::error::{Error, Result};
use crate::invocation::{Invocation, Mode};
use crate::places;
use crate::recorder::{self, Case, Round};
use crate::rounds::SharedRounds;
use crate::run_identity::RunIdentity;
use crate::stage::Stage;

/// A suite at work.
pub struct Suite<'a> {
    name: &'static str,
    stage: Stage,
    driver: Driver<'a>,
    started_at: Timestamp,
    before: Conditions,
    scenarios: Vec<Scenario>,
}

/// Runs a suite: `body` says what to measure. The exit status is 0 once the record is written, or
/// there is none to write, and 1 if the suite could not run. Whether its figures are good enough is
/// the verdict's business, which could not speak if a suite ended `cargo bench` before it.
pub fn main(name: &'static str, body: impl FnOnce(&mut Suite<'_>) -> Result<()>) -> ExitCode {
    if let Some(order) = child::Order::from_env() {
        return child::obey(&order);
    }
    match run(name, body) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: suite {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &'static str, body: impl FnOnce(&mut Suite<'_>) -> Result<()>) -> Result<()> {
    let invocation = Invocation::from_args();
    let stage = Stage::from_env(invocation.mode == Mode::Trial)?;
    // Nobody reads them where nothing is recorded.
    let before = match invocation.mode {
        Mode::Measure => environment::conditions(stage.bench_dir()),
        Mode::Trial | Mode::Unrecorded => Conditions::default(),
    };
    let mut criterion = driver::criterion(&stage, &invocation);
    let mut suite = Suite {
        name,
        stage,
        driver: Driver::new(&mut criterion, name, invocation),
        started_at: Timestamp::now(),
        before,
        scenarios: Vec::new(),
    };
    body(&mut suite)?;
    suite.finish()?;
    // What `criterion_main!` would do: it writes the index of all reports.
    criterion.final_summary();
    Ok(())
}

impl Suite<'_> {
    /// What rounds stand on.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Measures a scenario whose rounds Criterion follows by one duration each.
    ///
    /// # Errors
    /// If a round could not be run.
    pub fn measure(
        &mut self,
        case: Case,
        round: impl FnMut(&Stage) -> Result<(Duration, Round)>,
    ) -> Result<()> {
        self.measure_point(case, None, round)
    }

    /// Measures a scenario that is one point of a sweep. Criterion is given the same rounds once more
    /// under a name and a number, since it draws a line through benchmarks that differ in a number alone.
    ///
    /// # Errors
    /// If a round could not be run.
    pub fn measure_point(
        &mut self,
        case: Case,
        point: Option<(&str, usize)>,
        mut round: impl FnMut(&Stage) -> Result<(Duration, Round)>,
    ) -> Result<()> {
        let mut shared = SharedRounds::default();
        let on_line = point.map(|(line, at)| (line, at.to_string()));
        for (scenario, parameter) in
            [(case.scenario, case.parameter.clone())].into_iter().chain(on_line)
        {
            self.bench_as(scenario, &parameter, |stage, call| {
                Ok(shared.get(call.index, || round(stage))?.0)
            })?;
        }
        let measured = shared.measured().iter().skip(self.discarded_calls());
        self.record(case, measured.map(|measured| &measured.1), Vec::new())
    }

    /// Lets Criterion call `measure` for a case, without recording anything.
    ///
    /// # Errors
    /// The first error of `measure`.
    pub fn bench(
        &mut self,
        case: &Case,
        measure: impl FnMut(&Stage, Call) -> Result<Duration>,
    ) -> Result<()> {
        self.bench_as(case.scenario, &case.parameter, measure)
    }

    /// The same under a parameter that is not the case's.
    ///
    /// # Errors
    /// The first error of `measure`.
    pub fn bench_as(
        &mut self,
        scenario: &str,
        parameter: &str,
        mut measure: impl FnMut(&Stage, Call) -> Result<Duration>,
    ) -> Result<()> {
        let stage = &self.stage;
        self.driver.bench(scenario, parameter, |call| measure(stage, call))
    }

    /// Measures a case once, in Criterion's first call, and lets Criterion have the same duration each
    /// time: for what takes long, or is the same every time. Gives back what was measured, if it was.
    ///
    /// # Errors
    /// What `measure` gives.
    pub fn bench_once<T>(
        &mut self,
        case: &Case,
        measure: impl Fn(&Stage) -> Result<(Duration, T)>,
    ) -> Result<Option<T>> {
        let stage = &self.stage;
        let mut measured: Option<(Duration, T)> = None;
        self.driver.bench_unshown(case.scenario, &case.parameter, |_| {
            let (duration, _) = match &measured {
                Some(measured) => measured,
                None => measured.insert(measure(stage)?),
            };
            Ok(*duration)
        })?;
        Ok(measured.map(|(_, measured)| measured))
    }

    /// Whether this is test mode: a tiny load, checked but not measured.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.driver.invocation().mode == Mode::Trial
    }

    /// How many calls of each benchmark Criterion discards.
    #[must_use]
    pub const fn discarded_calls(&self) -> usize {
        self.driver.invocation().discarded_calls()
    }

    /// Records a scenario; without any round there is nothing to record.
    ///
    /// # Errors
    /// If distributions cannot be written; in test mode, if a check failed.
    pub fn record<'r>(
        &mut self,
        mut case: Case,
        rounds: impl IntoIterator<Item = &'r Round>,
        once: Vec<Metric>,
    ) -> Result<()> {
        let mut rounds = rounds.into_iter().peekable();
        if rounds.peek().is_none() {
            return Ok(());
        }
        if self.is_trial() {
            // It claims nothing but correctness.
            case.claims.clear();
        }
        let scenario = recorder::scenario(self.name, case, rounds, once)?;
        if let Validity::Invalid { reasons } = &scenario.validity {
            if self.is_trial() {
                return Err(Error::Trial { id: scenario.id, reasons: reasons.clone() });
            }
            eprintln!("{}: INVALID: {}", scenario.id, reasons.join("; "));
        }
        for warning in &scenario.warnings {
            eprintln!("{}: {warning}", scenario.id);
        }
        self.scenarios.push(scenario);
        Ok(())
    }

    /// The figure of a scenario recorded before, by the two last parts of its id.
    #[must_use]
    pub fn figure(&self, case: &Case, metric: &str) -> Option<f64> {
        let id = case.id(self.name);
        let scenario = self.scenarios.iter().find(|scenario| scenario.id == id)?;
        scenario.metric(metric)?.value
    }

    /// Writes the record, if this start is one that is recorded and anything was measured.
    fn finish(self) -> Result<()> {
        let invocation = self.driver.invocation().clone();
        if invocation.mode != Mode::Measure || self.scenarios.is_empty() {
            return Ok(());
        }
        let profile = match self.stage.scale() {
            crate::profile::Scale::Profile(profile) => profile.name(),
            crate::profile::Scale::Trial => return Ok(()),
        };
        let record = SuiteRecord {
            schema: SUITE_SCHEMA.to_owned(),
            schema_version: SCHEMA_VERSION.to_owned(),
            run_id: RunIdentity::of_parent(&places::target_dir()).take()?,
            suite: self.name.to_owned(),
            started_at: self.started_at,
            ended_at: Timestamp::now(),
            profile: profile.to_owned(),
            engine: self.stage.kind().name().to_owned(),
            argv: invocation.argv,
            environment: environment::gather(&self.stage, self.before)?,
            scenarios: self.scenarios,
        };
        let path = prismq_report::files::write_suite(&places::results_dir(), &record)
            .map_err(|error| Error::Record { source: error.into() })?;
        // A closed stdout must not turn a written record into a failure.
        let _ = writeln!(std::io::stdout(), "record: {}", path.display());
        Ok(())
    }
}
