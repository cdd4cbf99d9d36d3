//! Faults in the rows of the file, with matching counters.

use prismq::{Claim, Enqueued, Lease, NewTask, Result};
use rusqlite::params;

use super::{Fault, Mutant};

impl Mutant {
    pub(super) fn corrupt_enqueue(&self, task: &NewTask) -> Result<Enqueued> {
        let added = self.add(task)?;
        let change = match self.fault {
            Fault::LosesTheOrder => {
                "UPDATE prismq_task SET order_key = order_key + 1000 WHERE id = ?1"
            }
            Fault::LosesThePriority => {
                "UPDATE prismq_task SET order_key = order_key % (1 << 47) WHERE id = ?1"
            }
            Fault::ChangesPayloads => {
                "UPDATE prismq_task SET payload = zeroblob(length(payload)) WHERE id = ?1"
            }
            _ => "UPDATE prismq_queue SET ready = ready + 1 WHERE ?1 IS NOT NULL",
        };
        if self.one_in(10) {
            self.file().execute(change, [added.id().as_i64()]).unwrap();
        }
        Ok(added)
    }

    pub(super) fn corrupt_claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        let before = match self.fault {
            Fault::ClaimsEarly => "UPDATE prismq_task SET run_at = 0 WHERE state = 1",
            Fault::TokensStandStill => {
                "UPDATE prismq_task SET token = token - 1 WHERE state != 2 AND token > 0"
            }
            _ => "SELECT 1",
        };
        if self.one_in(10) {
            self.file().execute_batch(before).unwrap();
        }
        let leases = self.queue.claim(claim)?;
        let change = match self.fault {
            Fault::TokensStandStill => {
                "UPDATE prismq_task SET token = token - 1 WHERE id = ?1 AND state != 2"
            }
            Fault::CountsNoAttempts => "UPDATE prismq_task SET attempt = 0 WHERE id = ?1",
            Fault::NeverReclaims => {
                "UPDATE prismq_task SET lease_expires_at = lease_expires_at + 300000000000 WHERE id = ?1"
            }
            _ => return Ok(leases),
        };
        let connection = self.file();
        for lease in &leases {
            connection.execute(change, [lease.id().as_i64()]).unwrap();
        }
        // Some of what is never taken back must have been left by its holder.
        let left = self.fault == Fault::NeverReclaims && self.calls.get() % 10 == 5;
        Ok(if left { Vec::new() } else { leases })
    }

    pub(super) fn complete_by_id(&self, lease: &Lease) -> Result<()> {
        match self.queue.complete(lease) {
            Err(error) if error.is_lease_lost() => {
                let connection = self.file();
                let id = lease.id().as_i64();
                let counters = "UPDATE prismq_queue SET completed = completed + 1,
                     ready = ready - (SELECT count(*) FROM prismq_task WHERE id = ?1 AND state IN (0, 5)),
                     suspects = suspects - (SELECT count(*) FROM prismq_task WHERE id = ?1 AND state = 5),
                     scheduled = scheduled - (SELECT count(*) FROM prismq_task WHERE id = ?1 AND state = 1),
                     leased = leased - (SELECT count(*) FROM prismq_task WHERE id = ?1 AND state = 2)
                     WHERE EXISTS (SELECT 1 FROM prismq_task WHERE id = ?1 AND state != 3)";
                connection.execute(counters, [id]).unwrap();
                connection
                    .execute("DELETE FROM prismq_task WHERE id = ?1 AND state != 3", [id])
                    .unwrap();
                connection.execute("DELETE FROM prismq_payload WHERE task = ?1", [id]).unwrap();
                connection.execute("DELETE FROM prismq_attempt WHERE task = ?1", [id]).unwrap();
                Ok(())
            }
            answer => answer,
        }
    }

    pub(super) fn corrupt_dead(&self, lease: &Lease) {
        let connection = self.file();
        let id = lease.id().as_i64();
        match self.fault {
            Fault::DeadVanish => {
                let counters = "UPDATE prismq_queue SET dead = dead - 1, completed = completed + 1";
                connection.execute(counters, []).unwrap();
                connection.execute("DELETE FROM prismq_task WHERE id = ?1", [id]).unwrap();
                connection.execute("DELETE FROM prismq_payload WHERE task = ?1", [id]).unwrap();
                connection.execute("DELETE FROM prismq_attempt WHERE task = ?1", [id]).unwrap();
            }
            Fault::DeadRiseAgain => {
                let counters = "UPDATE prismq_queue SET dead = dead - 1, ready = ready + 1";
                connection.execute(counters, []).unwrap();
                let again = "UPDATE prismq_task SET state = 0, attempt = 0 WHERE id = ?1";
                connection.execute(again, [id]).unwrap();
            }
            _ => {}
        }
    }

    pub(super) fn count_release(&self, lease: &Lease) {
        let again = "UPDATE prismq_task SET attempt = attempt + ?2 WHERE id = ?1 AND attempt + 1 < max_attempts";
        self.file().execute(again, params![lease.id().as_i64(), 1]).unwrap();
    }
}
