//! One round of one queue: all workloads one after the other in one process, and the books of all of them.

use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::lane::{Kind, Record};
use prismq_driver::message::{Choice, Model, Records, Settle, Work};
use prismq_driver::plan::{Entry, Plan};

use super::NAME;
use super::workloads::{Reading, Waits, begun, calls, quantiles, rate};
use crate::conformance::Candidate;
use crate::observe::tokens::TokenBalance;
use crate::subject::remote::{Crew, Lanes, Launch, Memory, Result, Round, Session};

/// One caller, each task after the answer to the one before.
pub(super) const ENQUEUE_ONE: &str = "enqueue, 1 caller";
/// Eight callers.
pub(super) const ENQUEUE_MANY: &str = "enqueue, 8 callers";
/// What these enqueued is run by eight workers.
pub(super) const DRAIN: &str = "drain, 8 workers";
/// Both at once.
pub(super) const PIPELINE: &str = "pipeline, 4 callers and 8 workers";
/// An idle crew is given a task now and then.
const WAKE: &str = "wake-up of an idle crew";
/// The same absolute rates for all, so that their latencies can be compared.
const RATES: [(&str, u64); 2] =
    [("open loop, 200 tasks/s", 200), ("open loop, 1000 tasks/s", 1_000)];
const WAKES: u64 = 20;
const WAKE_INTERVAL: Duration = Duration::from_millis(40);

const MANY: u32 = 8;
const PIPELINE_CALLERS: u32 = 4;
/// From a request to the first task of an open load.
pub(super) const LEAD: Duration = Duration::from_millis(100);
pub(super) const BUDGET: Duration = Duration::from_secs(120);
const FEWEST: u64 = 50;
/// How many times as long as the other workloads the drain may take.
const DRAINS_LONGER: f64 = 8.0;
const MOST: u64 = 200_000;

/// How many tasks each closed workload has, and how long an open one lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    one: u64,
    many: u64,
    pipeline: u64,
    seconds: f64,
}

impl Sizes {
    /// Of the round whose figures decide the others'.
    pub(super) const FIRST: Self = Self { one: 50, many: 400, pipeline: 400, seconds: 0.2 };

    /// Sizes that take about so long at the rates of these readings. A queue that is filled much faster than it is
    /// drained is filled with what is drained in a few times as long.
    pub(super) fn lasting(seconds: f64, readings: &[Reading]) -> Self {
        let tasks = |workload: &str, seconds: f64| {
            let rate =
                readings.iter().find(|reading| reading.is_rate && reading.workload == workload);
            let tasks = rate.map_or(0.0, |rate| rate.value * seconds);
            Duration::try_from_secs_f64(tasks)
                .map_or(MOST, |tasks| tasks.as_secs())
                .clamp(FEWEST, MOST)
        };
        let drained = tasks(DRAIN, seconds * DRAINS_LONGER);
        let [one, many] = [ENQUEUE_ONE, ENQUEUE_MANY]
            .map(|workload| tasks(workload, seconds).min((drained / 2).max(FEWEST)));
        Self { one, many, pipeline: tasks(PIPELINE, seconds), seconds }
    }

    fn open(&self, per_s: u64) -> u64 {
        let tasks = Duration::from_secs(per_s).mul_f64(self.seconds.max(0.0)).as_secs();
        tasks.clamp(FEWEST, MOST)
    }
}

/// Measures one round, and returns its figures and why they must not be used.
///
/// # Errors
/// If the driver cannot be used as the protocol has it.
pub fn round(
    candidate: &Candidate,
    choice: Choice,
    sizes: Sizes,
) -> Result<(Vec<Reading>, Vec<String>)> {
    let directory = candidate.fresh()?;
    let (launch, bounds) = (&candidate.launch, candidate.bounds);
    let session = Session::open(launch, bounds, directory.path(), true, choice)?;
    let mut run = Run::new(session, candidate, sizes)?;
    run.closed(ENQUEUE_ONE, sizes.one, 1)?;
    run.closed(ENQUEUE_MANY, sizes.many, MANY)?;
    run.drain()?;
    run.pipeline(sizes.pipeline)?;
    for (workload, per_s) in RATES {
        run.open(
            workload,
            sizes.open(per_s),
            Duration::from_secs(1) / u32::try_from(per_s).unwrap_or(1),
        )?;
    }
    run.wake()?;
    run.end()
}

struct Run {
    session: Session,
    launch: Launch,
    patience: Duration,
    plan: Memory,
    offsets: Vec<u64>,
    tasks: u64,
    next: u64,
    crew: Option<Crew>,
    enqueued: Vec<Lanes>,
    readings: Vec<Reading>,
    faults: Vec<String>,
}

