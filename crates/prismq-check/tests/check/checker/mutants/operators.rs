//! Faults in unique keys, times to live, schedules, and what operators do.

use prismq::{CancelOutcome, Claim, Enqueued, Lease, NewTask, Result, State, TaskId, Unique};

use super::{Fault, Mutant};

impl Mutant {
    pub(super) fn enqueue_wrongly(&self, task: &NewTask) -> Result<Enqueued> {
        let wrong = self.one_in(3);
        if wrong && self.fault == Fault::AddsDuplicates {
            let other = format!("other key {}", self.calls.get());
            return self.add(&task.clone().unique(Unique::key(other)));
        }
        let added = self.add(task)?;
        let id = added.id().as_i64();
        match self.fault {
            Fault::NamesAnotherHolder if !added.is_new() => {
                return Ok(Enqueued::Conflict(TaskId::from_i64(id + 1)));
            }
            Fault::KeepsKeys if added.is_new() => {
                let never = "UPDATE prismq_unique SET hold = 2, until = 1 << 62 WHERE task = ?1";
                self.file().execute(never, [id]).unwrap();
            }
            Fault::ForgetsTimesToLive if wrong => {
                let later = "UPDATE prismq_expiry SET start_by = start_by * 2, look_at = look_at * 2 WHERE task = ?1";
                self.file().execute(later, [id]).unwrap();
            }
            _ => {}
        }
        Ok(added)
    }

    pub(super) fn claim_wrong_slots(&self, claim: &Claim) -> Result<Vec<Lease>> {
        if self.one_in(20) {
            let change = match self.fault {
                Fault::FiresTwice => "UPDATE prismq_schedule SET next_at = next_at - interval",
                _ => "UPDATE prismq_schedule SET next_at = next_at + interval",
            };
            self.file().execute(change, []).unwrap();
        }
        self.queue.claim(claim)
    }

    pub(super) fn cancel_wrongly(&self, id: TaskId) -> Result<CancelOutcome> {
        let state = self.queue.task(id)?.map(|task| task.state);
        match (self.fault, state) {
            (Fault::ForgetsCancellations, Some(State::Ready)) => {
                return Ok(CancelOutcome::Cancelled);
            }
            (Fault::DeniesCancellations, Some(State::Ready)) => {
                return Ok(CancelOutcome::NotActive);
            }
            _ => {}
        }
        let outcome = self.queue.cancel(id)?;
        if self.fault == Fault::ForgetsRequests && outcome == CancelOutcome::Requested {
            let forget = "DELETE FROM prismq_cancel;
                          UPDATE prismq_meta SET features = features & ~16";
            self.file().execute_batch(forget).unwrap();
        }
        Ok(outcome)
    }

    pub(super) fn redrive_wrongly(&self, task_type: &str) -> Result<u64> {
        let dead = self.queue.tasks().of_type(task_type).dead();
        match self.fault {
            Fault::ForgetsRedrives => dead.count(),
            Fault::DeletesTheRedriven => dead.delete(),
            _ => dead.redrive(),
        }
    }
}
