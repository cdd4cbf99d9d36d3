//! The events of a pool, and when they are recorded.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use prismq::{Clock, Context, Outcome, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::HandlerEnd;
use crate::audit;
use crate::error::{Error, Result};
use crate::history::key_of_slot;
use crate::history::{Event, Op, Phase, Refusal};
use crate::history::{Recorder, now_ns};

/// A handler that began, and whose result the pool has not reported.
#[derive(Debug)]
struct Begun {
    event: Event,
    at_ns: u64,
    /// The call that its end asks for, once recorded.
    asked: Option<Event>,
    /// Whether it failed for good.
    for_good: bool,
}

/// A task, its attempt, and the worker that runs it: how an event of a pool names a run.
type RunName = (i64, u32, usize);

/// Records what one pool does, from all of its threads.
#[derive(Debug)]
pub(super) struct PoolLog {
    recorder: Recorder,
    client_id: u32,
    clock: Arc<dyn Clock>,
    /// Events recorded so far; the lock keeps them in order.
    recorded: Mutex<u64>,
    /// To read the ends of leases.
    file: Option<Mutex<Connection>>,
    runs: Mutex<HashMap<RunName, VecDeque<Begun>>>,
    ended: AtomicBool,
}

/// The period of the thread that measures stalls.
const METER: Duration = Duration::from_millis(5);
/// The least delay that is recorded as a stall.
const STALL: Duration = Duration::from_millis(5);
/// At least this often, a stall of zero is recorded as a sign of life, in nanoseconds.
const SIGN_OF_LIFE: u64 = 20_000_000;

impl PoolLog {
    pub(super) fn new(
        recorder: Recorder,
        client_id: u32,
        clock: Arc<dyn Clock>,
        path: Option<&Path>,
    ) -> Result<Self> {
        let look = |path: &Path| {
            audit::open(path).map_err(|source| Error::Audit { path: path.to_owned(), source })
        };
        Ok(Self {
            recorder,
            client_id,
            clock,
            recorded: Mutex::default(),
            file: path.map(look).transpose()?.map(Mutex::new),
            runs: Mutex::default(),
            ended: AtomicBool::new(false),
        })
    }

    pub(super) fn begin(&self, payload: &[u8], task: &Context, limit: Option<Duration>) -> Event {
        let expires_at = self.lease_of(task);
        let slot = task.scheduled_for().map(Timestamp::as_micros);
        let event = self.event(Op::RunHandler, Phase::Invoke);
        // A handler beyond its limit may be given up after as long again.
        let given_up = limit.map(|limit| self.clock.now().after(limit * 2).as_micros());
        let event = Event {
            key: key_of_slot(payload, slot),
            slot,
            task: Some(task.id().as_i64()),
            token: Some(task.token()),
            attempt: Some(task.attempt()),
            task_type: Some(task.task_type().to_owned()),
            max_attempts: Some(task.max_attempts()),
            expires_at: expires_at.map(|at| given_up.map_or(at, |given_up| given_up.min(at))),
            limited: limit.is_some(),
            ..event
        };
        let begun = Begun { event: event.clone(), at_ns: now_ns(), asked: None, for_good: false };
        self.runs().entry(name(task)).or_default().push_back(begun);
        self.record_or_abort(vec![event.clone()]);
        event
    }

    pub(super) fn end(&self, task: &Context, begun: Event, end: HandlerEnd) {
        let t_db = self.now();
        let after = |delay: Duration| self.clock.now().after(delay).as_micros();
        let asked = Event { t_db, phase: Phase::Invoke, expires_at: None, ..begun.clone() };
        let asked = match end {
            HandlerEnd::Success => Event { op: Op::Complete, ..asked },
            HandlerEnd::Retry(retry) => {
                Event { op: Op::Fail, run_at: Some(after(retry)), dead: Some(false), ..asked }
            }
            HandlerEnd::Permanent => Event { op: Op::Fail, dead: Some(true), ..asked },
            HandlerEnd::Panic => Event { op: Op::Fail, dead: Some(false), ..asked },
        };
        let mut events = vec![Event { phase: Phase::Ok, t_db, ..begun }];
        let mut runs = self.runs();
        let of_task = runs.get_mut(&name(task)).into_iter().flatten();
        // It is gone if the pool gave the handler up and reported that.
        if let Some(own) = of_task.into_iter().find(|run| run.event.token == asked.token) {
            own.for_good = end == HandlerEnd::Permanent;
            // The pool may record the failure of another reason before it has this one.
            if !(own.event.limited && asked.op == Op::Fail) {
                own.asked = Some(asked.clone());
                events.push(asked);
            }
        }
        self.record_or_abort(events);
    }

