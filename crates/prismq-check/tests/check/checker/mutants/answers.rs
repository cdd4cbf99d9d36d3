//! Faults in what is answered.

use std::time::Duration;

use prismq::{Claim, Enqueued, Error, Lease, NewTask, Result, TaskId, Timestamp};

use super::{Fault, Mutant};

fn added(id: i64) -> Enqueued {
    Enqueued::Inserted(TaskId::from_i64(id))
}

impl Mutant {
    pub(super) fn misanswer_enqueue(&self, task: &NewTask) -> Result<Enqueued> {
        match self.fault {
            // The id of another: a loss that no count of ids shows.
            Fault::DropsOneInAThousand if self.one_in(1000) => Ok(added(1_000_000)),
            Fault::AcknowledgesBeforeCommit => {
                let mut uncommitted = self.uncommitted.borrow_mut();
                uncommitted.push(task.clone());
                if uncommitted.len() > 1 {
                    self.queue.enqueue(uncommitted.remove(0))?;
                }
                Ok(added(1_000_000 + i64::try_from(self.calls.get()).unwrap()))
                    .inspect(|_| self.calls.set(self.calls.get() + 1))
            }
            Fault::EnqueuesTwice if self.one_in(100) => {
                self.queue.enqueue(task)?;
                self.add(task)
            }
            Fault::RefusesAndEnqueues if self.one_in(100) => {
                self.queue.enqueue(task)?;
                Err(Error::Busy { waited: Duration::ZERO })
            }
            _ => self.add(task),
        }
    }

    pub(super) fn claim_twice(&self, claim: &Claim) -> Result<Vec<Lease>> {
        let mut given = self.given.borrow_mut();
        if self.one_in(20) && !given.is_empty() {
            return Ok(std::mem::take(&mut *given));
        }
        *given = self.queue.claim(claim)?;
        Ok(given.clone())
    }

    pub(super) fn refuse(&self, lease: &Lease) -> Result<()> {
        Err(Error::LeaseLost { id: lease.id(), token: lease.token() })
    }

    pub(super) fn accept_extension(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        match self.queue.extend(lease, by) {
            Err(error) if error.is_lease_lost() => Ok(lease.expires_at().after(by)),
            answer => answer,
        }
    }

    /// Answers as a sound queue does while the lease holds, and lets it expire as before.
    pub(super) fn forget_extension(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        let said = self.queue.extend(lease, by)?;
        self.queue.extend(lease, Duration::from_millis(1))?;
        Ok(said)
    }
}
