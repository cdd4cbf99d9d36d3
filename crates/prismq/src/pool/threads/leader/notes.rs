//! The leader writes what handlers noted of their tasks.

use std::time::Instant;

use super::answers::{Answers, is_lease_lost};
use crate::engine::Operation;
use crate::model::{LeaseKey, Note};
use crate::pool::shared::Shared;

/// The operations that write these notes.
pub(super) fn operations(notes: &[(LeaseKey, Note)]) -> impl Iterator<Item = Operation> {
    notes.iter().map(|(key, note)| Operation::Note { key: *key, note: note.clone() })
}

/// What was not written waits again, but for a task whose lease is lost.
pub(super) fn accept(shared: &Shared, notes: Vec<(LeaseKey, Note)>, answers: &mut Answers) {
    if notes.is_empty() {
        return;
    }
    let mut not_written = Vec::new();
    for (key, note) in notes {
        match answers.take() {
            Ok(_) => {}
            Err(error) if is_lease_lost(&error) => {}
            Err(error) => {
                answers.failed(error);
                not_written.push((key, note));
            }
        }
    }
    let has_waiting = shared.scheduler().notes_returned(not_written, Instant::now());
    if has_waiting {
        shared.notify_progress();
    }
}
