//! What the protocol costs: prismq in this process against its driver, in rounds that take turns.

use std::fmt;
use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::lane::Kind;
use prismq_driver::message::{Choice, Records, Work};
use prismq_statistics::{Bounds, Seed, median, relative_change_interval};

use crate::base::bench_dir::BenchDir;
use crate::base::clock::processor_time;
use crate::base::error::{Error, Result};
use crate::base::number::as_f64;
use crate::base::profile::{Profile, Scale};
use crate::conformance::Candidate;
use crate::scenario::drain::{self, Drain};
use crate::scenario::stage::Stage;
use crate::subject::remote::{self, Memory, Session, uniform};
use crate::subject::{SubjectKind, Work as Handler};

const WORKERS: u32 = 8;
const TASKS: u64 = 50_000;
const PAYLOAD_BYTES: u32 = 64;
const LEVEL: f64 = 0.95;
const SEED: Seed = Seed(1);

/// A backlog drained in this process and by a driver.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overhead {
    rates: [Vec<f64>; 2],
    processor_us: [Vec<f64>; 2],
}

impl Overhead {
    /// Measures so many rounds of each.
    ///
    /// # Errors
    /// If the queue or the driver fails.
    pub fn measure(candidate: &Candidate, directory: &BenchDir, rounds: usize) -> Result<Self> {
        let stage =
            Stage::new(SubjectKind::Prismq, directory.clone(), Scale::Profile(Profile::Standard));
        let mut overhead = Self::default();
        // The first round of each finds caches as it left them, and is discarded.
        for round in 0..=rounds {
            let in_process = in_process(&stage)?;
            let by_driver =
                by_driver(candidate).map_err(Error::subject("be measured by its driver"))?;
            if round > 0 {
                for (index, (rate, processor)) in [in_process, by_driver].into_iter().enumerate() {
                    if let Some(rates) = overhead.rates.get_mut(index) {
                        rates.push(rate);
                    }
                    if let Some(times) = overhead.processor_us.get_mut(index) {
                        times.push(processor);
                    }
                }
            }
        }
        Ok(overhead)
    }
}

impl fmt::Display for Overhead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows =
            [("tasks a second", &self.rates), ("processor time a task, µs", &self.processor_us)];
        for (what, [in_process, by_driver]) in rows {
            let of = |samples: &[f64]| median(samples).unwrap_or(f64::NAN);
            let change = 100.0 * (of(by_driver) / of(in_process) - 1.0);
            write!(
                formatter,
                "{what}: {:.1} in process, {:.1} by its driver, {change:+.1} %",
                of(in_process),
                of(by_driver)
            )?;
            if let Some(Bounds { lower, upper }) =
                relative_change_interval(in_process, by_driver, LEVEL, SEED)
            {
                let (lower, upper) = (100.0 * lower, 100.0 * upper);
                write!(formatter, " (95 %: {lower:+.1} % to {upper:+.1} %)")?;
            }
            writeln!(formatter)?;
        }
        write!(
            formatter,
            "{TASKS} tasks, {WORKERS} workers, {} rounds of each in turn",
            self.rates[0].len()
        )
    }
}

fn in_process(stage: &Stage) -> Result<(f64, f64)> {
    let load = Drain {
        workers: usize::try_from(WORKERS).unwrap_or(usize::MAX),
        tasks: usize::try_from(TASKS).unwrap_or(usize::MAX),
        payload_bytes: usize::try_from(PAYLOAD_BYTES).unwrap_or(usize::MAX),
        work: Handler::None,
    };
    let before = processor_time();
    let drained = drain::drain(stage, &load)?;
    let used = processor_time().saturating_sub(before);
    if let Some(fault) = drained.faults.first() {
        return Err(Error::Unfit { reason: fault.clone() });
    }
    Ok((drained.tasks_per_s(), per_task(used)))
}

fn by_driver(candidate: &Candidate) -> remote::Result<(f64, f64)> {
    let directory = candidate.fresh()?;
    let (launch, bounds) = (&candidate.launch, candidate.bounds);
    let session = Session::open(launch, bounds, directory.path(), true, Choice::Default)?;
    let plan = Memory::plan(&uniform(TASKS, Duration::ZERO, Duration::ZERO))?;
    let before = session.driver().family().usage();
    session.load(&plan, 0, TASKS, PAYLOAD_BYTES)?;
    let began = now();
    let mut crew =
        session.start("overhead", WORKERS, Work::None, &plan, TASKS, Records::Buffered)?;
    session.wait_done(&mut crew, TASKS, candidate.patience)?;
    let used = session.driver().family().usage().processor.saturating_sub(before.processor);
    let settled = crew.lanes().records().filter(|record| record.kind == Kind::Settled);
    let last = settled.map(|record| record.t2).max().unwrap_or(began);
    let took = Duration::from_nanos(last.saturating_sub(began));
    session.close()?;
    Ok((as_f64(TASKS) / took.as_secs_f64(), per_task(used)))
}

fn per_task(used: Duration) -> f64 {
    used.as_secs_f64() * 1e6 / as_f64(TASKS)
}
