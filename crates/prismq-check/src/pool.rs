//! A worker pool that tells of what it does: each handler's beginning before it does anything, its result
//! before the pool has it, and what the pool reports of it.
//!
//! What a pool claims is not told, as nobody sees it: the checker allows for what a pool may hold. How long
//! a task had been held when its handler began stands in the file, in the end of its lease.

use std::collections::{HashMap, VecDeque};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use prismq::{Clock, Outcome, Queue, ShutdownReport, TaskContext, TaskError, WorkerPool};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::{Error, Result};
use crate::event::{Event, Op, Phase};
use crate::payload::key_of;
use crate::recorder::{Recorder, now_ns};

/// How a pool is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// The queue it serves.
    pub queue: String,
    /// The types it has handlers for, and the time limit of each.
    pub types: Vec<(String, Option<Duration>)>,
    /// How many handlers run at once.
    pub workers: usize,
    /// How long what it claims is held.
    pub lease: Duration,
    /// Whether each handler's beginning looks up in the file until when its lease holds, without which neither
    /// exclusion nor hoarding can be judged.
    pub sees_leases: bool,
}

/// How a handler ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Well.
    Well,
    /// With an error, after which the task is to run again after this time.
    Badly(Duration),
    /// With an error for good.
    ForGood,
    /// With a panic.
    Panic,
}

/// A pool at work, and an actor of its own.
#[derive(Debug)]
pub struct Pool {
    pool: WorkerPool,
    teller: Arc<Teller>,
    begun: Event,
    meter: Option<JoinHandle<Result<()>>>,
}

