//! A soak, shortened: all phases happen, every task is done once, and the intervals of the record add up to the
//! whole.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::clock::{Clock, SystemClock, Time};
use prismq_bench::base::profile::Scale;
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::scenario::fault::soak::{PHASES, Soak, soak};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use prismq_probe::{Failed, Trial};
use prismq_record::Validity;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("a_soak_completes_every_task_once_through_all_phases", all_phases),
        Trial::test("a_soak_whose_generator_lags_is_invalid", lagging_generator),
    ]
}

const LOAD: Soak = Soak {
    length: Duration::from_secs(2),
    gap: Duration::from_millis(5),
    callers: 2,
    workers: 2,
    interval: Duration::from_millis(100),
    held_lease: Duration::from_millis(200),
    kill_every: Duration::from_millis(50),
};

/// The system's clock, but who waits is woken far too late.
#[derive(Debug)]
struct Sluggish;

impl Clock for Sluggish {
    fn now(&self) -> Time {
        SystemClock.now()
    }

    fn wait_until(&self, at: Time) {
        SystemClock.wait_until(at + Duration::from_millis(500));
    }

    fn sleep(&self, time: Duration) {
        SystemClock.sleep(time);
    }
}

fn lagging_generator() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(directory.path()), Scale::Trial);
    // Each caller has long been free when its next task is due.
    let load = Soak { gap: Duration::from_millis(400), ..LOAD };
    let (_, round) = soak(&stage.with_clock(Arc::new(Sluggish)), load)?.round();
    let round = Round { achieved: None, ..round };
    let found = scenario("stress", Case::variant("soak", "lagging"), [&round], Vec::new())?;
    let Validity::Invalid { reasons } = &found.validity else {
        return Err("a generator that lags must not be trusted".into());
    };
    let lag = |reason: &String| reason.starts_with("the generator itself was ");
    match reasons.as_slice() {
        [reason] if lag(reason) => Ok(()),
        reasons => Err(format!("{reasons:?}").into()),
    }
}

fn all_phases() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(directory.path()), Scale::Trial);
    let load = LOAD;
    let soaked = soak(&stage, load)?;
    let expect = |holds: bool, what: &str| {
        if holds {
            Ok(())
        } else {
            Err(Failed::from(format!("not so: {what}: {:?}, {:?}", soaked.audit, soaked.deaths)))
        }
    };
    expect(soaked.faults.is_empty(), "no fault")?;
    expect(soaked.audit.completed == soaked.audit.enqueued, "all tasks are completed")?;
    let happened = soaked.course.phases.iter().map(|phase| phase.name.as_str());
    expect(happened.eq(PHASES.iter().map(|phase| phase.name())), "all phases, in order")?;
    expect(!soaked.deaths.is_empty(), "a process died")?;
    for death in &soaked.deaths {
        expect(death.recovered.len() == death.held.len(), "its tasks were recovered")?;
        expect(death.recovery >= load.held_lease / 2, "no sooner than their leases ran out")?;
    }
    expect(soaked.course.intervals.len() > 10, "it was looked at all the time")?;
    let here: u64 = soaked.course.intervals.iter().filter_map(|piece| piece.completed).sum();
    expect(here <= soaked.latencies.end_to_end.len(), "no completion is counted twice")?;
    let sampled = |piece: &prismq_record::Interval| {
        piece.rss_bytes.is_some() && piece.database_bytes.is_some() && piece.depth.is_some()
    };
    expect(soaked.course.intervals.iter().all(sampled), "memory and files are sampled")
}
