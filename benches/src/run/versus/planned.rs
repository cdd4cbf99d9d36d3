//! A workload of a file, for any queue: tasks arrive as planned, handlers sleep and fail as planned.
//!
//! What the protocol does not have is left out: all payloads have the mean length, all tasks are in one queue, and a task
//! fails at most twice, which every driver that retries has attempts for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::mpsc::channel;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::message::{Can, Choice, Model, Records, Settle, Work};
use prismq_driver::plan::{Entry, Plan};

use super::round::{BUDGET, LEAD, balance};
use super::workloads::{Figures, Waits, begun, ended, quantiles, rate};
use crate::base::clock::Time;
use crate::conformance::Candidate;
use crate::load::plan::{PlannedTask, Workload};
use crate::scenario::fault::snapshot::{Snapshot, databases_below, keep};
use crate::subject::intern;
use crate::subject::remote::{DriverError, Memory, Result, Round, Session};

/// Most workers that a driver is asked for.
const WORKERS_MAX: usize = 64;
/// Most times that a task fails.
const FAILS_MAX: u32 = 2;

/// What came of a round.
#[derive(Debug)]
pub(super) enum Measured {
    /// Its figures.
    Figures(Figures),
    /// The queue lacks this, which the workload needs.
    NotOffered(&'static str),
}

/// A workload as a driver is asked for it.
#[derive(Debug)]
pub(super) struct Planned {
    /// What figures call it: with its version and its hash, as two of one name may differ.
    title: &'static str,
    plan: Plan,
    due_ns: Vec<u64>,
    callers: u32,
    workers: u32,
    payload_bytes: u32,
    model: Model,
    /// What a queue must offer, and what that is called.
    needs: Vec<(Can, &'static str)>,
    /// The part of the time in which a reader keeps a snapshot of the store.
    reader: Option<Range<Duration>>,
}

/// What lacks a store of which the harness can keep a snapshot.
const NO_FILE: &str = "a store in SQLite files with a WAL, of which a reader keeps a snapshot";

impl Planned {
    pub(super) fn of(workload: &Workload) -> Self {
        let settings = &workload.settings;
        let tasks = &workload.schedule.tasks;
        let has_priorities = tasks
            .first()
            .is_some_and(|first| tasks.iter().any(|task| task.priority != first.priority));
        let fails = tasks.iter().any(|task| task.failures > 0);
        let priorities = has_priorities.then_some((Can::Priority, "priorities"));
        let retries = fails.then_some((Can::Retry, "retries"));
        let bytes: usize = tasks.iter().map(|task| task.payload_bytes).sum();
        let due_ns: Vec<u64> = tasks.iter().map(|task| nanos(task.at)).collect();
        let lowest = tasks.iter().map(|task| task.priority).min().unwrap_or(0);
        let entry = |task: &PlannedTask| Entry {
            offset_ns: nanos(task.at),
            service_us: u32::try_from(task.service.as_micros()).unwrap_or(u32::MAX),
            fails: u8::try_from(task.failures.min(FAILS_MAX)).unwrap_or(u8::MAX),
            priority: u8::try_from(task.priority.saturating_sub(lowest)).unwrap_or(u8::MAX),
            task_type: 0,
        };
        Self {
            title: intern(&format!(
                "{}, version {}, {}",
                settings.name, settings.version, workload.hash
            )),
            plan: Plan::new(tasks.iter().map(entry).collect()),
            due_ns,
            callers: u32::try_from(settings.callers).unwrap_or(u32::MAX),
            workers: u32::try_from(settings.workers.min(WORKERS_MAX)).unwrap_or(u32::MAX),
            payload_bytes: u32::try_from(bytes / tasks.len().max(1)).unwrap_or(u32::MAX),
            model: if workload.schedule.open { Model::Open } else { Model::Closed },
            needs: priorities.into_iter().chain(retries).collect(),
            reader: settings.reader.clone(),
        }
    }

    /// What the queue of this session lacks for it, if anything.
    fn lacking(&self, session: &Session) -> Option<&'static str> {
        let lacks = |(can, _): &&(Can, &str)| !session.about().can(*can);
        self.needs.iter().find(lacks).map(|(_, what)| *what)
    }

