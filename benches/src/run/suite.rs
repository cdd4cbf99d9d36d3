//! One suite from its start to its written record: it is given its scenarios, runs their rounds in a drawn
//! order, shows them to Criterion and writes what they read.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use prismq_record::criterion::folder_of;
use prismq_record::{Conditions, Scenario, SyncCheck, Validity, disturbances};

use crate::base::clock::SystemClock;
use crate::base::error::{Error, Result};
use crate::base::paths;
use crate::environment;
use crate::observe::round::Round;
use crate::process;
use crate::run::durations::{Durations, runs_all_suites};
use crate::run::interrupt;
use crate::run::machine_lock::MachineLock;
use crate::run::progress::Progress;
use crate::run::quiet::{self, Budget, Sources};
use crate::run::record::case::Case;
use crate::run::record::part::{Outcome, Part};
use crate::run::record::recorder;
use crate::run::replay::{self, Figure, ROUNDS, ROUNDS_SMOKE};
use crate::run::rounds::decision::Decision;
use crate::run::rounds::experiment::{Experiment, Measurements};
use crate::run::rounds::session::Session;
use crate::run::rounds::unit::Unit;
use crate::run::settings;
use crate::run::settings::filter::Filter;
use crate::run::settings::invocation::{Invocation, Mode};
use crate::scenario::stage::Stage;
use crate::subject::Capability;

/// The exit status where a setting is wrong.
const REFUSED: u8 = 2;
/// The exit status where a suite could not run.
const FAILED: u8 = 1;

