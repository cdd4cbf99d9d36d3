//! What workers pass tasks to: it does the work that the plan names, and writes records.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::now;
use crate::lane::{Kind, Lane, Record};
use crate::message::{Ending, Work};
use crate::payload::{checksum, token_of};
use crate::plan::Plan;

use super::{Output, Refused};

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Chooses the lane that this thread writes, so that threads seldom share one.
    static NUMBER: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

/// The handler of a crew; clones are the same.
#[derive(Debug, Clone)]
pub struct Handler(Arc<Crew>);

#[derive(Debug)]
struct Crew {
    work: Work,
    plan: Plan,
    lanes: Vec<Arc<Lane>>,
    output: Output,
    /// Which attempt of a task failed last, by its token.
    failed: Mutex<HashMap<u64, u16>>,
}

impl Handler {
    pub(super) fn new(work: Work, plan: Plan, lanes: Vec<Arc<Lane>>, output: Output) -> Self {
        Self(Arc::new(Crew { work, plan, lanes, output, failed: Mutex::default() }))
    }

    /// Runs a task to its end on this thread. `attempt` counts from 1; 0 if unknown.
    ///
    /// # Errors
    /// If the payload is none of a plan, which the harness is also sent.
    pub fn handle(&self, payload: &[u8], attempt: u16) -> Result<Done, Refused> {
        let run = self.begin(payload, attempt)?;
        match run.rest() {
            Rest::None => {}
            Rest::Sleep(time) => thread::sleep(time),
            Rest::Forever => loop {
                thread::park();
            },
        }
        Ok(run.end())
    }

    /// Begins a task that an asynchronous handler then rests for, as long as [`Run::rest`] says, and ends.
    ///
    /// # Errors
    /// As [`Handler::handle`].
    pub fn begin(&self, payload: &[u8], attempt: u16) -> Result<Run, Refused> {
        let begun = now();
        let Some(token) = token_of(payload).filter(|token| *token < self.0.plan.len()) else {
            let head = String::from_utf8_lossy(payload.get(..32).unwrap_or(payload)).into_owned();
            let reason =
                format!("a worker was given the payload {head:?}, which has no token of the plan");
            self.0.output.error("unknown_task", &reason);
            return Err(Refused::Failed(reason));
        };
        let checksum = match self.0.work {
            Work::Hang => 0,
            Work::None | Work::Plan => checksum(payload),
        };
        Ok(Run { crew: self.clone(), token, attempt, begun, checksum })
    }

    /// As [`Handler::begin`], for queues that do not pass the attempt to a handler. It is the one after the last that
    /// this crew let fail; attempts that ended with their process are not counted.
    ///
    /// # Errors
    /// As [`Handler::handle`].
    pub fn begin_counted(&self, payload: &[u8]) -> Result<Run, Refused> {
        let failed = token_of(payload).and_then(|token| self.failed().get(&token).copied());
        self.begin(payload, failed.unwrap_or_default().saturating_add(1))
    }

    fn failed(&self) -> MutexGuard<'_, HashMap<u64, u16>> {
        self.0.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, record: &Record) {
        let lanes = &self.0.lanes;
        let number = NUMBER.get().checked_rem(lanes.len()).unwrap_or_default();
        if let Some(lane) = lanes.get(number) {
            lane.write(record);
        }
    }

    pub(super) fn flush(&self) {
        self.0.lanes.iter().for_each(|lane| lane.flush());
    }
}

/// How long a handler rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Not at all.
    None,
    /// So long.
    Sleep(Duration),
    /// For ever: it never ends.
    Forever,
}

/// A task that has begun.
#[derive(Debug)]
pub struct Run {
    crew: Handler,
    token: u64,
    attempt: u16,
    begun: u64,
    checksum: u32,
}

impl Run {
    /// How long the handler is to rest before it ends.
    #[must_use]
    pub fn rest(&self) -> Rest {
        let crew = &self.crew.0;
        match crew.work {
            Work::None => Rest::None,
            Work::Hang => Rest::Forever,
            Work::Plan => match crew.plan.get(self.token).map_or(0, |entry| entry.service_us) {
                0 => Rest::None,
                us => Rest::Sleep(Duration::from_micros(us.into())),
            },
        }
    }

    /// Ends it, and writes its record.
    #[must_use]
    pub fn end(self) -> Done {
        let Self { crew, token, attempt, begun, checksum } = self;
        let ended = now();
        let record = Record {
            token,
            t1: begun,
            t2: ended,
            kind: Kind::Run,
            ending: None,
            attempt,
            extra: checksum,
        };
        crew.write(&record);
        let fails = crew.0.plan.get(token).map_or(0, |entry| entry.fails);
        let fails = crew.0.work == Work::Plan && attempt > 0 && attempt <= u16::from(fails);
        if fails {
            crew.failed().insert(token, attempt);
        }
        Done { crew, token, attempt, ended, fails }
    }
}

/// A task that has ended and is to be settled.
#[derive(Debug, Clone)]
pub struct Done {
    crew: Handler,
    token: u64,
    attempt: u16,
    ended: u64,
    fails: bool,
}

impl Done {
    /// Its token.
    #[must_use]
    pub const fn token(&self) -> u64 {
        self.token
    }

    /// Whether this attempt is to fail.
    #[must_use]
    pub const fn fails(&self) -> bool {
        self.fails
    }

    /// When the handler ended.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.ended
    }

    /// Writes that it is now known to be stored how the attempt ended, after the queue was asked at `called`
    /// ([`Done::ended`] if the queue does that itself).
    pub fn settled(&self, called: u64, ending: Ending) {
        self.crew.write(&Record {
            token: self.token,
            t1: called,
            t2: now(),
            kind: Kind::Settled,
            ending: Some(ending),
            attempt: self.attempt,
            extra: 0,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::payload::payload;
    use crate::plan::Entry;

    #[test]
    fn attempts_are_counted_where_the_queue_does_not_pass_them() {
        let plan = Plan::new(vec![Entry { fails: 2, ..Entry::default() }, Entry::default()]);
        let handler = Handler::new(Work::Plan, plan, Vec::new(), Output::to(io::sink()));
        let fails = |token| {
            let run = handler.begin_counted(payload(token, 16).as_bytes()).unwrap();
            run.end().fails()
        };
        assert_eq!([fails(0), fails(1), fails(0), fails(0)], [true, false, true, false]);
    }
}