    /// Measures one round, of a queue that offers what the workload needs.
    ///
    /// # Errors
    /// If the driver cannot be used as the protocol has it.
    pub(super) fn round(&self, candidate: &Candidate, choice: Choice) -> Result<Measured> {
        let directory = candidate.fresh()?;
        let (launch, bounds) = (&candidate.launch, candidate.bounds);
        let session = Session::open(launch, bounds, directory.path(), true, choice)?;
        if let Some(lacking) = self.lacking(&session) {
            session.close()?;
            return Ok(Measured::NotOffered(lacking));
        }
        let files = self.reader.as_ref().map(|_| databases_below(directory.path()));
        if files.as_ref().is_some_and(Vec::is_empty) {
            session.close()?;
            return Ok(Measured::NotOffered(NO_FILE));
        }
        let tasks = self.plan.len();
        let fails = (0..tasks).filter_map(|token| self.plan.get(token));
        let attempts = tasks + fails.map(|entry| u64::from(entry.fails)).sum::<u64>();
        let memory = Memory::plan(&self.plan)?;
        let records = Records::Buffered;
        let mut crew =
            session.start("versus", self.workers, Work::Plan, &memory, attempts, records)?;
        let t0_ns = now() + nanos(LEAD);
        let round = Round {
            model: self.model,
            t0_ns,
            payload_bytes: self.payload_bytes,
            ..Round::closed(0, tasks, self.callers)
        };
        let (mut readings, mut faults) = (Vec::new(), Vec::new());
        let (enqueued, lanes) = thread::scope(|scope| {
            let began = Time::from_ns(t0_ns);
            let (running, load) = channel();
            let reader = self.reader.as_ref().zip(files).map(|(part, files)| {
                scope.spawn(move || keep(|| Snapshot::of_files(&files), began, part, &load))
            });
            let enqueued = session.enqueue(&memory, &round, BUDGET);
            let done = enqueued.and_then(|enqueued| {
                session.wait_done(&mut crew, attempts, candidate.patience)?;
                Ok(enqueued)
            });
            drop(running);
            let enqueued = done?;
            match reader.map(ScopedJoinHandle::join) {
                None | Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => faults.push(format!("no snapshot was kept: {error}")),
                Some(Err(_)) => faults.push("no snapshot was kept: its thread panicked".to_owned()),
            }
            Ok::<_, DriverError>(enqueued)
        })?;
        let ran = || crew.lanes().records();
        if self.model == Model::Open {
            let (begun, ended) = (begun(ran()), ended(ran()));
            let since_due = |times: &HashMap<u64, u64>| {
                let due = (0..).zip(&self.due_ns);
                Waits::of(due.filter_map(|(token, due)| Some((t0_ns + due, *times.get(&token)?))))
            };
            let (waits, times) = (since_due(&begun), since_due(&ended));
            faults.extend(waits.fault(self.title, "they were due"));
            let figures = [
                (["begun_p50_ms", "begun_p99_ms"], waits),
                (["ended_p50_ms", "ended_p99_ms"], times),
            ];
            for (metrics, waits) in figures {
                readings.extend(quantiles(self.title, metrics, waits.times.into_iter()));
            }
        }
        readings.extend(rate(self.title, tasks, lanes.records().chain(ran())));
        let failed = enqueued.errors.into_iter();
        faults.extend(
            failed
                .map(|(message, tasks)| format!("{tasks} tasks could not be enqueued: {message}")),
        );
        // Where settlements are not seen, nothing shows that another run of a task that failed was right.
        let settles = session.about().settle != Settle::None;
        let fails = |token| self.plan.get(token).is_some_and(|entry| entry.fails > 0);
        faults.extend(balance(session, Some(crew), &[lanes], launch, |record| {
            settles || !fails(record.token)
        })?);
        Ok(Measured::Figures(Figures { readings, faults, missing: Vec::new() }))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::{Schedule, parse_workload};

    const WORKLOAD: &str = r#"
        name = "w"
        version = 3
        arrivals = { burst = { size = 50, every_s = 1.0, duration_s = 2.0 } }
        [[tasks]]
        type = "first"
        priority = { fixed = 10 }
        payload_bytes = { fixed = 100 }
        service_ms = { fixed = 1.5 }
        failure_probability = 1.0
        [[tasks]]
        type = "second"
        priority = { fixed = 30 }
        payload_bytes = { fixed = 300 }
        service_ms = { fixed = 1.5 }
    "#;

    #[test]
    fn a_driver_is_asked_for_the_tasks_of_the_file() {
        let plan = parse_workload("w.toml", WORKLOAD).unwrap();
        let schedule = Schedule::draw(&plan);
        let workload = Workload { settings: plan.settings, schedule, hash: "abc".to_owned() };
        let planned = Planned::of(&workload);
        assert_eq!((planned.title, planned.model), ("w, version 3, abc", Model::Open));
        assert_eq!(planned.needs, [(Can::Priority, "priorities"), (Can::Retry, "retries")]);
        assert!((150..250).contains(&planned.payload_bytes), "{}", planned.payload_bytes);
        assert_eq!(planned.plan.len(), 100);
        for (token, task) in (0..).zip(&workload.schedule.tasks) {
            let entry = planned.plan.get(token).unwrap();
            let expected = if task.kind == 0 { (2, 0) } else { (0, 20) };
            assert_eq!((entry.fails, entry.priority), expected);
            assert_eq!(entry.service_us, 1_500);
            assert_eq!(entry.offset_ns, if token < 50 { 0 } else { 1_000_000_000 });
        }
    }
}
