//! The loop of a driver: reads requests, obeys, answers.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::clock::now;
use crate::lane::{Flusher, open_all};
use crate::message::{
    Ask, Asked, Closed, Enqueue, Enqueued, Load, Loaded, Model, Now, Open, Records, Start, Started,
    Stop, Stopped, UnreadableAsk,
};
use crate::plan::Plan;

use super::callers::Offer;
use super::{Handler, Library, Output, Pool, Queue, Refused};

/// How long a queue may take to be closed once the harness is gone.
const CLOSE_BOUND: Duration = Duration::from_secs(3);

/// Obeys the harness on standard input and output until it says `bye` or is gone: the `main` of a driver. Ends the
/// process, so that a handler that hangs does not keep it.
pub fn drive(library: &dyn Library) -> ExitCode {
    let output = Output::stdout();
    let flusher = match Flusher::start() {
        Ok(flusher) => flusher,
        Err(error) => {
            output.error("failed", &format!("cannot start a thread: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut driver = Driver { library, output, flusher, queue: None, crews: HashMap::new() };
    driver.obey(BufReader::new(io::stdin()));
    driver.close_in_time();
    process::exit(0)
}

struct Driver<'a> {
    library: &'a dyn Library,
    output: Output,
    flusher: Arc<Flusher>,
    queue: Option<Arc<dyn Queue>>,
    crews: HashMap<String, (Box<dyn Pool>, Handler)>,
}

impl Driver<'_> {
    fn obey(&mut self, input: impl BufRead) {
        for line in input.lines() {
            let Ok(line) = line else { return };
            match Asked::parse(&line) {
                Ok(Asked { id, ask: Ask::Enqueue(enqueue) }) => self.enqueue(id, enqueue),
                Ok(Asked { id, ask }) => {
                    if let Err(refused) = self.answer(id, &ask) {
                        let message = format!("{}: {}", ask.name(), refused.reason());
                        self.output.failed(id, "failed", &message);
                    }
                    if ask == Ask::Bye {
                        return;
                    }
                }
                Err(UnreadableAsk::Unknown { id, name }) => {
                    self.output.failed(id, "unknown_request", &name);
                }
                Err(UnreadableAsk::Fields { id, reason }) => {
                    self.output.failed(id, "wrong_request", &reason);
                }
                Err(error @ UnreadableAsk::Line(_)) => {
                    self.output.error("wrong_request", &error.to_string());
                }
            }
        }
    }

    fn answer(&mut self, id: u64, ask: &Ask) -> Result<(), Refused> {
        let output = self.output.clone();
        match ask {
            Ask::Hello(_) => output.ok(id, &self.library.about()),
            Ask::Clock => output.ok(id, &Now { now_ns: now() }),
            Ask::Open(open) => output.ok(id, &self.open(open)?),
            Ask::Load(load) => output.ok(id, &self.load(load)?),
            Ask::Start(start) => output.ok(id, &self.start(start)?),
            Ask::Stop(stop) => output.ok(id, &self.stop(stop)?),
            Ask::Census => output.ok(id, &self.queue()?.census()?),
            Ask::Counters => output.ok(id, &self.queue()?.counters()),
            Ask::Close => {
                self.close();
                output.ok(id, &Closed {});
            }
            Ask::Bye => {
                self.close();
                output.ok(id, &Closed {});
            }
            Ask::Enqueue(_) => {}
        }
        Ok(())
    }

    fn queue(&self) -> Result<&Arc<dyn Queue>, Refused> {
        self.queue.as_ref().ok_or_else(|| Refused::failed("no queue is open"))
    }

    fn open(&mut self, open: &Open) -> Result<crate::message::Opened, Refused> {
        if self.queue.is_some() {
            return Err(Refused::failed("a queue is open already"));
        }
        let (queue, opened) = self.library.open(open)?;
        self.queue = Some(queue);
        Ok(opened)
    }

    fn load(&self, load: &Load) -> Result<Loaded, Refused> {
        let plan = read(&load.plan, load.to)?;
        let first = load.lanes.get(..1).unwrap_or_default();
        let (flusher, output) = (&self.flusher, &self.output);
        let lanes = open_all(first, load.lane_records, Records::Buffered, flusher, output)
            .map_err(Refused::Failed)?;
        let offer = Offer {
            queue: &**self.queue()?,
            plan: &plan,
            from: load.from,
            to: load.to,
            payload_bytes: bytes(load.payload_bytes),
            batch: u64::from(load.batch).max(1),
            model: Model::Closed,
            t0_ns: 0,
            records: Records::Buffered,
        };
        let Enqueued { count, errors } = offer.run(&lanes);
        match errors.into_iter().next() {
            Some((message, tasks)) => {
                Err(Refused::Failed(format!("{count} tasks were enqueued, {tasks} not: {message}")))
            }
            None => Ok(Loaded { count }),
        }
    }

    /// Enqueues on a thread of its own: other requests are answered meanwhile.
    fn enqueue(&self, id: u64, enqueue: Enqueue) {
        let (output, flusher) = (self.output.clone(), self.flusher.clone());
        let queue = self.queue().cloned();
        let offered =
            move || match queue.and_then(|queue| offer(&*queue, &enqueue, &flusher, &output)) {
                Ok(enqueued) => output.ok(id, &enqueued),
                Err(refused) => {
                    output.failed(id, "failed", &format!("enqueue: {}", refused.reason()));
                }
            };
        if let Err(error) = thread::Builder::new().name("callers".to_owned()).spawn(offered) {
            self.output.failed(id, "failed", &format!("enqueue: cannot start a thread: {error}"));
        }
    }

    fn start(&mut self, start: &Start) -> Result<Started, Refused> {
        if self.crews.contains_key(&start.crew) {
            return Err(Refused::Failed(format!("the crew {} is running already", start.crew)));
        }
        let plan = Plan::read(Path::new(&start.plan))?;
        let (flusher, output) = (&self.flusher, &self.output);
        let lanes = open_all(&start.lanes, start.lane_records, start.records, flusher, output)
            .map_err(Refused::Failed)?;
        let handler = Handler::new(start.handler, plan, lanes, output.clone());
        let pool = self.queue()?.start(usize::try_from(start.workers)?, &handler)?;
        self.crews.insert(start.crew.clone(), (pool, handler));
        Ok(Started { started_ns: now() })
    }

    fn stop(&mut self, stop: &Stop) -> Result<Stopped, Refused> {
        let no_crew = || Refused::Failed(format!("no crew {} is running", stop.crew));
        let (pool, handler) = self.crews.remove(&stop.crew).ok_or_else(no_crew)?;
        let errors = pool.stop(Duration::from_millis(stop.bound_ms));
        let stopped_ns = now();
        handler.flush();
        Ok(Stopped { stopped_ns, errors })
    }

    fn close(&mut self) {
        for (crew, (pool, handler)) in self.crews.drain() {
            for error in pool.stop(Duration::ZERO) {
                self.output.log(&format!("crew {crew}: {error}"));
            }
            handler.flush();
        }
        self.queue = None;
    }

    /// Closes what is open, unless that takes too long.
    fn close_in_time(&mut self) {
        let (queue, crews) = (self.queue.take(), std::mem::take(&mut self.crews));
        let (closed, is_closed) = mpsc::channel::<()>();
        let closing = thread::Builder::new().spawn(move || {
            for (pool, handler) in crews.into_values() {
                pool.stop(Duration::ZERO);
                handler.flush();
            }
            drop(queue);
            drop(closed);
        });
        if closing.is_ok() {
            let _ = is_closed.recv_timeout(CLOSE_BOUND);
        }
    }
}

fn offer(
    queue: &dyn Queue,
    enqueue: &Enqueue,
    flusher: &Arc<Flusher>,
    output: &Output,
) -> Result<Enqueued, Refused> {
    let plan = read(&enqueue.plan, enqueue.to)?;
    let callers = usize::try_from(enqueue.callers)?;
    let Some(paths) = enqueue.lanes.get(..callers) else {
        let lanes = enqueue.lanes.len();
        return Err(Refused::Failed(format!("{callers} callers were given {lanes} lanes")));
    };
    let lanes = open_all(paths, enqueue.lane_records, enqueue.records, flusher, output)
        .map_err(Refused::Failed)?;
    let offer = Offer {
        queue,
        plan: &plan,
        from: enqueue.from,
        to: enqueue.to,
        payload_bytes: bytes(enqueue.payload_bytes),
        batch: u64::from(enqueue.batch).max(1),
        model: enqueue.model,
        t0_ns: enqueue.t0_ns,
        records: enqueue.records,
    };
    Ok(offer.run(&lanes))
}

/// Reads a plan that has tasks up to this token.
fn read(path: &str, to: u64) -> Result<Plan, Refused> {
    let plan = Plan::read(Path::new(path))?;
    if plan.len() < to {
        let tasks = plan.len();
        return Err(Refused::Failed(format!(
            "the plan {path} has {tasks} tasks, {to} were asked for"
        )));
    }
    Ok(plan)
}

fn bytes(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
