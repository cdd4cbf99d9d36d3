//! Open workloads: tasks are due at times of their own, however long the ones before them take.

use std::time::Duration;

use prismq_driver::lane::{Kind, Record};
use prismq_driver::message::Can;

use super::run::Run;
use super::{BUDGET, PIPELINE_CALLERS, RATES, WAKE, WAKE_FROM_OTHER_PROCESS, WARM_UP};
use crate::run::versus::NAME;
use crate::run::versus::workloads::{Waits, begun, quantiles};
use crate::subject::remote::{Lanes, Result, Round, Session};

impl Run<'_> {
    /// The same absolute rates for all queues: from when a task is due to when its handler begins, which every queue
    /// shows.
    pub(super) fn rates(&mut self) -> Result<()> {
        for (workload, per_s) in RATES {
            let round = self.open(workload, PIPELINE_CALLERS);
            let lanes = self.offer(&round)?;
            self.wait()?;
            let waits = self.waits(&round);
            self.fault(waits.fault(workload, "they were due"));
            let metrics = ["begun_p50_ms", "begun_p99_ms"];
            self.add(quantiles(workload, metrics, waits.times.into_iter()));
            let last = lanes.records().map(|record| record.t1).max().unwrap_or(0);
            let tasks = u32::try_from(round.to - round.from).unwrap_or(u32::MAX);
            let planned = (Duration::from_secs(1) / per_s).saturating_mul(tasks);
            let late =
                Duration::from_nanos(last.saturating_sub(round.t0_ns)).saturating_sub(planned);
            // Its latencies are right, as they count from the schedule; but the rate was not kept.
            if late > planned / 4 {
                eprintln!("{NAME}: {workload}: the last task was called {late:?} late");
            }
            self.keep(lanes);
        }
        Ok(())
    }

    /// How long the tasks of an open load waited for their handlers, since they were due.
    pub(super) fn waits(&self, round: &Round) -> Waits {
        let begun = begun(self.ran(round));
        let due = |token| round.t0_ns + self.tokens.offset_ns(token);
        Waits::of(begun.into_iter().map(|(token, begun)| (due(token), begun)))
    }

    /// An idle crew is given a task now and then.
    pub(super) fn wake(&mut self) -> Result<()> {
        let round = self.open(WAKE, PIPELINE_CALLERS);
        let lanes = self.offer(&round)?;
        self.woken(WAKE, (&round, 0), lanes)
    }

    /// The same, but the tasks are enqueued by another process, which has opened the queue too.
    pub(super) fn across(&mut self) -> Result<()> {
        if !self.session.about().can(Can::Processes) {
            self.missing(WAKE_FROM_OTHER_PROCESS, "not offered: a second process");
            return Ok(());
        }
        let other = Session::open(&self.launch, self.bounds, self.directory, false, self.choice)?;
        let round = self.open(WAKE_FROM_OTHER_PROCESS, PIPELINE_CALLERS);
        let (enqueued, lanes) = other.enqueue(&self.plan, &round, BUDGET)?;
        self.offered(enqueued);
        self.woken(WAKE_FROM_OTHER_PROCESS, (&round, WARM_UP), lanes)?;
        other.close()?;
        Ok(())
    }

    /// From the call that enqueues a task to the start of its handler, which may come before that call returns; skipping the
    /// first `first` tasks.
    fn woken(
        &mut self,
        workload: &'static str,
        (round, first): (&Round, u64),
        lanes: Lanes,
    ) -> Result<()> {
        self.wait()?;
        let begun = begun(self.ran(round));
        let called = |record: &Record| Some((record.t1, *begun.get(&record.token)?));
        let is_measured = |record: &&Record| record.token >= round.from + first;
        let enqueued = lanes.records().filter(|record| record.kind == Kind::Enqueued);
        let waits = Waits::of(enqueued.filter(is_measured).filter_map(called));
        self.fault(waits.fault(workload, "they were enqueued"));
        self.add(quantiles(workload, ["p50_ms", "p99_ms"], waits.times.into_iter()));
        self.keep(lanes);
        Ok(())
    }
}