type ConcludeFn = Box<dyn Fn(&Measurements<'_>) -> Option<Round>>;
/// Criterion for each unit that a suite's figures may have.
type Criterions = [(Unit, Criterion<Figure>); 3];

/// A suite being run.
pub struct Suite {
    name: &'static str,
    stage: Stage,
    invocation: Invocation,
    filter: Filter,
    part: Arc<Part>,
    experiments: Vec<Experiment>,
    conclusions: Vec<(Case, ConcludeFn)>,
}

/// Runs a suite: `body` says what to measure. The exit status is 0 once the record is written, or
/// there is none to write, 2 if a setting is wrong, in which case nothing was measured, and 1 if the suite
/// could not run. Whether its figures are good enough is
/// the verdict's business, which could not speak if a suite ended `cargo bench` before it.
pub fn main(name: &'static str, body: impl FnOnce(&mut Suite) -> Result<()>) -> ExitCode {
    if let Some(order) = process::Role::from_env() {
        return process::run(&order);
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
    body: impl FnOnce(&mut Suite) -> Result<()>,
) -> Result<()> {
    let measures = invocation.mode == Mode::Measure;
    // Criterion ends the program here if the command line is not one it knows.
    let of = |unit| Ok::<_, Error>((unit, replay::criterion(&stage, &invocation, unit)?));
    let [time, instructions, bytes] = Unit::ALL.map(of);
    let mut criterions = [time?, instructions?, bytes?];
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
    if let Some(doubt) = sync.invalid_reason().or_else(|| sync.warning()) {
        eprintln!("suite {name}: {doubt}");
    }
    let part = Arc::new(Part::new(name, stage.clone(), invocation.clone(), sync, before));
    let stopped = part.clone();
    interrupt::on_stop(move || stopped.stop())?;
    let mut suite = Suite {
        name,
        filter: Filter::of(&invocation)?,
        stage,
        invocation,
        part,
        experiments: Vec::new(),
        conclusions: Vec::new(),
    };
    body(&mut suite)?;
    suite.select();
    if measures {
        suite.refuse_unknown_baseline(&mut criterions)?;
        suite.measure_all()?;
    }
    suite.show(&mut criterions)?;
    suite.finish()?;
    // What `criterion_main!` would do: it writes the index of all reports.
    let [(_, criterion), ..] = criterions;
    criterion.final_summary();
    Ok(())
}

impl Suite {
    /// What rounds need.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether this is test mode: a tiny load, checked but not measured.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.invocation.mode == Mode::Trial
    }

    /// Whether the subject can do what these scenarios need; says which are not offered if not.
    #[must_use]
    pub fn offers(&self, capability: Capability, scenarios: &str) -> bool {
        let (can, subject) = (self.stage.can(capability), self.stage.kind().name());
        if !can {
            eprintln!("suite {}: not offered by {subject}: {scenarios}", self.name);
        }
        can
    }

    /// Whether the command line selects this scenario, for what is prepared for several at once.
    #[must_use]
    pub fn selects(&self, case: &Case) -> bool {
        self.filter.selects(&case.id(self.name))
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
        conclusion: impl Fn(&Measurements<'_>) -> Option<Round> + 'static,
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

    /// Shows Criterion what was measured, or lets it have rounds run, unit by unit.
    fn show(&mut self, criterions: &mut Criterions) -> Result<()> {
        // Rounds that are run meanwhile may say that a scenario has another unit.
        let units: Vec<Unit> = self.experiments.iter().map(Experiment::unit).collect();
        for (unit, criterion) in criterions {
            let all = self.experiments.iter_mut().zip(&units);
            let shown = all.filter(|(_, of_experiment)| *of_experiment == unit);
            let mut shown: Vec<_> = shown.map(|(experiment, _)| experiment).collect();
            replay::show(criterion, &self.invocation, self.name, &self.stage, &mut shown)?;
        }
        Ok(())
    }

    /// Lets Criterion end the program where `--baseline` names one that it does not have of a benchmark, which
    /// it would otherwise find after minutes of measuring.
    fn refuse_unknown_baseline(&mut self, criterions: &mut Criterions) -> Result<()> {
        let Some(baseline) = self.invocation.option("--baseline", "-b") else { return Ok(()) };
        let kept = paths::criterion_dir();
        let lacks = |experiment: &Experiment| {
            let group = folder_of(&format!("{}/{}", self.name, experiment.case().scenario));
            let views = experiment.views(self.name);
            views.iter().filter(|view| self.filter.selects(&view.id)).any(|view| {
                !kept.join(&group).join(folder_of(&view.parameter)).join(baseline).exists()
            })
        };
        let (lacking, known) = std::mem::take(&mut self.experiments).into_iter().partition(lacks);
        self.experiments = lacking;
        self.show(criterions)?;
        self.experiments = known;
        Ok(())
    }

    /// Runs all rounds, and more of those scenarios that have an undecided target.
    fn measure_all(&mut self) -> Result<()> {
        let seed = u64::try_from(self.part.started_at().as_nanosecond()).unwrap_or_default();
        let usual = self.stage.scale().pick(1, ROUNDS_SMOKE, ROUNDS, ROUNDS);
        let rounds = self.invocation.measured_calls(usual);
        // Rounds of a smoke run are too short for a rate, with warm caches or without.
        let discarding =
            self.invocation.discarded_calls() > 0 && self.stage.scale().measures_rates();
        let (suite, decision) =
            (self.name, Decision::of_run(self.stage.scale(), self.stage.kind().name())?);
        let began = Instant::now();
        let profile = decision.profile().name();
        let durations = Durations::of(&paths::target_dir(), profile, self.stage.kind().name());
        let whole = matches!(self.filter, Filter::All) && runs_all_suites();
        let after = durations.after(suite).filter(|_| whole);
        let progress = Progress::begin(suite, after, true);
        // A smoke run is not asked for goals, and has no time to repeat anything.
        let repeats =
            if self.stage.scale().measures_rates() { quiet::BUDGET } else { Duration::ZERO };
        let experiments = &mut self.experiments;
        let (part, conclusions) = (&self.part, &self.conclusions);
        let keep = |experiments: &[Experiment]| {
            scenarios(suite, experiments, conclusions)?
                .into_iter()
                .for_each(|scenario| part.keep(scenario));
            Ok(())
        };
        let mut session =
            Session::begin(suite, &self.stage, &SystemClock, experiments, seed, progress)
                .repeating(Budget::new(Sources::default(), repeats))
                .keeping(keep);
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

    /// Checks what was measured and writes the record, if this start is one that is recorded and anything
    /// was measured.
    fn finish(self) -> Result<()> {
        if self.invocation.mode == Mode::Unrecorded {
            return Ok(());
        }
        let scenarios = scenarios(self.name, &self.experiments, &self.conclusions)?;
        disturbances(&scenarios).iter().for_each(|line| eprintln!("{line}"));
        for scenario in scenarios {
            self.check(&scenario)?;
            self.part.keep(scenario);
        }
        match self.part.write(|| environment::conditions(self.stage.bench_dir()))? {
            Outcome::Record(path) => {
                // A closed stdout must not turn a written record into a failure.
                let _ = writeln!(std::io::stdout(), "record: {}", path.display());
            }
            Outcome::Nothing => {
                if let (Mode::Measure, Some(filter)) =
                    (self.invocation.mode, self.invocation.filter())
                {
                    eprintln!("suite {}: no benchmark matches {filter:?}", self.name);
                }
            }
        }
        Ok(())
    }

    /// Reports what is wrong with a scenario; in test mode, that is an error.
    fn check(&self, scenario: &Scenario) -> Result<()> {
        if let Validity::Invalid { reasons } = &scenario.validity {
            if self.is_trial() {
                let (id, reasons) = (scenario.id.clone(), reasons.clone());
                return Err(Error::Trial { id, reasons });
            }
            eprintln!("{}: INVALID: {}", scenario.id, reasons.join("; "));
        }
        if let Validity::Disturbed { reasons } = &scenario.validity {
            eprintln!(
                "{}: not measured as meant, as others used the machine: {}",
                scenario.id,
                reasons.join("; ")
            );
        }
        for warning in scenario.other_warnings() {
            eprintln!("{}: {warning}", scenario.id);
        }
        if let Some(reason) = scenario.unmeasured() {
            eprintln!("{}: not measured: {reason}", scenario.id);
        }
        Ok(())
    }
}

/// What was measured so far, in the order in which it was added.
fn scenarios(
    suite: &str,
    experiments: &[Experiment],
    conclusions: &[(Case, ConcludeFn)],
) -> Result<Vec<Scenario>> {
    let measurements = Measurements::of(experiments);
    let mut scenarios = Vec::new();
    for experiment in experiments.iter().filter(|experiment| !experiment.measured().is_empty()) {
        scenarios.push(experiment.so_far(suite, &measurements)?);
    }
    for (case, conclusion) in conclusions {
        if let Some(round) = conclusion(&measurements) {
            scenarios.push(recorder::scenario(suite, case.clone(), [&round], Vec::new())?);
        }
    }
    Ok(scenarios)
}
