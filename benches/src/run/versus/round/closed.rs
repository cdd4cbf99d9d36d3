//! Closed workloads: each caller's next task follows the answer to the one before, and rates are read.

use prismq_driver::message::{Records, Work};

use super::run::Run;
use super::{DRAIN, ENQUEUE_MANY, ENQUEUE_ONE, MANY, PIPELINE, PIPELINE_CALLERS};
use crate::run::versus::workloads::{calls, quantiles, rate};
use crate::subject::remote::Result;

impl Run<'_> {
    /// One caller, then eight, without workers.
    pub(super) fn enqueue(&mut self) -> Result<()> {
        self.fill(ENQUEUE_ONE, 1)?;
        self.fill(ENQUEUE_MANY, MANY)
    }

    fn fill(&mut self, workload: &'static str, callers: u32) -> Result<()> {
        let round = self.closed(workload, callers);
        let lanes = self.offer(&round)?;
        self.add(rate(workload, round.to - round.from, lanes.records()));
        self.add(quantiles(workload, ["p50_ms", "p99_ms"], calls(lanes.records())));
        self.keep(lanes);
        Ok(())
    }

    /// Starts the crew of this round, which runs what was enqueued.
    pub(super) fn drain(&mut self) -> Result<()> {
        let (plan, records) = (&self.plan, Records::Buffered);
        let attempts = self.tokens.attempts();
        let crew = self.session.start("versus", MANY, Work::Plan, plan, attempts, records)?;
        self.crew = Some(crew);
        self.wait()?;
        let ran = self.crew.iter().flat_map(|crew| crew.lanes().records());
        let reading = rate(DRAIN, self.attempts, ran);
        self.add(reading);
        Ok(())
    }

    /// Callers and workers at once.
    pub(super) fn pipeline(&mut self) -> Result<()> {
        let round = self.closed(PIPELINE, PIPELINE_CALLERS);
        let before = self.used();
        let lanes = self.offer(&round)?;
        self.wait()?;
        let reading =
            rate(PIPELINE, round.to - round.from, lanes.records().chain(self.ran(&round)));
        self.add(reading);
        self.read_use(before, round.to - round.from);
        self.keep(lanes);
        Ok(())
    }
}
