//! A round under way: its driver, its tasks, and what was read so far.

use std::path::Path;
use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::lane::Record;
use prismq_driver::message::{Can, Choice, Enqueued, Model, Settle};

use super::balance::balance;
use super::saturation::STEPS;
use super::sizes::STEP_MOST;
use super::tokens::Tokens;
use super::{
    BUDGET, ENQUEUE_MANY, ENQUEUE_ONE, FAILING, FAILS, FAILURES, LEAD, PIPELINE, RATES, SATURATION,
    Sizes, WAKE, WAKE_FROM_OTHER_PROCESS, WAKE_INTERVAL, WAKES, WARM_UP,
};
use crate::conformance::Candidate;
use crate::run::versus::workloads::{Figures, Reading};
use crate::subject::remote::{Bounds, Crew, Lanes, Launch, Memory, Result, Round, Session};

/// A round under way.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) session: Session,
    pub(super) directory: &'a Path,
    pub(super) choice: Choice,
    pub(super) launch: Launch,
    pub(super) bounds: Bounds,
    patience: Duration,
    pub(super) sizes: Sizes,
    pub(super) tokens: Tokens,
    pub(super) plan: Memory,
    /// How often the tasks are to be run whose enqueue was acknowledged so far.
    pub(super) attempts: u64,
    pub(super) crew: Option<Crew>,
    enqueued: Vec<Lanes>,
    figures: Figures,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        session: Session,
        candidate: &Candidate,
        directory: &'a Path,
        choice: Choice,
        sizes: Sizes,
    ) -> Result<Self> {
        let mut tokens = Tokens::default();
        for (workload, tasks) in
            [(ENQUEUE_ONE, sizes.one), (ENQUEUE_MANY, sizes.many), (PIPELINE, sizes.pipeline)]
        {
            tokens.add(workload, tasks, Duration::ZERO, 0);
        }
        for (workload, per_s) in RATES {
            tokens.add(workload, sizes.open(per_s), Duration::from_secs(1) / per_s, 0);
        }
        tokens.add(WAKE, WAKES, WAKE_INTERVAL, 0);
        tokens.add(WAKE_FROM_OTHER_PROCESS, WARM_UP + WAKES, WAKE_INTERVAL, 0);
        let fails = if session.about().can(Can::Retry) { FAILS } else { 0 };
        tokens.add(FAILING, FAILURES, Duration::ZERO, fails);
        tokens.add(SATURATION, STEP_MOST * u64::from(STEPS), Duration::ZERO, 0);
        Ok(Self {
            session,
            directory,
            choice,
            launch: candidate.launch.clone(),
            bounds: candidate.bounds,
            patience: candidate.patience,
            sizes,
            plan: Memory::plan(&tokens.plan())?,
            tokens,
            attempts: 0,
            crew: None,
            enqueued: Vec::new(),
            figures: Figures::default(),
        })
    }

    /// A closed load of the tasks of a workload.
    pub(super) fn closed(&self, workload: &str, callers: u32) -> Round {
        let tokens = self.tokens.of(workload);
        Round::closed(tokens.start, tokens.end, callers)
    }

    /// The same as an open load, which begins soon.
    pub(super) fn open(&self, workload: &str, callers: u32) -> Round {
        opened(self.closed(workload, callers))
    }

    /// Has this driver enqueue tasks; returns what its callers wrote.
    pub(super) fn offer(&mut self, round: &Round) -> Result<Lanes> {
        let (enqueued, lanes) = self.session.enqueue(&self.plan, round, BUDGET)?;
        self.offered(enqueued);
        Ok(lanes)
    }

    /// Counts what was enqueued.
    pub(super) fn offered(&mut self, enqueued: Enqueued) {
        self.attempts += enqueued.count;
        for (message, tasks) in enqueued.errors {
            self.fault(format!("{tasks} tasks could not be enqueued: {message}"));
        }
    }

    /// Until the crew has run all that was enqueued.
    pub(super) fn wait(&mut self) -> Result<()> {
        match &mut self.crew {
            Some(crew) => self.session.wait_done(crew, self.attempts, self.patience),
            None => Ok(()),
        }
    }

    /// What the crew wrote of the tasks of this load.
    pub(super) fn ran(&self, round: &Round) -> impl Iterator<Item = &Record> {
        let tokens = round.from..round.to;
        let all = self.crew.iter().flat_map(|crew| crew.lanes().records());
        all.filter(move |record| tokens.contains(&record.token))
    }

    pub(super) fn keep(&mut self, lanes: Lanes) {
        self.enqueued.push(lanes);
    }

    pub(super) fn add(&mut self, readings: impl IntoIterator<Item = Reading>) {
        self.figures.readings.extend(readings);
    }

    pub(super) fn fault(&mut self, fault: impl Into<Option<String>>) {
        self.figures.faults.extend(fault.into());
    }

    pub(super) fn missing(&mut self, workload: &'static str, why: impl Into<String>) {
        self.figures.missing.push((workload, why.into()));
    }

    /// The rate of a workload that was measured.
    pub(super) fn rate_of(&self, workload: &str) -> Option<f64> {
        let mut readings = self.figures.readings.iter();
        let rate = readings.find(|reading| reading.is_rate && reading.workload == workload)?;
        Some(rate.value)
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Result<Figures> {
        let crew = self.crew.take();
        // Where settlements are not seen, nothing shows that another run of a task that failed was right.
        let settles = self.session.about().settle != Settle::None;
        let failing = self.tokens.of(FAILING);
        let counts = |record: &Record| settles || !failing.contains(&record.token);
        let faults = balance(self.session, crew, &self.enqueued, &self.launch, counts)?;
        self.figures.faults.extend(faults);
        Ok(self.figures)
    }
}

/// As an open load, which begins soon.
pub(super) fn opened(round: Round) -> Round {
    let t0_ns = now() + u64::try_from(LEAD.as_nanos()).unwrap_or(0);
    Round { model: Model::Open, t0_ns, ..round }
}
