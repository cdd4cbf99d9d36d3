//! Rules 7, 8, 9, 11, 20, 21 and 22: a thousand tasks, large payloads, batches and retries, by identity.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use prismq_driver::clock::now;
use prismq_driver::lane::{Kind, Record};
use prismq_driver::message::{Can, Choice, Ending, Enqueued, Records, Settle, Work};
use prismq_driver::payload::{checksum, payload};
use prismq_driver::plan::{Entry, Plan};

use super::{Candidate, Findings, talk};
use crate::observe::tokens::TokenBalance;
use crate::subject::remote::{Lanes, Memory, Result, Round, Session};

/// Tasks of the backlog, then of each round: tokens up to these.
const LOADED: u64 = 100;
const SHORT: u64 = 1_000;
const KIBIBYTE: u64 = 1_040;
const LARGE: u64 = 1_050;
const BATCHED: u64 = 1_100;
const RETRIED: u64 = 1_105;
const BATCH: u32 = 10;
const FAILS: u8 = 2;
const WORKERS: u32 = 4;
const BUDGET: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(5);
/// Between two counts of what waits.
const POLL: Duration = Duration::from_millis(50);

pub(super) fn check(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    let directory = candidate.fresh()?;
    let began = now();
    let session = Session::open(
        &candidate.launch,
        candidate.bounds,
        directory.path(),
        true,
        Choice::Default,
    )?;
    let (retries, batches) = (session.about().can(Can::Retry), session.about().can(Can::Batch));
    let entry = |token| Entry {
        service_us: if token % 10 == 0 { 1_000 } else { 0 },
        fails: if token >= BATCHED { FAILS } else { 0 },
        ..Entry::default()
    };
    let plan = Memory::plan(&Plan::new((0..RETRIED).map(entry).collect()))?;

    let loaded = session.load(&plan, 0, LOADED, 64)?;
    census(&session, findings, LOADED, Duration::ZERO)?;
    let mut crew = session.start("work", WORKERS, Work::Plan, &plan, RETRIED, Records::Buffered)?;
    let mut rounds = vec![
        (Round { payload_bytes: 16, ..Round::closed(LOADED, SHORT, WORKERS) }, 0),
        (Round { payload_bytes: 1 << 10, ..Round::closed(SHORT, KIBIBYTE, WORKERS) }, 0),
        (Round { payload_bytes: 1 << 16, ..Round::closed(KIBIBYTE, LARGE, 1) }, 0),
    ];
    let mut attempts = LARGE;
    if batches {
        rounds.push((Round { batch: BATCH, ..Round::closed(LARGE, BATCHED, 1) }, 22));
        attempts += BATCHED - LARGE;
    } else {
        findings.skip(22, "not declared");
    }
    if retries {
        rounds.push((Round::closed(BATCHED, RETRIED, 1), 0));
        attempts += (RETRIED - BATCHED) * u64::from(FAILS + 1);
    } else {
        findings.skip(21, "not declared");
    }
    let mut lanes = vec![(Round::closed(0, LOADED, 1), loaded)];
    for (round, rule) in rounds {
        let (enqueued, written) = session.enqueue(&plan, &round, BUDGET)?;
        agree(&enqueued, &round, &written, findings);
        if rule == 22 {
            findings.hold(22, stamped_alike(&written));
        }
        lanes.push((round, written));
    }
    session.wait_done(&mut crew, attempts, candidate.patience)?;
    // Where settlements are not seen, the last ones may be under way.
    let settling = match session.about().settle {
        Settle::None => candidate.patience,
        _ => Duration::ZERO,
    };
    census(&session, findings, 0, settling)?;
    let (stopped, ran) = session.stop(crew, STOP)?;
    let ended = now();
    for error in stopped.errors {
        findings.fail(7, format!("the crew reports: {error}"));
    }

    let enqueued = lanes.iter().flat_map(|(_, lanes)| lanes.records());
    let all: Vec<&Record> = enqueued.chain(ran.records()).collect();
    let settles = session.about().settle != Settle::None;
    // Where settlements are not seen, nothing shows that another run was right; rule 21 counts those.
    let balanced = all.iter().copied().filter(|record| settles || record.token < BATCHED);
    let faults = TokenBalance::of(balanced, [], settles).faults();
    findings.require(7, faults.is_empty(), || faults.join("; "));
    findings.hold(8, unchanged(&lanes, &ran));
    findings.hold(9, in_order(&all, began, ended));
    if retries {
        findings.hold(21, retried(&ran, settles));
    }
    talk::leave(session, findings)
}

