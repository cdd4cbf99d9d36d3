//! A client of a queue that records each call before it is made, and each answer when it arrived.

mod operator;
mod request;

use std::sync::Arc;
use std::time::Duration;

use prismq::{Claim, Clock, Enqueued, Lease, NewTask, State, TaskError, Timestamp, Unique};

pub use self::request::{ClaimRequest, EnqueueRequest};
use crate::conformance::Hold;
use crate::error::{Error, Result};
use crate::history::{Event, Op, Phase, Refusal};
use crate::history::{Recorder, now_ns};
use crate::history::{key_of_slot, payload_of};
use crate::subject::Subject;

/// Makes one call at a time on a subject, and records it.
#[derive(Debug)]
pub struct Client<S> {
    subject: S,
    clock: Arc<dyn Clock>,
    recorder: Recorder,
    client_id: u32,
    recorded: u64,
    enqueued: u32,
}

impl<S: Subject> Client<S> {
    /// An client with a number that no other of the history has. The clock must be the subject's own.
    pub fn new(subject: S, clock: Arc<dyn Clock>, recorder: Recorder, client_id: u32) -> Self {
        Self { subject, clock, recorder, client_id, recorded: 0, enqueued: 0 }
    }

    /// Enqueues a task, and returns the key it gave it and what became of it.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn enqueue(&mut self, job: &EnqueueRequest) -> Result<(u64, Enqueued)> {
        let key = u64::from(self.client_id) << 32 | u64::from(self.enqueued);
        self.enqueued += 1;
        let mut task = NewTask::new(job.task_type.as_str(), payload_of(key, job.payload_bytes))
            .queue(job.queue.as_str())
            .priority(job.priority)
            .delay(job.delay)
            .max_attempts(job.max_attempts);
        if let Some(limit) = &job.limit {
            task = task.limit(limit.as_str());
        }
        if let Some(key) = &job.key {
            task = task.key(key.as_str());
        }
        if job.ordered {
            task = task.ordered();
        }
        if let Some((key, hold)) = &job.unique {
            task = task.unique(unique(key, *hold));
        }
        if let Some(lives) = job.lives {
            task = task.expires_after(lives);
        }
        let begun = Event {
            key: Some(key),
            unique: job.unique.clone(),
            lives: job.lives.map(micros),
            run_at: (!job.delay.is_zero()).then(|| self.now().after(job.delay).as_micros()),
            queue: Some(job.queue.clone()),
            task_type: Some(job.task_type.clone()),
            priority: Some(job.priority),
            max_attempts: Some(job.max_attempts),
            deadly: job.deadly,
            ..self.event(Op::Enqueue)
        };
        self.record(begun.clone())?;
        let answer = self.subject.enqueue(&task);
        let added = self.answered(begun, answer, |added, event| {
            event.task = Some(added.id().as_i64());
            if !added.is_new() {
                (event.phase, event.refusal) = (Phase::Fail, Some(Refusal::KeyTaken));
            }
        })?;
        Ok((key, added))
    }

    /// Claims tasks.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn claim(&mut self, take: &ClaimRequest) -> Result<Vec<Lease>> {
        let claim = Claim::new(take.types.iter().map(String::as_str))
            .queue(take.queue.as_str())
            .max(take.max)
            .lease(take.lease);
        let begun = Event {
            queue: Some(take.queue.clone()),
            count: Some(count(take.max)),
            ..self.event(Op::Claim)
        };
        self.record(begun.clone())?;
        let leases = match self.subject.claim(&claim) {
            Ok(leases) => leases,
            Err(error) => return Err(self.refused(begun, error)),
        };
        let ended =
            Event { phase: Phase::Ok, t_db: self.now().as_micros(), count: Some(0), ..begun };
        if leases.is_empty() {
            self.record(ended)?;
            return Ok(leases);
        }
        let answers = leases.iter().enumerate().map(|(place, lease)| Event {
            t_db: self.queue_time(lease.expires_at()) - micros(take.lease),
            count: Some(count(leases.len() - place - 1)),
            expires_at: Some(self.queue_time(lease.expires_at())),
            priority: Some(lease.priority()),
            max_attempts: Some(lease.max_attempts()),
            task_type: Some(lease.task_type().to_owned()),
            ..self.about(lease, ended.clone())
        });
        let answers = answers.collect();
        self.record_all(answers)?;
        Ok(leases)
    }

    /// Completes a task.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn complete(&mut self, lease: &Lease) -> Result<()> {
        let begun = self.begin(lease, Op::Complete, |_| ())?;
        let answer = self.subject.complete(lease);
        self.answered(begun, answer, |(), _| ())
    }

    /// Fails an attempt: the task runs again after `retry`, or never.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn fail(&mut self, lease: &Lease, retry: Option<Duration>) -> Result<State> {
        let now = self.now();
        let begun = self.begin(lease, Op::Fail, |event| {
            event.run_at = retry.map(|delay| now.after(delay).as_micros());
            event.dead = Some(retry.is_none());
        })?;
        let error = match retry {
            Some(delay) => TaskError::new("failed").retry_after(delay),
            None => TaskError::permanent("failed for good"),
        };
        let answer = self.subject.fail(lease, error);
        self.answered(begun, answer, |state, event| {
            event.dead = Some(*state == State::Dead);
            event.cancelled = Some(*state == State::Cancelled);
        })
    }

    /// Extends a lease.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn extend(&mut self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        let begun = self.begin(lease, Op::Extend, |_| ())?;
        let answer = self.subject.extend(lease, by);
        let expires_at = answer.as_ref().map_or(0, |shown| self.queue_time(*shown));
        self.answered(begun, answer, |_, event| {
            event.expires_at = Some(expires_at);
            event.t_db = expires_at - micros(by);
        })
    }

    /// Returns a task to its queue.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn release(&mut self, lease: &Lease) -> Result<()> {
        let begun = self.begin(lease, Op::Release, |_| ())?;
        let answer = self.subject.release(lease);
        self.answered(begun, answer, |(), _| ())
    }

    fn begin(&mut self, lease: &Lease, op: Op, more: impl FnOnce(&mut Event)) -> Result<Event> {
        let mut begun = self.about(lease, self.event(op));
        more(&mut begun);
        self.record(begun.clone())?;
        Ok(begun)
    }

    fn about(&self, lease: &Lease, event: Event) -> Event {
        let slot = lease.scheduled_for().map(Timestamp::as_micros);
        Event {
            key: key_of_slot(lease.payload(), slot),
            slot,
            task: Some(lease.id().as_i64()),
            token: Some(lease.token()),
            attempt: Some(lease.attempt()),
            ..event
        }
    }

    fn answered<T>(
        &mut self,
        begun: Event,
        answer: prismq::Result<T>,
        more: impl FnOnce(&T, &mut Event),
    ) -> Result<T> {
        match answer {
            Ok(answer) => {
                let mut ended = Event { phase: Phase::Ok, t_db: self.now().as_micros(), ..begun };
                more(&answer, &mut ended);
                self.record(ended)?;
                Ok(answer)
            }
            Err(error) => Err(self.refused(begun, error)),
        }
    }

    fn refused(&mut self, begun: Event, error: prismq::Error) -> Error {
        // Every other error promises that nothing was done.
        let unknown =
            matches!(error, prismq::Error::Poisoned { .. } | prismq::Error::CommitUnknown { .. });
        let ended = Event {
            phase: if unknown { Phase::Info } else { Phase::Fail },
            t_db: self.now().as_micros(),
            error: Some(error.to_string()),
            refusal: match &error {
                error if error.is_lease_lost() => Some(Refusal::LeaseLost),
                error if error.is_busy() => Some(Refusal::Busy),
                _ => None,
            },
            ..begun
        };
        match self.record(ended) {
            Ok(()) => Error::Queue(error),
            Err(unrecorded) => unrecorded,
        }
    }

    fn event(&self, op: Op) -> Event {
        Event { t_db: self.now().as_micros(), ..Event::new(self.client_id, op, Phase::Invoke) }
    }

    fn record(&mut self, event: Event) -> Result<()> {
        self.record_all(vec![event])
    }

    fn record_all(&mut self, mut events: Vec<Event>) -> Result<()> {
        let t_mono_ns = now_ns();
        for event in &mut events {
            event.seq = self.recorded;
            event.t_mono_ns = t_mono_ns;
            self.recorded += 1;
        }
        self.recorder.note(events)
    }

    /// The queue's own time.
    fn now(&self) -> Timestamp {
        if self.follows_the_wall() { self.clock.now() } else { self.clock.monotonic() }
    }

    /// The queue's own time for a time that it shows by the wall clock.
    fn queue_time(&self, shown: Timestamp) -> i64 {
        let set_back = if self.follows_the_wall() {
            0
        } else {
            self.clock.monotonic().as_micros() - self.clock.now().as_micros()
        };
        shown.as_micros() + set_back
    }

    /// Whether the queue's own time is the wall clock's while that is not set, as that of a machine is, which is
    /// not set while a history is made.
    fn follows_the_wall(&self) -> bool {
        self.clock.boot_id().is_some()
    }
}

fn unique(key: &str, hold: Hold) -> Unique {
    let unique = Unique::key(key);
    match hold {
        Hold::WhileWaiting => unique.while_waiting(),
        Hold::UntilDone => unique.until_done(),
        Hold::Period(period) => unique.for_period(period),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
