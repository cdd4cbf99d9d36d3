//! Proofs over the whole engine, and what they and the tests next to the code share.

mod cost;
mod feature_cost;
mod fences;
mod limits;
mod operators;
mod plans;
mod poisoned;
mod preparations;
mod schedules;
mod suspects;
mod weights;

use std::sync::Arc;

use tempfile::TempDir;

use crate::engine::FileOptions;
use crate::engine::sqlite::open::open;
use crate::engine::sqlite::reader::ReadConnection;
use crate::engine::sqlite::writer::Writer;

use crate::engine::{Answer, Operation};
use crate::model::limits::BUSY_WAIT_DEFAULT;
use crate::model::{Claim, Durability, Lease};
use crate::time::{Clock, ManualClock, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_000_000);

pub(crate) fn writer() -> (TempDir, Writer) {
    let (folder, writer, _) = opened();
    (folder, writer)
}

pub(crate) fn opened() -> (TempDir, Writer, ReadConnection) {
    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions {
        attach: false,
        path: folder.path().join("queue.db"),
        durability: Durability::Normal,
        busy_wait: BUSY_WAIT_DEFAULT,
        free_bytes_max: u64::MAX,
        clock: Arc::new(ManualClock::new(NOW)),
    };
    let (writer, reader) = open(&options, &Arc::default()).unwrap();
    (folder, writer, reader)
}

pub(crate) fn claim_of(max: usize) -> Operation {
    Operation::Claim(Claim::new(["job"]).max(max))
}

/// Claims one task at this clock's time, if one is ready.
pub(crate) fn claimed_by(writer: &mut Writer, clock: &dyn Clock) -> Option<Lease> {
    claimed_of(writer, clock, &Claim::new(["job"]))
}

pub(crate) fn claimed_of(writer: &mut Writer, clock: &dyn Clock, claim: &Claim) -> Option<Lease> {
    let claim = Operation::Claim(claim.clone());
    let Ok(Answer::Claimed(mut claimed)) = writer.apply(clock, &[claim]).unwrap().remove(0) else {
        panic!("a claim is answered by leases")
    };
    claimed.leases.pop()
}