/// Rule 20: what is expected is counted within this time.
fn census(
    session: &Session,
    findings: &mut Findings,
    expected: u64,
    within: Duration,
) -> Result<()> {
    if !session.about().can(Can::Census) {
        findings.skip(20, "not declared");
        return Ok(());
    }
    let asked = Instant::now();
    let (census, waiting) = loop {
        let census = session.census()?;
        let waiting = [census.ready, census.scheduled, census.running];
        let waiting: u64 = waiting.into_iter().flatten().sum();
        if waiting == expected || asked.elapsed() >= within {
            break (census, waiting);
        }
        thread::sleep(POLL);
    };
    findings.require(20, census.ready.is_some(), || "it does not know what is ready".to_owned());
    findings.require(20, waiting == expected, || format!("it counted {waiting} of {expected}"));
    Ok(())
}

/// Rule 11.
pub(super) fn agree(answer: &Enqueued, round: &Round, lanes: &Lanes, findings: &mut Findings) {
    let (asked, failed) = (round.to - round.from, answer.errors.values().sum::<u64>());
    let written = lanes.count(Kind::Enqueued);
    findings.require(11, answer.count == written, || {
        format!(
            "it answered that {} tasks were enqueued, and wrote records of {written}",
            answer.count
        )
    });
    findings.require(11, answer.count + failed == asked, || {
        format!("of {asked} tasks {} were enqueued and {failed} failed", answer.count)
    });
    for (message, tasks) in &answer.errors {
        findings.fail(7, format!("{tasks} tasks could not be enqueued: {message}"));
    }
}

/// Rule 22.
fn stamped_alike(lanes: &Lanes) -> Result<(), String> {
    let mut stamps: HashMap<u64, (u64, u64)> = HashMap::new();
    for record in lanes.records().filter(|record| record.kind == Kind::Enqueued) {
        let call = (record.token - LARGE) / u64::from(BATCH);
        let stamp = *stamps.entry(call).or_insert((record.t1, record.t2));
        if stamp != (record.t1, record.t2) {
            return Err(format!("token {} has other stamps than its call", record.token));
        }
    }
    Ok(())
}

/// Rule 8.
fn unchanged(lanes: &[(Round, Lanes)], ran: &Lanes) -> Result<(), String> {
    let mut expected = HashMap::new();
    for (round, _) in lanes {
        let bytes = usize::try_from(round.payload_bytes).unwrap_or(usize::MAX);
        expected.extend(
            (round.from..round.to).map(|token| (token, checksum(payload(token, bytes).as_bytes()))),
        );
    }
    for record in ran.records().filter(|record| record.kind == Kind::Run) {
        if expected.get(&record.token) != Some(&record.extra) {
            return Err(format!("the checksum of token {} is {:08x}", record.token, record.extra));
        }
    }
    Ok(())
}

/// Rule 9.
fn in_order(records: &[&Record], began: u64, ended: u64) -> Result<(), String> {
    let mut called: HashMap<u64, u64> = HashMap::new();
    let mut run: HashMap<(u64, u16), (u64, u64)> = HashMap::new();
    for record in records {
        let Record { token, t1, t2, .. } = **record;
        if t1 > t2 {
            return Err(format!("token {token}: {:?} ends before it begins", record.kind));
        }
        if t1 < began || t2 > ended {
            let kind = record.kind;
            return Err(format!("token {token}: {kind:?} at {t1} to {t2} is not in its round"));
        }
        match record.kind {
            Kind::Enqueued => drop(called.insert(token, t1)),
            Kind::Run => drop(run.insert((token, record.attempt), (t1, t2))),
            Kind::Settled | Kind::Calling => {}
        }
    }
    for record in records {
        let Record { token, t1, t2, .. } = **record;
        match record.kind {
            Kind::Run if called.get(&token).is_some_and(|called| *called > t1) => {
                return Err(format!("token {token} ran before it was enqueued"));
            }
            Kind::Settled => {
                let ran = run.get(&(token, record.attempt));
                if ran.is_some_and(|(_, ended)| *ended > t1.min(t2)) {
                    return Err(format!("token {token} was settled before its run had ended"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Rule 21.
fn retried(ran: &Lanes, settles: bool) -> Result<(), String> {
    for token in BATCHED..RETRIED {
        let of = |kind: Kind, ending: Option<Ending>| {
            let all = ran.records().filter(|record| record.token == token && record.kind == kind);
            all.filter(|record| ending.is_none() || record.ending == ending).count()
        };
        let seen = [
            of(Kind::Run, None),
            of(Kind::Settled, Some(Ending::Retried)),
            of(Kind::Settled, Some(Ending::Completed)),
        ];
        let expected = if settles { [3, 2, 1] } else { [3, 0, 0] };
        if seen != expected {
            let [runs, retried, completed] = seen;
            return Err(format!(
                "token {token} ran {runs} times, was to be retried {retried} times and completed {completed}"
            ));
        }
    }
    Ok(())
}
