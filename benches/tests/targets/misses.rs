//! For each metric that a target is about, a subject that misses it, measured by the functions that the
//! suites measure with.

use std::collections::HashSet;
use std::time::Duration;

use prismq_bench::base::error::{Error, Result};
use prismq_bench::base::number::percent;
use prismq_bench::load::service_time::{Kind, ServiceTime};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::*;
use prismq_bench::observe::rss::Trend;
use prismq_bench::process::{Operation, Report};
use prismq_bench::reference::switch::switches;
use prismq_bench::reference::{disk, per_s, raw};
use prismq_bench::scenario::backlog::{BATCH, Backlog};
use prismq_bench::scenario::cost::claim::{BacklogKind, fill, side_by_side};
use prismq_bench::scenario::cost::writes::by_operation;
use prismq_bench::scenario::drain::efficiency;
use prismq_bench::scenario::drain::foreign_writer::{self, Disturbed};
use prismq_bench::scenario::drain::overhead::bare_drain;
use prismq_bench::scenario::drain::pipeline::{Pipeline, pipeline};
use prismq_bench::scenario::drain::{Drain, drain, sustains};
use prismq_bench::scenario::fault::faults::{Faults, FaultsRound, faults};
use prismq_bench::scenario::fault::kill::Acknowledged;
use prismq_bench::scenario::idle::idle;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::scenario::wake::{From, wake};
use prismq_bench::subject::SubjectKind;
use prismq_bench::subject::Work;
use prismq_judge::targets::Target;

use crate::faulty::Fault;
use crate::rounds::{
    drained, drained_by, enqueued, known, offered, sleeping, wal_of_a_held_reader,
};

const MS: Duration = Duration::from_millis(1);
/// Later than any latency target allows.
const VERY_LATE: Duration = Duration::from_millis(1_100);
const HELD: &str = prismq_bench::process::HELD_TYPE;