impl Run {
    fn new(session: Session, candidate: &Candidate, sizes: Sizes) -> Result<Self> {
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
    fn take(&mut self, tasks: u64, callers: u32) -> Round {
        let from = self.next;
        self.next += tasks;
        Round::closed(from, self.next, callers)
    }

    fn offer(&mut self, round: &Round) -> Result<Lanes> {
        let (enqueued, lanes) = self.session.enqueue(&self.plan, round, BUDGET)?;
        for (message, tasks) in enqueued.errors {
            self.faults.push(format!("{tasks} tasks could not be enqueued: {message}"));
        }
        Ok(lanes)
    }

    fn closed(&mut self, workload: &'static str, tasks: u64, callers: u32) -> Result<()> {
        let round = self.take(tasks, callers);
        let lanes = self.offer(&round)?;
        self.readings.extend(rate(workload, tasks, lanes.records()));
        self.readings.extend(quantiles(workload, ["p50_ms", "p99_ms"], calls(lanes.records())));
        self.enqueued.push(lanes);
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        match &mut self.crew {
            Some(crew) => self.session.wait_done(crew, self.next, self.patience),
            None => Ok(()),
        }
    }

    fn drain(&mut self) -> Result<()> {
        let (plan, records) = (&self.plan, Records::Buffered);
        let crew = self.session.start("versus", MANY, Work::None, plan, self.tasks, records)?;
        self.crew = Some(crew);
        self.wait()?;
        let ran = self.crew.iter().flat_map(|crew| crew.lanes().records());
        self.readings.extend(rate(DRAIN, self.next, ran));
        Ok(())
    }

    fn pipeline(&mut self, tasks: u64) -> Result<()> {
        let round = self.take(tasks, PIPELINE_CALLERS);
        let lanes = self.offer(&round)?;
        self.wait()?;
        let ran = self.ran().filter(|record| record.token >= round.from);
        let reading = rate(PIPELINE, tasks, lanes.records().chain(ran));
        self.readings.extend(reading);
        self.enqueued.push(lanes);
        Ok(())
    }

    /// An open load: from when a task is due to when its handler begins, which every queue shows.
    fn open(&mut self, workload: &'static str, tasks: u64, interval: Duration) -> Result<()> {
        let (lanes, t0_ns, from) = self.scheduled(tasks)?;
        let begun = begun(self.ran());
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
    fn wake(&mut self) -> Result<()> {
        let (lanes, ..) = self.scheduled(WAKES)?;
        let begun = begun(self.ran());
        let enqueued = lanes.records().filter(|record| record.kind == Kind::Enqueued);
        let waits =
            Waits::of(enqueued.filter_map(|record| Some((record.t1, *begun.get(&record.token)?))));
        self.faults.extend(waits.fault(WAKE, "they were enqueued"));
        self.readings.extend(quantiles(WAKE, ["p50_ms", "p99_ms"], waits.times.into_iter()));
        self.enqueued.push(lanes);
        Ok(())
    }

    fn ran(&self) -> impl Iterator<Item = &Record> {
        self.crew.iter().flat_map(|crew| crew.lanes().records())
    }

    fn end(mut self) -> Result<(Vec<Reading>, Vec<String>)> {
        let crew = self.crew.take();
        let balanced = books(self.session, crew, &self.enqueued, &self.launch, |_| true)?;
        self.faults.extend(balanced);
        Ok((self.readings, self.faults))
    }
}

/// Stops the crew, balances the tasks of these records and ends the driver; returns what is wrong.
pub(super) fn books(
    session: Session,
    crew: Option<Crew>,
    enqueued: &[Lanes],
    launch: &Launch,
    counts: impl Fn(&Record) -> bool,
) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let settles = session.about().settle != Settle::None;
    if let Some(crew) = crew {
        let (stopped, ran) = session.stop(crew, Duration::from_secs(10))?;
        let records = enqueued.iter().flat_map(Lanes::records).chain(ran.records());
        let balance = TokenBalance::of(records.filter(|record| counts(record)), [], settles);
        faults.extend(balance.faults());
        faults.extend(stopped.errors);
    }
    session.close()?;
    faults.extend(launch.take_violations());
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_is_done_in_so_long_and_no_more_than_is_drained_in_a_few_times_as_long() {
        let rate = |workload, value| Reading {
            workload,
            metric: "tasks_per_s",
            unit: "tasks/s",
            is_rate: true,
            value,
        };
        let readings = |drained| {
            [
                rate(ENQUEUE_ONE, 1_000.0),
                rate(ENQUEUE_MANY, 20_000.0),
                rate(DRAIN, drained),
                rate(PIPELINE, 3_000.0),
            ]
        };
        let sizes = |one, many| Sizes { one, many, pipeline: 6_000, seconds: 2.0 };
        assert_eq!(Sizes::lasting(2.0, &readings(30_000.0)), sizes(2_000, 40_000));
        assert_eq!(Sizes::lasting(2.0, &readings(500.0)), sizes(2_000, 4_000));
        assert_eq!(Sizes::lasting(2.0, &readings(50.0)), sizes(400, 400));
    }
}