    /// Records what the pool reported.
    pub(super) fn record_event(&self, event: &prismq::Event) {
        let mut runs = self.runs();
        let name = event.worker.map(|worker| (event.id.as_i64(), event.attempt, worker));
        let run = name.and_then(|name| {
            let of_task = runs.get_mut(&name)?;
            let run = of_task.pop_front();
            if of_task.is_empty() {
                runs.remove(&name);
            }
            run
        });
        let Some(Begun { event: begun, at_ns, asked, for_good }) = run else {
            if event.outcome != Outcome::Released {
                let failed = matches!(event.outcome, Outcome::Retried | Outcome::Dead);
                self.record_or_abort(vec![Event {
                    dead: failed.then_some(event.outcome == Outcome::Dead),
                    task: Some(event.id.as_i64()),
                    attempt: Some(event.attempt),
                    ..self.event(Op::RunHandler, Phase::Info)
                }]);
            }
            return;
        };
        let op = match event.outcome {
            Outcome::Completed => Op::Complete,
            Outcome::Retried | Outcome::Dead => Op::Fail,
            _ => asked.as_ref().map_or(Op::Fail, |asked| asked.op),
        };
        let mut events = Vec::new();
        let call = match asked {
            Some(asked) if asked.op == op => asked,
            asked => {
                // What the handler asked for, if it ended, may have come too late, as its time was up.
                let refused = |asked| Event { phase: Phase::Fail, t_db: self.now(), ..asked };
                events.extend(asked.map(refused));
                // At any time since its beginning.
                let began = Event { t_mono_ns: at_ns, expires_at: None, ..begun };
                let dead = (for_good && event.outcome == Outcome::Dead).then_some(true);
                let call = Event { op, phase: Phase::Invoke, dead, ..began };
                events.push(call.clone());
                call
            }
        };
        let lost = matches!(event.outcome, Outcome::LeaseLost);
        events.push(Event {
            phase: if lost { Phase::Fail } else { Phase::Ok },
            t_db: self.now(),
            t_mono_ns: 0,
            refusal: lost.then_some(Refusal::LeaseLost),
            dead: (op == Op::Fail && !lost).then_some(event.outcome == Outcome::Dead),
            cancelled: (event.outcome == Outcome::Cancelled).then_some(true),
            ..call
        });
        self.record_or_abort(events);
    }

    /// Records stalls of this process, and regularly that there was none.
    pub(super) fn measure(&self) -> Result<()> {
        self.record(Event { micros: Some(0), ..self.event(Op::Stall, Phase::Ok) })?;
        let mut last_at = now_ns();
        while !self.ended.load(Ordering::Relaxed) {
            let before = now_ns();
            thread::sleep(METER);
            let late = Duration::from_nanos(now_ns() - before).saturating_sub(METER);
            let stalled = late >= STALL;
            if stalled || now_ns() - last_at >= SIGN_OF_LIFE {
                let micros = if stalled { i64::try_from(late.as_micros()).ok() } else { Some(0) };
                self.record(Event { micros, ..self.event(Op::Stall, Phase::Ok) })?;
                last_at = now_ns();
            }
        }
        Ok(())
    }

    /// Ends the recording of stalls.
    pub(super) fn end_measuring(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether the pool has reported all that was run.
    pub(super) fn has_all_events(&self) -> bool {
        self.runs().values().all(VecDeque::is_empty)
    }

    /// When the lease of this run ends, if the file still has it.
    fn lease_of(&self, task: &Context) -> Option<i64> {
        let file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let look = "SELECT lease_expires_at FROM prismq_task WHERE id = ?1 AND token = ?2";
        let mut statement = file.prepare_cached(look).ok()?;
        let lease = statement.query_row([task.id().as_i64(), task.token()], |row| row.get(0));
        lease.optional().ok()?
    }

    pub(super) fn event(&self, op: Op, phase: Phase) -> Event {
        Event { t_db: self.now(), ..Event::new(self.client_id, op, phase) }
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_micros()
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunName, VecDeque<Begun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, event: Event) -> Result<()> {
        self.record_all(vec![event])
    }

    /// For threads of the pool: the history must not go on without their events.
    fn record_or_abort(&self, events: Vec<Event>) {
        if let Err(error) = self.record_all(events) {
            eprintln!("error: {error}");
            std::process::abort();
        }
    }

    /// Records events that belong together; those that have a time keep it.
    fn record_all(&self, mut events: Vec<Event>) -> Result<()> {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now_ns();
        for event in &mut events {
            event.seq = *recorded;
            if event.t_mono_ns == 0 {
                event.t_mono_ns = now;
            }
            *recorded += 1;
        }
        self.recorder.note(events)
    }
}

fn name(task: &Context) -> RunName {
    (task.id().as_i64(), task.attempt(), task.worker())
}
