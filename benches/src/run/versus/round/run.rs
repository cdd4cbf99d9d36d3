//! A round under way: its driver, the tokens that are left, and what was read so far.

use std::time::Duration;

use prismq_driver::lane::Record;
use prismq_driver::plan::{Entry, Plan};

use super::balance::balance;
use super::{BUDGET, RATES, Sizes, WAKE_INTERVAL, WAKES};
use crate::conformance::Candidate;
use crate::run::versus::workloads::Reading;
use crate::subject::remote::{Crew, Lanes, Launch, Memory, Result, Round, Session};

/// A round under way.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) session: Session,
    launch: Launch,
    patience: Duration,
    pub(super) sizes: Sizes,
    pub(super) plan: Memory,
    /// When each task is due, by token.
    pub(super) offsets: Vec<u64>,
    pub(super) tasks: u64,
    /// The next token.
    pub(super) next: u64,
    pub(super) crew: Option<Crew>,
    pub(super) enqueued: Vec<Lanes>,
    pub(super) readings: Vec<Reading>,
    pub(super) faults: Vec<String>,
}

impl Run {
    pub(super) fn new(session: Session, candidate: &Candidate, sizes: Sizes) -> Result<Self> {
        let closed = sizes.one + sizes.many + sizes.pipeline;
        let mut offsets = vec![0; usize::try_from(closed).unwrap_or(0)];
        let open = RATES.map(|(_, per_s)| (sizes.open(per_s), 1_000_000_000 / per_s));
        let interval = u64::try_from(WAKE_INTERVAL.as_nanos()).unwrap_or(0);
        for (tasks, interval) in open.into_iter().chain([(WAKES, interval)]) {
            offsets.extend((0..tasks).map(|task| task * interval));
        }
        let entry = |offset_ns: &u64| Entry { offset_ns: *offset_ns, ..Entry::default() };
        let plan = Memory::plan(&Plan::new(offsets.iter().map(entry).collect()))?;
        let tasks = u64::try_from(offsets.len()).unwrap_or(u64::MAX);
        Ok(Self {
            session,
            launch: candidate.launch.clone(),
            patience: candidate.patience,
            sizes,
            plan,
            offsets,
            tasks,
            next: 0,
            crew: None,
            enqueued: Vec::new(),
            readings: Vec::new(),
            faults: Vec::new(),
        })
    }

    /// The next so many tokens, enqueued by so many callers.
    pub(super) fn take(&mut self, tasks: u64, callers: u32) -> Round {
        let from = self.next;
        self.next += tasks;
        Round::closed(from, self.next, callers)
    }

    /// Enqueues them.
    pub(super) fn offer(&mut self, round: &Round) -> Result<Lanes> {
        let (enqueued, lanes) = self.session.enqueue(&self.plan, round, BUDGET)?;
        for (message, tasks) in enqueued.errors {
            self.faults.push(format!("{tasks} tasks could not be enqueued: {message}"));
        }
        Ok(lanes)
    }

    /// Until the crew has run all that was enqueued.
    pub(super) fn wait(&mut self) -> Result<()> {
        match &mut self.crew {
            Some(crew) => self.session.wait_done(crew, self.next, self.patience),
            None => Ok(()),
        }
    }

    /// What the crew wrote of these tokens and later ones.
    pub(super) fn ran(&self, from: u64) -> impl Iterator<Item = &Record> {
        let all = self.crew.iter().flat_map(|crew| crew.lanes().records());
        all.filter(move |record| record.token >= from)
    }

    /// Ends it: its figures, and why they must not be used.
    pub(super) fn end(mut self) -> Result<(Vec<Reading>, Vec<String>)> {
        let crew = self.crew.take();
        let balanced = balance(self.session, crew, &self.enqueued, &self.launch, |_| true)?;
        self.faults.extend(balanced);
        Ok((self.readings, self.faults))
    }
}