/// What a subject that misses the target reads; `None` if there is none yet.
pub(crate) fn reading(target: &Target, stage: &Stage) -> Result<Option<Reading>> {
    let spoiled = |fault: Fault| stage.with_between(fault.between());
    let suite = target.scenario.split('/').next().unwrap_or_default();
    Ok(Some(match (suite, target.metric.as_str()) {
        ("throughput", "tasks_per_s") => {
            let workers = known(number_in(&target.scenario, "workers"))?;
            let slow = spoiled(Fault::Late(100 * MS));
            TASKS_PER_S.reads(drained(&slow, workers, 2 * workers)?.tasks_per_s())
        }
        ("stress", "lost") => LOST.counts(broken_promises().0),
        ("stress", "undone") => UNDONE.counts(broken_promises().1),
        (_, "lost") => LOST.counts(drained(&spoiled(Fault::Loses), 2, 10)?.audit.lost),
        (_, "duplicated") => {
            DUPLICATED.counts(drained(&spoiled(Fault::Duplicates), 2, 10)?.audit.duplicated)
        }
        ("concurrency", metric @ ("busy_errors" | "claim_conflict_percent"))
            if target.scenario.contains("foreign_writer") =>
        {
            disturbed(&spoiled(Fault::Contends), metric)?
        }
        (_, "busy_errors") => {
            BUSY_ERRORS.counts(drained(&spoiled(Fault::Contends), 2, 10)?.counted.busy_errors)
        }
        (_, "claim_conflict_percent") => {
            let drained = drained(&spoiled(Fault::Contends), 2, 10)?;
            CLAIM_CONFLICT_PERCENT.reads(drained.claim_conflict_percent())
        }
        (_, "max_workers") => {
            let drained = drained(&spoiled(Fault::Complains), 2, 10)?;
            MAX_WORKERS.counts(if sustains(&[drained.level(2)]) { 2 } else { 0 })
        }
        (_, "speed_up") => {
            let rate = |workers| -> Result<f64> {
                Ok(drained_by(&spoiled(Fault::OneByOne), workers, 20, sleeping(2 * MS))?
                    .tasks_per_s())
            };
            let (one, ten) = (rate(1)?, rate(10)?);
            SPEED_UP.reads(ten / one)
        }
        ("stress", metric) => stress(target, metric, &spoiled)?,
        ("latency", metric) => match latency(metric, &spoiled)? {
            Some(reading) => reading,
            None => return Ok(None),
        },
        ("memory", "growth_mib") if target.scenario.contains("backlog") => {
            let mut backlog = Backlog::open(stage)?;
            let mut trend = Trend::begin();
            // Nothing of what is enqueued is given back.
            vec![0x5a_u8; 40 << 20].leak();
            backlog.grow(BATCH)?;
            trend.read(BATCH);
            grown(&trend)?
        }
        ("memory", "growth_mib") => {
            let mut trend = Trend::begin();
            drained(&spoiled(Fault::Leaks), 2, 40)?;
            trend.read(40);
            grown(&trend)?
        }
        ("concurrency", "efficiency_percent") => efficiency(&spoiled(Fault::OneByOne))?,
        ("memory", "peak_mib") => WAL_PEAK_MIB.reads(wal_of_a_held_reader(stage)?),
        ("concurrency", "cpu_percent") => {
            let idled = idle(&spoiled(Fault::Polls), 2, 50 * MS, 50 * MS)?;
            CPU_PERCENT.reads(100.0 * idled.processor.div_duration_f64(idled.watched))
        }
        ("concurrency", "write_transactions") => {
            let idled = idle(&spoiled(Fault::Polls), 2, 50 * MS, 50 * MS)?;
            WRITE_TRANSACTIONS.counts(idled.counted.write_transactions)
        }
        ("throughput", metric) => match throughput(target, metric, stage, &spoiled)? {
            Some(reading) => reading,
            None => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

fn throughput(
    target: &Target,
    metric: &str,
    stage: &Stage,
    spoiled: &dyn Fn(Fault) -> Stage,
) -> Result<Option<Reading>> {
    let dir = stage.bench_dir();
    Ok(Some(match metric {
        "ratio_to_pooled" => RATIO_TO_POOLED.reads(against(SubjectKind::Pooled, stage, spoiled)?),
        "ratio_to_mutex" => RATIO_TO_MUTEX.reads(against(SubjectKind::Mutex, stage, spoiled)?),
        "bytes_per_task" | "write_calls_per_task" => {
            let enqueued = enqueued(&spoiled(Fault::Writes(64 << 10)), 1, 10)?;
            let written = known(enqueued.written)?.per_task(enqueued.counted, enqueued.tasks);
            known(written.into_iter().find(|reading| reading.spec.name == metric))?
        }
        "syncs_per_task" => {
            // Where an operation is to wait for the disk, one that does not misses it, and the other way round.
            let waits = target.holds(1.0);
            let other = if waits { Operation::Claim } else { Operation::Enqueue };
            SYNCS_PER_TASK.reads(by_operation(stage, other, 4)?.syncs)
        }
        "ratio_to_floor" if target.scenario.contains("pipeline") => {
            let load = Pipeline { producers: 2, workers: 2, tasks: 10, batch: 5, work: Work::None };
            let through = pipeline(&spoiled(Fault::Late(50 * MS)), &load)?;
            let floor = per_s(1_000, raw::life(dir, 1_000, PAYLOAD_BYTES)?);
            RATIO_TO_FLOOR.reads(through.tasks_per_s() / floor)
        }
        "ratio_to_naive" => {
            // Without a server: the other subject with a transaction an operation.
            let slow = drained(&spoiled(Fault::Late(50 * MS)), 2, 10)?;
            let naive = drained(&stage.with_subject(SubjectKind::Pooled), 2, 200)?;
            RATIO_TO_NAIVE.reads(slow.tasks_per_s() / naive.tasks_per_s())
        }
        "ratio_to_alone" => {
            let slow = enqueued(&spoiled(Fault::SlowEnqueue(VERY_LATE)), 2, 4)?;
            RATIO_TO_ALONE.reads(slow.per_s() / enqueued(stage, 2, 10)?.per_s())
        }
        "ratio_to_floor" => {
            let drained = drained(&spoiled(Fault::Late(50 * MS)), 2, 10)?;
            let floor = per_s(1_000, raw::claim_and_complete(dir, 1_000, PAYLOAD_BYTES)?);
            RATIO_TO_FLOOR.reads(drained.tasks_per_s() / floor)
        }
        "ratio_to_ready_1000" => {
            let filled = fill(stage, BacklogKind::Ready, 0)?;
            let longer = || Ok(filled.claim()? + 10 * MS);
            let (many, few) = side_by_side(3, longer, || filled.claim())?;
            RATIO_TO_READY_1000.reads(many.div_duration_f64(few))
        }
        "ratio_to_payload_100" => {
            let slow = spoiled(Fault::LateWithLarge(50 * MS));
            let rate = |payload_bytes| -> Result<f64> {
                let work = Work::None;
                let load = Drain { workers: 2, tasks: 10, payload_bytes, work };
                Ok(drain(&slow, &load)?.tasks_per_s())
            };
            let (large, small) = (rate(16 * 1024)?, rate(PAYLOAD_BYTES)?);
            RATIO_TO_PAYLOAD_100.reads(large / small)
        }
        "processor_overhead_percent" => {
            // Measuring is at fault here, not a subject: what is measured computes what the bare drain does not.
            let computing = Work::Spin([20 * MS].into_iter().collect());
            let measured = drained_by(stage, 2, 20, computing)?.processor;
            let work = Work::None;
            let load = Drain { workers: 2, tasks: 20, payload_bytes: PAYLOAD_BYTES, work };
            let bare = bare_drain(stage, &load)?;
            PROCESSOR_OVERHEAD_PERCENT
                .reads(100.0 * (measured.div_duration_f64(bare.processor) - 1.0))
        }
        _ => return Ok(None),
    }))
}

fn latency(metric: &str, spoiled: &dyn Fn(Fault) -> Stage) -> Result<Option<Reading>> {
    let late = |quantile| {
        let offered = offered(&spoiled(Fault::Late(VERY_LATE)))?;
        let ns = offered.latencies.end_to_end.value_at_quantile(quantile);
        Ok::<_, Error>(1e3 * Duration::from_nanos(ns).as_secs_f64())
    };
    Ok(Some(match metric {
        "p50_ms" => P50_MS.reads(late(0.50)?),
        "p95_ms" => P95_MS.reads(late(0.95)?),
        "p99_ms" => P99_MS.reads(late(0.99)?),
        "samples" => SAMPLES.counts(offered(&spoiled(Fault::Loses))?.latencies.end_to_end.len()),
        "offered_percent" => {
            let slow = spoiled(Fault::SlowEnqueue(20 * MS));
            OFFERED_PERCENT.reads(100.0 * offered(&slow)?.achieved)
        }
        "p50_us" => {
            let woken = wake(&spoiled(Fault::Late(5 * MS)), 1, 3, From::Here)?;
            let ns = woken.wake.value_at_quantile(0.5);
            P50_US.reads(1e6 * Duration::from_nanos(ns).as_secs_f64())
        }
        "p50_ratio_to_switch" => {
            let woken = wake(&spoiled(Fault::Late(VERY_LATE)), 1, 3, From::Here)?.wake;
            let (woken, bare) =
                (woken.value_at_quantile(0.5), switches(3, MS)?.value_at_quantile(0.5));
            P50_RATIO_TO_SWITCH.reads(ratio(woken, bare))
        }
        "p99_ratio_to_sync" => {
            // Later than any bound on the ratio allows, however slow the disk is right now.
            let sync = disk::distribution(spoiled(Fault::Loses).bench_dir(), 3)?;
            let sync = sync.value_at_quantile(0.99);
            let slow = spoiled(Fault::Late(Duration::from_nanos(sync) * 200));
            let late = offered(&slow)?.latencies.end_to_end.value_at_quantile(0.99);
            P99_RATIO_TO_SYNC.reads(ratio(late, sync))
        }
        _ => return Ok(None),
    }))
}

fn stress(target: &Target, metric: &str, spoiled: &dyn Fn(Fault) -> Stage) -> Result<Reading> {
    let of_faults = target.scenario.contains("faults");
    Ok(match metric {
        "recovered" => RECOVERED.counts(aftermath(&spoiled(Fault::Buries(HELD)))?.recovered),
        "unexpected_errors" => {
            UNEXPECTED_ERRORS.counts(aftermath(&spoiled(Fault::Complains))?.unexpected)
        }
        "completion_percent" if of_faults => {
            let audit = aftermath(&spoiled(Fault::Buries(HELD)))?.audit;
            COMPLETION_PERCENT.reads(percent(audit.completed, audit.enqueued))
        }
        "completion_percent" => {
            let audit = drained(&spoiled(Fault::Loses), 2, 10)?.audit;
            COMPLETION_PERCENT.reads(percent(audit.completed, audit.enqueued))
        }
        _ => ERRORS.counts(drained(&spoiled(Fault::Complains), 2, 10)?.errors()),
    })
}

fn against(kind: SubjectKind, stage: &Stage, spoiled: &dyn Fn(Fault) -> Stage) -> Result<f64> {
    let ours = enqueued(&spoiled(Fault::SlowEnqueue(VERY_LATE)), 2, 4)?;
    Ok(ours.per_s() / enqueued(&stage.with_subject(kind), 2, 10)?.per_s())
}

fn aftermath(stage: &Stage) -> Result<FaultsRound> {
    let load = Faults {
        workers: 2,
        plain: 2,
        failing: 1,
        dying: 1,
        panicking: 1,
        slow: 1,
        held: 2,
        held_lease: 200 * MS,
    };
    faults(stage, load)
}

fn disturbed(stage: &Stage, metric: &str) -> Result<Reading> {
    let load = Disturbed { workers: 2, tasks: 10, handler: MS, held: MS, rest: MS };
    let (_, round) = foreign_writer::round(stage, &load)?;
    known(round.readings.into_iter().find(|reading| reading.spec.name == metric))
}

fn ratio(of: u64, to: u64) -> f64 {
    Duration::from_nanos(of).div_duration_f64(Duration::from_nanos(to.max(1)))
}

fn efficiency(stage: &Stage) -> Result<Reading> {
    let service_time = ServiceTime { kind: Kind::Sleeping, time: 2 * MS, long: None };
    let load = efficiency::Work { processes: 1, workers_each: 2, tasks: 40, service_time };
    let (_, round) = efficiency::round(stage, &load, 2)?;
    known(round.readings.into_iter().find(|reading| reading.spec == EFFICIENCY_PERCENT))
}

/// Tasks lost and undone by a subject that kept none of its promises; tests/kill.rs shows ones in a process.
fn broken_promises() -> (u64, u64) {
    let mut acknowledged = Acknowledged::default();
    acknowledged.add(&[
        Report::Enqueued(1),
        Report::Enqueued(2),
        Report::Ended(2),
        Report::Completed(2),
    ]);
    let broken = acknowledged.check(&HashSet::from([2]));
    let count = |ids: &HashSet<i64>| u64::try_from(ids.len()).unwrap_or(u64::MAX);
    (count(&broken.lost), count(&broken.undone))
}

fn grown(trend: &Trend) -> Result<Reading> {
    let metrics = trend.metrics();
    let growth = metrics.into_iter().find(|metric| metric.name == GROWTH_MIB.name);
    Ok(GROWTH_MIB.reads(known(growth.and_then(|growth| growth.value))?))
}

/// The number of a parameter in an id.
fn number_in(id: &str, parameter: &str) -> Option<usize> {
    let mut parts = id.rsplit('/').next()?.split(',');
    let value = parts.find_map(|part| part.strip_prefix(parameter)?.strip_prefix('='))?;
    value.parse().ok()
}
