//! Minutes of load while a reader keeps a snapshot taken before it.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    CLAIM_RATIO_TO_NEW, DUPLICATED, LOST, OFFERED_PERCENT, P50_MS, P50_US, P99_MS, SAMPLES,
};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::fault::long_reader::{LongReader, LongReaderRound, long_reader};
use prismq_bench::scenario::open::OpenLoop;
use prismq_bench::subject::{Capability, SubjectKind, Work};
use prismq_record::Model;

const CALLERS: usize = 10;
const WORKERS: usize = 10;
/// Tasks a second. In a file, each makes the WAL longer by some 10 KiB for as long as the snapshot is kept.
const RATE_PER_S: u32 = 1_000;
const RATE_OF_SERVER_PER_S: u32 = 2_000;

/// Only in the full profile, whose time it is worth, and of queues that keep up with the rate.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let scale = suite.stage().scale();
    let worth = matches!(scale, Scale::Trial | Scale::Profile(Profile::Full));
    if !worth || !suite.stage().can(Capability::Backlogs) {
        return Ok(());
    }
    // Dead rows pile up in a server for as long as it is read.
    let (rate, seconds) = match suite.stage().kind() {
        SubjectKind::Postgres => (RATE_OF_SERVER_PER_S, scale.pick(0.1, 1.0, 300.0, 300.0)),
        _ => (RATE_PER_S, scale.pick(0.1, 1.0, 60.0, 60.0)),
    };
    let claims = scale.pick(5, 50, 2_000, 2_000);
    let tasks = Duration::from_secs_f64(seconds).as_millis() * u128::from(rate) / 1_000;
    let tasks = usize::try_from(tasks).unwrap_or(usize::MAX);
    let load = LongReader {
        load: OpenLoop {
            workers: WORKERS,
            generators: CALLERS,
            tasks,
            warm_up: 0,
            settle: 0,
            interval: Duration::from_secs(1) / rate,
            arrivals: ArrivalProcess::Constant,
            work: Work::None,
        },
        claims,
    };
    let case = Case::new("long_reader", "rate", usize::try_from(rate).unwrap_or(usize::MAX))
        .model(Model::Open)
        .claims("end_to_end", 0.99)
        .with("seconds", seconds)
        .with("arrivals", ArrivalProcess::Constant.name())
        .with("callers", CALLERS)
        .with("workers", WORKERS)
        .with("claims", claims)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "no-op")
        // What one machine sustains is more than another does.
        .overload(true);
    let experiment = Experiment::new(case, move |stage| {
        let done = long_reader(stage, &load)?;
        let p99 = done.offered.latencies.end_to_end.value_at_quantile(0.99);
        Ok((Duration::from_nanos(p99), round(done)))
    });
    suite.add(experiment.single())
}

fn round(done: LongReaderRound) -> Round {
    let LongReaderRound { offered, claim, claim_in_new } = done;
    let end_to_end = &offered.latencies.end_to_end;
    let ms = |quantile: f64| as_f64(end_to_end.value_at_quantile(quantile)) / 1e6;
    let readings = vec![
        P50_MS.reads(ms(0.5)),
        P99_MS.reads(ms(0.99)),
        P50_US.reads(1e6 * claim),
        CLAIM_RATIO_TO_NEW.reads(claim / claim_in_new),
        SAMPLES.counts(end_to_end.len()),
        OFFERED_PERCENT.reads(100.0 * offered.achieved),
        LOST.counts(offered.audit.lost),
        DUPLICATED.counts(offered.audit.duplicated),
    ];
    Round {
        readings,
        histograms: offered.latencies.named(),
        faults: offered.faults,
        achieved: Some(offered.achieved),
        thirds: offered.thirds,
        course: offered.course,
        ..Round::default()
    }
}
