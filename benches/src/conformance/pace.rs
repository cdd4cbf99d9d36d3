//! Rules 10, 12 and 14: an open load, records while nothing follows them, an idle crew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
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
    let due_of = |call: &Record| {
        let token = usize::try_from(call.token).unwrap_or(usize::MAX);
        due.get(token).copied().unwrap_or(u64::MAX)
    };
    let mut calls: Vec<&Record> =
        lanes.records().filter(|record| record.kind == Kind::Enqueued).collect();
    calls.sort_unstable_by_key(|call| call.token);
    // When callers would be free that call as soon as they can, with calls as long as these were: one that is late is not
    // busy.
    let mut free: BinaryHeap<Reverse<u64>> = (0..CALLERS).map(|_| Reverse(0)).collect();
    let mut late = Vec::new();
    for call in calls {
        let due = due_of(call);
        if call.t1 < due {
            let (early, token) = (Duration::from_nanos(due - call.t1), call.token);
            return Err(format!("token {token} was called {early:?} before it was due"));
        }
        let Reverse(free_at) = free.pop().unwrap_or_default();
        let possible = due.max(free_at);
        free.push(Reverse(possible + call.t2.saturating_sub(call.t1)));
        late.push(call.t1.saturating_sub(possible));
    }
    late.sort_unstable();
    let median = Duration::from_nanos(late.get(late.len() / 2).copied().unwrap_or(0));
    if median > LATE {
        return Err(format!("in the median it called {median:?} after a caller was free"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::iter;

    use prismq_driver::lane::Role;

    use super::*;

    const MS: u64 = 1_000_000;

    /// Lanes of as many callers, each with its calls of a task, from and to these milliseconds.
    fn called(calls: &[Vec<(u64, u64, u64)>]) -> Lanes {
        let mut lanes = Lanes::new(Role::Caller, CALLERS, 1_000).unwrap();
        for (path, calls) in iter::zip(lanes.paths(), calls) {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            for (token, t1, t2) in calls {
                let record = Record {
                    token: *token,
                    t1: t1 * MS,
                    t2: t2 * MS,
                    kind: Kind::Enqueued,
                    ending: None,
                    attempt: 0,
                    extra: 0,
                };
                std::io::Write::write_all(&mut file, &record.encode()).unwrap();
            }
        }
        lanes.poll().unwrap();
        lanes
    }

    /// Tasks due every 5 ms, each called `delay` after its caller is free, for so long.
    fn late_by(delay: u64, took: u64) -> Result<(), String> {
        let callers = u64::from(CALLERS);
        let due: Vec<u64> = (0..40).map(|token| token * 5 * MS).collect();
        let mut calls = vec![Vec::new(); CALLERS as usize];
        for (caller, calls) in iter::zip(0.., &mut calls) {
            let mut free = 0;
            for token in (0..40).filter(|token| token % callers == caller) {
                let t1 = free.max(token * 5 + delay);
                free = t1 + took;
                calls.push((token, t1, free));
            }
        }
        on_time(&called(&calls), &due)
    }

    #[test]
    fn a_driver_whose_queue_is_slow_is_on_time() {
        assert_eq!(late_by(0, 1), Ok(()));
        assert_eq!(late_by(0, 100), Ok(()), "a backlog grows");
        assert_eq!(late_by(10, 1), Ok(()));
    }

    #[test]
    fn a_driver_that_is_late_by_the_same_time_each_time_is_late() {
        assert!(late_by(200, 1).unwrap_err().contains("200"));
        assert!(late_by(30, 1).is_err());
    }
}
