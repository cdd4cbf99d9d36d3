//! One suite from its start to its written record: it is told its scenarios, runs their rounds in a drawn
//! order, shows them to Criterion and writes what they read.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prismq_report::criterion::folder_of;
use prismq_report::record::{
    Conditions, SCHEMA_VERSION, SUITE_SCHEMA, Scenario, SuiteRecord, Validity,
};

use crate::child;
use crate::clocks::SystemClock;
use crate::decision::Decision;
use crate::driver::{self, ROUNDS, Unit};
use crate::durations::{Durations, runs_all_suites};
use crate::environment;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, Measurements};
use crate::filter::Filter;
use crate::invocation::{Invocation, Mode};
use crate::places;
use crate::profile::Scale;
use crate::progress::Progress;
use crate::recorder::{self, Case, Round};
use crate::run_identity::RunIdentity;
use crate::session::Session;
use crate::stage::Stage;

type ConcludeFn = Box<dyn FnOnce(&Measurements<'_>) -> Option<Round>>;

/// A suite at work.
pub struct Suite {
    name: &'static str,
    stage: Stage,
    invocation: Invocation,
    filter: Filter,
    started_at: Timestamp,
    before: Conditions,
    experiments: Vec<Experiment>,
    conclusions: Vec<(Case, ConcludeFn)>,
}

/// Runs a suite: `body` says what to measure. The exit status is 0 once the record is written, or
/// there is none to write, and 1 if the suite could not run. Whether its figures are good enough is
/// the verdict's business, which could not speak if a suite ended `cargo bench` before it.
pub fn main(name: &'static str, body: impl FnOnce(&mut Suite) -> Result<()>) -> ExitCode {
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

fn run(name: &'static str, body: impl FnOnce(&mut Suite) -> Result<()>) -> Result<()> {
    let invocation = Invocation::from_args();
    let stage = Stage::from_env(invocation.mode == Mode::Trial)?;
    // Criterion ends the program here if the command line is not one it knows.
    let mut criterion = driver::criterion(&stage, &invocation, Unit::Time);
    let mut counting = driver::criterion(&stage, &invocation, Unit::Instructions);
    // Nobody reads them where nothing is recorded.
    let before = match invocation.mode {
        Mode::Measure => environment::conditions(stage.bench_dir()),
        Mode::Trial | Mode::Unrecorded => Conditions::default(),
    };
    let mut suite = Suite {
        name,
        filter: Filter::of(&invocation)?,
        stage,
        invocation,
        started_at: Timestamp::now(),
        before,
        experiments: Vec::new(),
        conclusions: Vec::new(),
    };
    body(&mut suite)?;
    suite.select();
    let mut show = |suite: &mut Suite| {
        for (criterion, counts) in [(&mut criterion, false), (&mut counting, true)] {
            let (stage, invocation) = (&suite.stage, &suite.invocation);
            let all = suite.experiments.iter_mut();
            let mut shown: Vec<_> = all.filter(|found| found.counts() == counts).collect();
            driver::show(criterion, invocation, suite.name, stage, &mut shown)?;
        }
        Ok::<(), Error>(())
    };
    if suite.invocation.mode == Mode::Measure {
        suite.refuse_unknown_baseline(&mut show)?;
        suite.measure_all()?;
    }
    show(&mut suite)?;
    suite.finish()?;
    // What `criterion_main!` would do: it writes the index of all reports.
    criterion.final_summary();
    Ok(())
}

impl Suite {
    /// What rounds stand on.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether this is test mode: a tiny load, checked but not measured.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.invocation.mode == Mode::Trial
    }

    /// Adds a scenario whose rounds Criterion follows by one duration each. It is run after all scenarios
    /// were added, and not at all if the command line does not select it.
    ///
    /// # Errors
    /// [`Error::Twice`] if the suite has a scenario of this id.
    pub fn measure(
        &mut self,
        case: Case,
        round: impl FnMut(&Stage) -> Result<(Duration, Round)> + 'static,
    ) -> Result<()> {
        self.add(Experiment::new(case, round))
    }

    /// Adds a scenario.
    ///
    /// # Errors
    /// [`Error::Twice`] if the suite has a scenario of this id.
    pub fn add(&mut self, mut experiment: Experiment) -> Result<()> {
        let id = experiment.case().id(self.name);
        let cases = self.experiments.iter().map(Experiment::case);
        if cases
            .chain(self.conclusions.iter().map(|(case, _)| case))
            .any(|case| case.id(self.name) == id)
        {
            return Err(Error::Twice { id });
        }
        if self.is_trial() {
            experiment.claim_nothing();
        }
        self.experiments.push(experiment);
        Ok(())
    }

    /// Adds a scenario without rounds of its own: what follows from those of others, if anything does.
    pub fn conclude(
        &mut self,
        case: Case,
        conclusion: impl FnOnce(&Measurements<'_>) -> Option<Round> + 'static,
    ) {
        self.conclusions.push((case, Box::new(conclusion)));
    }

    /// Leaves out what the command line does not select.
    fn select(&mut self) {
        let (name, filter) = (self.name, &self.filter);
        self.experiments.retain(|experiment| {
            experiment.views(name).iter().any(|view| filter.selects(&view.id))
        });
    }

    /// Lets Criterion end the program where `--baseline` names one that it does not have of a benchmark, which
    /// it would otherwise find after minutes of measuring.
    fn refuse_unknown_baseline(
        &mut self,
        mut show: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let Some(baseline) = self.invocation.option("--baseline", "-b") else { return Ok(()) };
        let kept = places::criterion_dir();
        let lacks = |experiment: &Experiment| {
            let group = folder_of(&format!("{}/{}", self.name, experiment.case().scenario));
            let views = experiment.views(self.name);
            views.iter().filter(|view| self.filter.selects(&view.id)).any(|view| {
                !kept.join(&group).join(folder_of(&view.parameter)).join(baseline).exists()
            })
        };
        let (lacking, known) = std::mem::take(&mut self.experiments).into_iter().partition(lacks);
        self.experiments = lacking;
        show(self)?;
        self.experiments = known;
        Ok(())
    }

    /// Runs all rounds, and more of those scenarios that have an undecided target.
    fn measure_all(&mut self) -> Result<()> {
        let seed = u64::try_from(self.started_at.as_nanosecond()).unwrap_or_default();
        let rounds = self.invocation.measured_calls(ROUNDS);
        let discarding = self.invocation.discarded_calls() > 0;
        let (suite, decision) = (self.name, Decision::of_run(self.stage.scale())?);
        let began = Instant::now();
        let profile = decision.profile().name();
        let durations = Durations::of(&places::target_dir(), profile, self.stage.kind().name());
        let whole = matches!(self.filter, Filter::All) && runs_all_suites();
        let after = durations.after(suite).filter(|_| whole);
        let progress = Progress::begin(suite, after, true);
        let experiments = &mut self.experiments;
        let mut session =
            Session::begin(suite, &self.stage, &SystemClock, experiments, seed, progress);
        session.run_fixed(rounds, discarding)?;
        if !self.invocation.quick {
            let is_open =
                |found: &Experiment| decision.is_open(&found.scenario(suite, Vec::new())?);
            session.run_undecided(decision.share(suite), is_open)?;
        }
        session.end();
        if matches!(self.filter, Filter::All) {
            durations.keep(suite, began.elapsed());
        }
        Ok(())
    }

    /// What was measured, in the order in which it was added.
    fn scenarios(&mut self) -> Result<Vec<Scenario>> {
        let figures: Vec<_> = self.experiments.iter_mut().map(Experiment::take_figures).collect();
        let measurements = Measurements::of(&self.experiments);
        let mut scenarios = Vec::new();
        for (experiment, figures) in self.experiments.iter().zip(figures) {
            let once = figures.map(|figures| figures(&measurements)).unwrap_or_default();
            scenarios.push(experiment.scenario(self.name, once)?);
        }
        for (case, conclusion) in std::mem::take(&mut self.conclusions) {
            if let Some(round) = conclusion(&measurements) {
                scenarios.push(recorder::scenario(self.name, case, [&round], Vec::new())?);
            }
        }
        Ok(scenarios)
    }

    /// Checks what was measured and writes the record, if this start is one that is recorded and anything
    /// was measured.
    fn finish(mut self) -> Result<()> {
        self.experiments.retain(|experiment| !experiment.measured().is_empty());
        if self.invocation.mode == Mode::Unrecorded || self.experiments.is_empty() {
            return Ok(());
        }
        let scenarios = self.scenarios()?;
        for scenario in &scenarios {
            if let Validity::Invalid { reasons } = &scenario.validity {
                if self.is_trial() {
                    let (id, reasons) = (scenario.id.clone(), reasons.clone());
                    return Err(Error::Trial { id, reasons });
                }
                eprintln!("{}: INVALID: {}", scenario.id, reasons.join("; "));
            }
            for warning in &scenario.warnings {
                eprintln!("{}: {warning}", scenario.id);
            }
        }
        let Scale::Profile(profile) = self.stage.scale() else { return Ok(()) };
        let record = SuiteRecord {
            schema: SUITE_SCHEMA.to_owned(),
            schema_version: SCHEMA_VERSION.to_owned(),
            run_id: RunIdentity::of_parent(&places::target_dir()).take()?,
            suite: self.name.to_owned(),
            started_at: self.started_at,
            ended_at: Timestamp::now(),
            profile: profile.name().to_owned(),
            engine: self.stage.kind().name().to_owned(),
            argv: self.invocation.argv,
            environment: environment::gather(&self.stage, self.before)?,
            scenarios,
        };
        let path = prismq_report::files::write_suite(&places::results_dir(), &record)
            .map_err(|error| Error::Record { source: error.into() })?;
        // A closed stdout must not turn a written record into a failure.
        let _ = writeln!(std::io::stdout(), "record: {}", path.display());
        Ok(())
    }
}
