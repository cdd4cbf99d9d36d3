//! What a transaction reads at its start, by its operations.

use std::collections::BTreeSet;

use super::lease_note::LeaseNote;
use super::shared::Shared;
use crate::engine::Operation;

/// What the operations of a transaction need at its start.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The queues whose settings they need, as far as they are known.
    pub(super) queues: Vec<i32>,
    /// Whether there are claims.
    pub(super) claims: bool,
    /// How many tasks they add.
    pub(super) ids: i32,
}

impl Wanted {
    pub(super) fn of(shared: &Shared, batch: &[Operation]) -> Self {
        let lanes = shared.lanes();
        let mut wanted = Self::default();
        let mut queues = BTreeSet::new();
        for operation in batch {
            for claim in operation.claims().unwrap_or_default() {
                wanted.claims = true;
                queues.extend(lanes.serving(claim).first().map(|(lane, _)| lane.queue));
            }
            match operation {
                Operation::Enqueue(tasks) => {
                    queues.extend(
                        tasks.iter().filter_map(|task| lanes.of(task)).map(|lane| lane.queue),
                    );
                    let count = i32::try_from(tasks.len()).unwrap_or(i32::MAX);
                    wanted.ids = wanted.ids.saturating_add(count);
                }
                // The end of a lease frees a slot if the queue bounds its running tasks.
                _ => {
                    queues
                        .extend(operation.ends_lease().map(|key| LeaseNote::from(key.note).queue));
                }
            }
        }
        wanted.queues = queues.into_iter().collect();
        wanted
    }
}
