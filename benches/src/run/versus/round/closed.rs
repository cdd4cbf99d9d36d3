//! Closed workloads: each caller's next task follows the answer to the one before, and rates are read.

use prismq_driver::message::{Records, Work};

use super::run::Run;
use super::{DRAIN, ENQUEUE_MANY, ENQUEUE_ONE, MANY, PIPELINE, PIPELINE_CALLERS};
use crate::run::versus::workloads::{calls, quantiles, rate};
use crate::subject::remote::Result;

impl Run {
    /// One caller, then eight, without workers.
    pub(super) fn enqueue(&mut self) -> Result<()> {
        self.fill(ENQUEUE_ONE, self.sizes.one, 1)?;
        self.fill(ENQUEUE_MANY, self.sizes.many, MANY)
    }

    fn fill(&mut self, workload: &'static str, tasks: u64, callers: u32) -> Result<()> {
        let round = self.take(tasks, callers);
        let lanes = self.offer(&round)?;
        self.readings.extend(rate(workload, tasks, lanes.records()));
        self.readings.extend(quantiles(workload, ["p50_ms", "p99_ms"], calls(lanes.records())));
        self.enqueued.push(lanes);
        Ok(())
    }

    /// Starts the crew of this round, which runs what was enqueued.
    pub(super) fn drain(&mut self) -> Result<()> {
        let (plan, records) = (&self.plan, Records::Buffered);
        let crew = self.session.start("versus", MANY, Work::None, plan, self.tasks, records)?;
        self.crew = Some(crew);
        self.wait()?;
        self.readings.extend(rate(DRAIN, self.next, self.ran(0)));
        Ok(())
    }

    /// Callers and workers at once.
    pub(super) fn pipeline(&mut self) -> Result<()> {
        let tasks = self.sizes.pipeline;
        let round = self.take(tasks, PIPELINE_CALLERS);
        let lanes = self.offer(&round)?;
        self.wait()?;
        let reading = rate(PIPELINE, tasks, lanes.records().chain(self.ran(round.from)));
        self.readings.extend(reading);
        self.enqueued.push(lanes);
        Ok(())
    }
}
