//! One suite from its start to its written record.

use std::io::Write as _;
use std::mem;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use prismq_report::record::{Conditions, Metric, SyncCheck, Validity};

use crate::child;
use crate::driver::{self, Call, Driver};
use crate::environment;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::invocation::{Invocation, Mode};
use crate::machine_lock::MachineLock;
use crate::part::{Part, Written};
use crate::quiet::{self, Budget, Sources};
use crate::recorder::{self, Case, Round};
use crate::rounds::SharedRounds;
use crate::settings;
use crate::stage::Stage;

/// The exit status where a setting is wrong.
const REFUSED: u8 = 2;
/// The exit status where a suite could not run.
const FAILED: u8 = 1;

/// A suite at work.
pub struct Suite<'a> {
    name: &'static str,
    stage: Stage,
    driver: Driver<'a>,
    part: Arc<Part>,
    budget: Budget,
}

/// Runs a suite: `body` says what to measure. The exit status is 0 once the record is written, or
/// there is none to write, 2 if a setting is wrong, in which case nothing was measured, and 1 if the suite
/// could not run. Whether its figures are good enough is
/// the verdict's business, which could not speak if a suite ended `cargo bench` before it.
pub fn main(name: &'static str, body: impl FnOnce(&mut Suite<'_>) -> Result<()>) -> ExitCode {
    if let Some(order) = child::Order::from_env() {
        return child::obey(&order);
    }
    let failed = |error: Error, code: u8| {
        eprintln!("error: suite {name}: {error}");
        ExitCode::from(code)
    };
    let (invocation, stage) = match prepare() {
        Ok(prepared) => prepared,
        Err(error) => return failed(error, REFUSED),
    };
    match run(name, invocation, stage, body) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error, FAILED),
    }
}

/// Reads all settings.
fn prepare() -> Result<(Invocation, Stage)> {
    let invocation = Invocation::from_args();
    let stage = Stage::from_env(invocation.mode == Mode::Trial)?;
    settings::check(&invocation, stage.bench_dir())?;
    Ok((invocation, stage))
}

fn run(
    name: &'static str,
    invocation: Invocation,
    stage: Stage,
    body: impl FnOnce(&mut Suite<'_>) -> Result<()>,
) -> Result<()> {
    let measures = invocation.mode == Mode::Measure;
    let alone = measures.then(|| {
        MachineLock::take(&MachineLock::path(), name, |holder| {
            eprintln!("suite {name}: waiting for another measurement on this machine: {holder}");
        })
    });
    let _alone = alone.transpose()?;
    let swept = stage.bench_dir().sweep()?;
    if swept > 0 {
        let root = stage.bench_dir().root().display();
        eprintln!("suite {name}: removed {swept} databases that a killed run left in {root}");
    }
    // Nobody reads them where nothing is recorded.
    let (sync, before) = if measures {
        (environment::sync::check(stage.bench_dir())?, environment::conditions(stage.bench_dir()))
    } else {
        (SyncCheck::default(), Conditions::default())
    };
    if let Some(doubt) = sync.objection().or_else(|| sync.warning()) {
        eprintln!("suite {name}: {doubt}");
    }
    let mut criterion = driver::criterion(&stage, &invocation);
    let part = Arc::new(Part::new(name, stage.clone(), invocation.clone(), sync, before));
    let stopped = part.clone();
    interrupt::on_stop(move || stopped.stop())?;
    // A smoke run is not asked for goals, and has no time to repeat anything.
    let repeats = if stage.scale().tells_rates() { quiet::BUDGET } else { Duration::ZERO };
    let mut suite = Suite {
        name,
        stage,
        driver: Driver::new(&mut criterion, name, invocation),
        part,
        budget: Budget::new(Sources::default(), repeats),
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
        let mut budget = mem::take(&mut self.budget);
        let trial = self.is_trial();
        let on_line = point.map(|(line, at)| (line, at.to_string()));
        for (scenario, parameter) in
            [(case.scenario, case.parameter.clone())].into_iter().chain(on_line)
        {
            self.bench_as(scenario, &parameter, |stage, call| {
                let measure = || {
                    if trial || call.discarded {
                        return round(stage);
                    }
                    let (measured, disturbance) = budget.undisturbed(|| round(stage))?;
                    let (took, mut measured) = measured;
                    measured.course.disturbance = Some(disturbance);
                    Ok((took, measured))
                };
                Ok(shared.get(call.index, measure)?.0)
            })?;
        }
        self.budget = budget;
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
        let mut scenario = recorder::scenario(self.name, case, rounds, once)?;
        scenario.warnings.extend(scenario.disturbed());
        if let Validity::Invalid { reasons } = &scenario.validity {
            if self.is_trial() {
                return Err(Error::Trial { id: scenario.id, reasons: reasons.clone() });
            }
            eprintln!("{}: INVALID: {}", scenario.id, reasons.join("; "));
        }
        for warning in &scenario.warnings {
            eprintln!("{}: {warning}", scenario.id);
        }
        self.part.keep(scenario);
        Ok(())
    }

    /// The figure of a scenario recorded before, by the two last parts of its id.
    #[must_use]
    pub fn figure(&self, case: &Case, metric: &str) -> Option<f64> {
        let id = case.id(self.name);
        self.part.figure(&id, metric)
    }

    /// Writes the record, if this start is one that is recorded and anything was measured.
    fn finish(self) -> Result<()> {
        let after = || environment::conditions(self.stage.bench_dir());
        match self.part.write(after)? {
            Written::Record(path) => {
                // A closed stdout must not turn a written record into a failure.
                let _ = writeln!(std::io::stdout(), "record: {}", path.display());
            }
            Written::Nothing => {
                let invocation = self.driver.invocation();
                if let (Mode::Measure, Some(filter)) = (invocation.mode, invocation.filter()) {
                    eprintln!("suite {}: no benchmark matches {filter:?}", self.name);
                }
            }
        }
        Ok(())
    }
}
