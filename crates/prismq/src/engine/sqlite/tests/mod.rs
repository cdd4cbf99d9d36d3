//! Proofs over the whole engine, and what they and the tests next to the code share.

mod cost;
mod poisoned;
mod suspects;
mod weights;

use std::sync::Arc;

use tempfile::TempDir;

use crate::engine::sqlite::{OpenOptions, SqliteStore, open};
use crate::engine::{Answer, Operation, Store};
use crate::model::limits::BUSY_WAIT_DEFAULT;
use crate::model::{Claim, Durability, Lease};
use crate::time::{Clock, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_000_000);

pub(crate) fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        path: folder.path().join("queue.db"),
        durability: Durability::Normal,
        busy_wait: BUSY_WAIT_DEFAULT,
        free_bytes_max: u64::MAX,
    };
    (folder, open(&options, &Arc::default()).unwrap().0)
}

pub(crate) fn claim_of(max: usize) -> Operation {
    Operation::Claim(Claim::new(["job"]).max(max))
}

/// The first task by this clock, if one can be had.
pub(crate) fn claimed_by(store: &mut SqliteStore, clock: &dyn Clock) -> Option<Lease> {
    claimed_of(store, clock, &Claim::new(["job"]))
}

pub(crate) fn claimed_of(
    store: &mut SqliteStore,
    clock: &dyn Clock,
    claim: &Claim,
) -> Option<Lease> {
    let claim = Operation::Claim(claim.clone());
    let Ok(Answer::Claimed(mut claimed)) = store.apply(clock, &[claim]).unwrap().remove(0) else {
        panic!("a claim is answered by leases")
    };
    claimed.leases.pop()
}
