//! Open workloads: tasks are due at times of their own, however long the ones before them take.

use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::lane::Kind;
use prismq_driver::message::Model;

use super::run::Run;
use super::{LEAD, PIPELINE_CALLERS, RATES, WAKE, WAKES};
use crate::run::versus::NAME;
use crate::run::versus::workloads::{Waits, begun, quantiles};
use crate::subject::remote::{Lanes, Result, Round};

impl Run {
    /// The same absolute rates for all queues.
    pub(super) fn rates(&mut self) -> Result<()> {
        for (workload, per_s) in RATES {
            let interval = Duration::from_secs(1) / u32::try_from(per_s).unwrap_or(1);
            self.open(workload, self.sizes.open(per_s), interval)?;
        }
        Ok(())
    }

    /// From when a task is due to when its handler begins, which every queue shows.
    fn open(&mut self, workload: &'static str, tasks: u64, interval: Duration) -> Result<()> {
        let (lanes, t0_ns, from) = self.scheduled(tasks)?;
        let begun = begun(self.ran(from));
        let offsets = self.offsets.iter().enumerate().skip(usize::try_from(from).unwrap_or(0));
        let waits = Waits::of(offsets.take(usize::try_from(tasks).unwrap_or(0)).filter_map(
            |(token, offset)| {
                let begun = *begun.get(&u64::try_from(token).ok()?)?;
                Some((t0_ns + offset, begun))
            },
        ));
        self.faults.extend(waits.fault(workload, "they were due"));
        let metrics = ["begun_p50_ms", "begun_p99_ms"];
        self.readings.extend(quantiles(workload, metrics, waits.times.into_iter()));
        let last = lanes.records().map(|record| record.t1).max().unwrap_or(0);
        let planned = interval.saturating_mul(u32::try_from(tasks).unwrap_or(u32::MAX));
        let late = Duration::from_nanos(last.saturating_sub(t0_ns)).saturating_sub(planned);
        // Its latencies are right, as they count from the schedule; but the rate was not kept.
        if late > planned / 4 {
            eprintln!("{NAME}: {workload}: the last task was called {late:?} late");
        }
        self.enqueued.push(lanes);
        Ok(())
    }

    fn scheduled(&mut self, tasks: u64) -> Result<(Lanes, u64, u64)> {
        let t0_ns = now() + u64::try_from(LEAD.as_nanos()).unwrap_or(0);
        let round = Round { model: Model::Open, t0_ns, ..self.take(tasks, PIPELINE_CALLERS) };
        let lanes = self.offer(&round)?;
        self.wait()?;
        Ok((lanes, t0_ns, round.from))
    }

    /// From the call that enqueues a task to the begin of its handler, which may come before that call returns.
    pub(super) fn wake(&mut self) -> Result<()> {
        let (lanes, _, from) = self.scheduled(WAKES)?;
        let begun = begun(self.ran(from));
        let enqueued = lanes.records().filter(|record| record.kind == Kind::Enqueued);
        let waits =
            Waits::of(enqueued.filter_map(|record| Some((record.t1, *begun.get(&record.token)?))));
        self.faults.extend(waits.fault(WAKE, "they were enqueued"));
        self.readings.extend(quantiles(WAKE, ["p50_ms", "p99_ms"], waits.times.into_iter()));
        self.enqueued.push(lanes);
        Ok(())
    }
}
