//! What an operator does: cancelling a task, redriving and deleting those of a type, and setting a schedule.

use std::time::Duration;

use prismq::{CancelOutcome, Missed, NewTask, Schedule, TaskId};

use super::{Client, micros};
use crate::error::{Error, Result};
use crate::history::{Event, Op, Phase, payload_of};
use crate::subject::Subject;

impl<S: Subject> Client<S> {
    /// Cancels a task that was enqueued under this key.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn cancel(&mut self, key: u64, id: TaskId) -> Result<CancelOutcome> {
        let begun = Event { key: Some(key), task: Some(id.as_i64()), ..self.event(Op::Cancel) };
        self.record(begun.clone())?;
        let answer = self.subject.cancel(id);
        self.answered(begun, answer, |outcome, event| {
            event.cancelled = match outcome {
                CancelOutcome::Cancelled => Some(true),
                CancelOutcome::Requested => Some(false),
                CancelOutcome::NotActive => None,
            };
        })
    }

    /// Puts the dead tasks of a type back, and returns how many.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn redrive(&mut self, task_type: &str) -> Result<u64> {
        let begun = self.begin_on_type(Op::Redrive, task_type)?;
        let answer = self.subject.redrive(task_type);
        self.answered_in_steps(begun, answer)
    }

    /// Deletes the tasks of a type that do not run, and returns how many.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn delete(&mut self, task_type: &str) -> Result<u64> {
        let begun = self.begin_on_type(Op::Delete, task_type)?;
        let answer = self.subject.delete(task_type);
        self.answered_in_steps(begun, answer)
    }

    /// Sets the schedule of a type that no other task has: it enqueues one for each slot, also for missed ones.
    ///
    /// # Errors
    /// [`Error::Queue`] if the subject refused, [`Error::Log`] if it could not be recorded.
    pub fn set_schedule(&mut self, task_type: &str, interval: Duration) -> Result<bool> {
        // Whoever sets it first, its tasks are the same.
        let key = task_type.bytes().fold(u64::MAX, |key, byte| key << 8 | u64::from(byte));
        let task = NewTask::new(task_type, payload_of(key, 32)).max_attempts(20);
        let schedule = Schedule::every(task_type, interval, task).missed(Missed::All);
        let begun = Event {
            task_type: Some(task_type.to_owned()),
            micros: Some(micros(interval)),
            ..self.event(Op::SetSchedule)
        };
        self.record(begun.clone())?;
        let answer = self.subject.set_schedule(&schedule);
        self.answered(begun, answer, |_, _| ())
    }

    fn begin_on_type(&mut self, op: Op, task_type: &str) -> Result<Event> {
        let begun = Event { task_type: Some(task_type.to_owned()), ..self.event(op) };
        self.record(begun.clone())?;
        Ok(begun)
    }

    /// Records the answer to a call of several transactions: one that failed may have done a part.
    fn answered_in_steps(&mut self, begun: Event, answer: prismq::Result<u64>) -> Result<u64> {
        match answer {
            Err(error) => {
                let refused = self.refused(begun.clone(), error);
                if matches!(refused, Error::Queue(_)) {
                    self.record(Event {
                        phase: Phase::Info,
                        t_db: self.now().as_micros(),
                        ..begun
                    })?;
                }
                Err(refused)
            }
            answer => self.answered(begun, answer, |_, _| ()),
        }
    }
}