impl Pool {
    /// Starts a pool with a number that no other actor of the history has. `handler` does what a task
    /// takes and says how it ends; `listener` is called with each outcome after it was told.
    ///
    /// # Errors
    /// [`Error::Queue`] if the pool does not start, [`Error::Look`] if its file cannot be read,
    /// [`Error::Log`] if it cannot be told of.
    pub fn start(
        queue: &Queue,
        path: &Path,
        clock: Arc<dyn Clock>,
        told: (Recorder, u32),
        serve: &Serve,
        handler: impl Fn(&TaskContext<'_>) -> End + Send + Sync + 'static,
        listener: impl Fn(Outcome) + Send + 'static,
    ) -> Result<Self> {
        let (recorder, proc) = told;
        let teller =
            Arc::new(Teller::new(recorder, proc, clock, serve.sees_leases.then_some(path))?);
        let names: Vec<&str> = serve.types.iter().map(|(name, _)| name.as_str()).collect();
        let begun = Event {
            queue: Some(serve.queue.clone()),
            task_type: Some(names.join(",")),
            count: u32::try_from(serve.workers).ok(),
            micros: i64::try_from(serve.lease.as_micros()).ok(),
            ..teller.event(Op::Serve, Phase::Invoke)
        };
        teller.tell(begun.clone())?;
        let mut builder = WorkerPool::builder(queue)
            .queue(serve.queue.as_str())
            .workers(serve.workers)
            .lease(serve.lease);
        let handler = Arc::new(handler);
        for (name, limit) in &serve.types {
            if let Some(limit) = limit {
                builder = builder.timeout_of(name.as_str(), *limit);
            }
            let (teller, handler, limit) = (teller.clone(), handler.clone(), *limit);
            builder = builder
                .handler(name.as_str(), move |task| run(&teller, task, limit, handler.as_ref()));
        }
        let heard = teller.clone();
        let pool = builder
            .on_event(move |event| {
                heard.heard(event);
                listener(event.outcome);
            })
            .start()?;
        let meter = Some(thread::spawn({
            let teller = teller.clone();
            move || teller.measure()
        }));
        Ok(Self { pool, teller, begun, meter })
    }

    /// The pool.
    pub const fn pool(&self) -> &WorkerPool {
        &self.pool
    }

    /// Shuts it down, and tells of its end if nothing of it goes on.
    ///
    /// # Errors
    /// [`Error::Log`] if it could not be told of.
    pub fn shutdown(self, timeout: Duration) -> Result<ShutdownReport> {
        let Self { pool, teller, begun, meter } = self;
        let began = Instant::now();
        let report = pool.shutdown(timeout);
        let in_time = began.elapsed() < timeout;
        teller.ended.store(true, Ordering::Relaxed);
        if let Some(meter) = meter {
            let panicked = |_| Error::Log(std::io::Error::other("the meter of stalls panicked"));
            meter.join().map_err(panicked)??;
        }
        let nothing_left = report.abandoned.is_empty() && report.unsettled.is_empty();
        // After a fault of the queue, it may have claimed what it does not know of; and what it could not give
        // back in time, it does not report.
        let over = nothing_left && in_time && report.error.is_none();
        if over && teller.runs().values().all(VecDeque::is_empty) {
            teller.tell(Event { phase: Phase::Ok, t_db: teller.now(), ..begun })?;
        }
        Ok(report)
    }
}

/// Begins a handler, lets it do its work, and tells how it ended.
fn run(
    teller: &Teller,
    task: &TaskContext<'_>,
    limit: Option<Duration>,
    handler: &(impl Fn(&TaskContext<'_>) -> End + ?Sized),
) -> Result<(), TaskError> {
    let begun = teller.begin(task, limit);
    let end = handler(task);
    teller.end(task, begun, end);
    match end {
        End::Well => Ok(()),
        End::Badly(retry) => Err(TaskError::new("failed").retry_after(retry)),
        End::ForGood => Err(TaskError::permanent("failed for good")),
        // Without the hook, which would print it.
        End::Panic => resume_unwind(Box::new("panicked")),
    }
}

/// A handler that began and of which the pool has not reported.
#[derive(Debug)]
struct Begun {
    event: Event,
    at_ns: u64,
    /// What its end asks for, once that was told.
    asked: Option<Event>,
    /// Whether it failed for good.
    for_good: bool,
}

/// A task, its attempt, and the worker that runs it: what an event of a pool names.
type RunName = (i64, u32, usize);

/// Tells of one pool, from all of its threads.
#[derive(Debug)]
struct Teller {
    recorder: Recorder,
    proc: u32,
    clock: Arc<dyn Clock>,
    /// Events told so far; the lock keeps them in order.
    told: Mutex<u64>,
    /// To look at leases.
    file: Option<Mutex<Connection>>,
    runs: Mutex<HashMap<RunName, VecDeque<Begun>>>,
    ended: AtomicBool,
}

/// How often the meter of stalls wakes up.
const METER: Duration = Duration::from_millis(5);
/// By how much it must be late for it to be told.
const STALL: Duration = Duration::from_millis(5);
/// It tells that it is there this often at least.
const SIGN_OF_LIFE: u64 = 20_000_000;

impl Teller {
    fn new(
        recorder: Recorder,
        proc: u32,
        clock: Arc<dyn Clock>,
        path: Option<&Path>,
    ) -> Result<Self> {
        let look = |path: &Path| {
            open(path).map_err(|source| Error::Look { path: path.to_owned(), source })
        };
        Ok(Self {
            recorder,
            proc,
            clock,
            told: Mutex::default(),
            file: path.map(look).transpose()?.map(Mutex::new),
            runs: Mutex::default(),
            ended: AtomicBool::new(false),
        })
    }

    fn begin(&self, task: &TaskContext<'_>, limit: Option<Duration>) -> Event {
        let expires_at = self.lease_of(task);
        let event = self.event(Op::Run, Phase::Invoke);
        // A handler beyond its limit may be given up after as long again.
        let given_up = limit.map(|limit| self.clock.now().after(limit * 2).as_micros());
        let event = Event {
            key: key_of(task.payload()),
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
        self.tell_or_abort(vec![event.clone()]);
        event
    }

    fn end(&self, task: &TaskContext<'_>, begun: Event, end: End) {
        let t_db = self.now();
        let after = |delay: Duration| self.clock.now().after(delay).as_micros();
        let asked = Event { t_db, phase: Phase::Invoke, expires_at: None, ..begun.clone() };
        let asked = match end {
            End::Well => Event { op: Op::Complete, ..asked },
            End::Badly(retry) => {
                Event { op: Op::Fail, run_at: Some(after(retry)), dead: Some(false), ..asked }
            }
            End::ForGood => Event { op: Op::Fail, dead: Some(true), ..asked },
            End::Panic => Event { op: Op::Fail, dead: Some(false), ..asked },
        };
        let mut events = vec![Event { phase: Phase::Ok, t_db, ..begun }];
        let mut runs = self.runs();
        let of_task = runs.get_mut(&name(task)).into_iter().flatten();
        // It is gone if the pool gave the handler up and said so.
        if let Some(own) = of_task.into_iter().find(|run| run.event.token == asked.token) {
            own.for_good = end == End::ForGood;
            // The pool may record the failure of another reason before it has this one.
            if !(own.event.limited && asked.op == Op::Fail) {
                own.asked = Some(asked.clone());
                events.push(asked);
            }
        }
        self.tell_or_abort(events);
    }

    /// Tells what the pool reported.
    fn heard(&self, event: &prismq::Event) {
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
                self.tell_or_abort(vec![Event {
                    dead: failed.then_some(event.outcome == Outcome::Dead),
                    task: Some(event.id.as_i64()),
                    attempt: Some(event.attempt),
                    ..self.event(Op::Run, Phase::Info)
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
            lease_lost: lost,
            dead: (op == Op::Fail && !lost).then_some(event.outcome == Outcome::Dead),
            ..call
        });
        self.tell_or_abort(events);
    }

    /// Tells of stalls of this process, and now and then that there was none.
    fn measure(&self) -> Result<()> {
        self.tell(Event { micros: Some(0), ..self.event(Op::Stall, Phase::Ok) })?;
        let mut told_at = now_ns();
        while !self.ended.load(Ordering::Relaxed) {
            let before = now_ns();
            thread::sleep(METER);
            let late = Duration::from_nanos(now_ns() - before).saturating_sub(METER);
            let stalled = late >= STALL;
            if stalled || now_ns() - told_at >= SIGN_OF_LIFE {
                let micros = if stalled { i64::try_from(late.as_micros()).ok() } else { Some(0) };
                self.tell(Event { micros, ..self.event(Op::Stall, Phase::Ok) })?;
                told_at = now_ns();
            }
        }
        Ok(())
    }

    /// When the lease of this task ends, if it is still the one that is run.
    fn lease_of(&self, task: &TaskContext<'_>) -> Option<i64> {
        let file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let look = "SELECT lease_expires_at FROM task WHERE id = ?1 AND token = ?2";
        let mut statement = file.prepare_cached(look).ok()?;
        let lease = statement.query_row([task.id().as_i64(), task.token()], |row| row.get(0));
        lease.optional().ok()?
    }

    fn event(&self, op: Op, phase: Phase) -> Event {
        Event { t_db: self.now(), ..Event::new(self.proc, op, phase) }
    }

    fn now(&self) -> i64 {
        self.clock.now().as_micros()
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunName, VecDeque<Begun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) -> Result<()> {
        self.tell_all(vec![event])
    }

    /// For threads of the pool, whose history must not go on without what they tell.
    fn tell_or_abort(&self, events: Vec<Event>) {
        if let Err(error) = self.tell_all(events) {
            eprintln!("error: {error}");
            std::process::abort();
        }
    }

    /// Notes events that belong together; those that have a time keep it.
    fn tell_all(&self, mut events: Vec<Event>) -> Result<()> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now_ns();
        for event in &mut events {
            event.seq = *told;
            if event.t_mono_ns == 0 {
                event.t_mono_ns = now;
            }
            *told += 1;
        }
        self.recorder.note(events)
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(Duration::from_secs(10))?;
    file.pragma_update(None, "query_only", true)?;
    Ok(file)
}

fn name(task: &TaskContext<'_>) -> RunName {
    (task.id().as_i64(), task.attempt(), task.worker())
}
