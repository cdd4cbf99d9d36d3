//! Rules 10, 12 and 14: an open load, records while nothing follows them, an idle crew.

use std::thread;
use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::lane::{Kind, Record};
use prismq_driver::message::{Choice, Model, Records, Work};

use super::{Candidate, Findings, talk};
use crate::subject::remote::{Lanes, Memory, Result, Round, Session, uniform};

const TASKS: u64 = 200;
const INTERVAL: Duration = Duration::from_millis(5);
const CALLERS: u32 = 4;
/// From the request to the first task: a driver may have to start its callers.
const LEAD: Duration = Duration::from_millis(300);
/// How late a free caller may call, in the median.
const LATE: Duration = Duration::from_millis(20);
/// How long a record may be under way; it is to be 100 ms, and the machine may be loaded.
const UNDER_WAY: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(1);

pub(super) fn check(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    let directory = candidate.fresh()?;
    let session = Session::open(
        &candidate.launch,
        candidate.bounds,
        directory.path(),
        true,
        Choice::Default,
    )?;
    let plan = uniform(TASKS, Duration::ZERO, INTERVAL);
    let due: Vec<u64> = (0..TASKS).filter_map(|token| Some(plan.get(token)?.offset_ns)).collect();
    let plan = Memory::plan(&plan)?;
    let mut crew = session.start("pace", CALLERS, Work::None, &plan, TASKS, Records::Buffered)?;
    let t0_ns = now() + u64::try_from(LEAD.as_nanos()).unwrap_or(0);
    let round = Round { model: Model::Open, t0_ns, ..Round::closed(0, TASKS, CALLERS) };
    let (id, mut lanes) = session.begin_enqueue(&plan, &round)?;
    // The crew's records are followed as they are written, those of the callers are read afterwards.
    session.wait_done(&mut crew, TASKS, candidate.patience)?;
    session.finish_enqueue(id, &mut lanes, Duration::from_secs(10))?;
    let due: Vec<u64> = due.into_iter().map(|offset| t0_ns + offset).collect();
    findings.hold(10, on_time(&lanes, &due));
    let slowest = crew.lanes().slowest();
    findings.require(12, slowest <= UNDER_WAY, || {
        format!("a record was in its lane {slowest:?} after its time")
    });

    let before = session.driver().family().usage();
    thread::sleep(IDLE);
    let after = session.driver().family().usage();
    let records = crew.lanes_mut().poll()?;
    findings.require(14, records == 0, || format!("an idle crew wrote {records} records"));
    let used = after.processor.saturating_sub(before.processor);
    findings.require(14, used < IDLE / 2, || format!("an idle crew used {used:?} of {IDLE:?}"));

    let (_, lanes) = session.stop(crew, Duration::from_secs(5))?;
    let more = lanes.count(Kind::Run).saturating_sub(TASKS);
    findings.require(12, more == 0, || format!("{more} runs were written only at the stop"));
    talk::leave(session, findings)
}

/// Rule 10: no task is called before it is due, and most soon after a caller is free for it.
fn on_time(lanes: &Lanes, due: &[u64]) -> Result<(), String> {
    let calls: Vec<Vec<&Record>> = lanes
        .by_lane()
        .map(|records| records.iter().filter(|record| record.kind == Kind::Enqueued).collect())
        .collect();
    // A caller that is late is not busy: the one that is free first is the one that should have called.
    let first_free = |at: u64| {
        let free = |calls: &Vec<&Record>| {
            let during = calls.iter().find(|call| (call.t1..call.t2).contains(&at));
            during.map_or(at, |call| call.t2)
        };
        calls.iter().map(free).min().unwrap_or(at)
    };
    let mut late = Vec::new();
    for call in calls.iter().flatten() {
        let token = usize::try_from(call.token).unwrap_or(usize::MAX);
        let due = due.get(token).copied().unwrap_or(u64::MAX);
        if call.t1 < due {
            let early = Duration::from_nanos(due - call.t1);
            return Err(format!("token {token} was called {early:?} before it was due"));
        }
        late.push(call.t1.saturating_sub(first_free(due)));
    }
    late.sort_unstable();
    let median = Duration::from_nanos(late.get(late.len() / 2).copied().unwrap_or(0));
    if median > LATE {
        return Err(format!("in the median it called {median:?} after a caller was free"));
    }
    Ok(())
}
