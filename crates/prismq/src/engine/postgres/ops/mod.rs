//! Applies a batch in one transaction: a file an operation, its SQL as named constants. Operations of one kind that
//! follow each other are one statement, with an array for each parameter.
//!
//! Rows of tables that may become large are looked up by a subquery that cannot be joined otherwise, as it has an `OFFSET 0`
//! or is a value; those that are changed or locked, by `x.id = ANY (ARRAY[k.id])`. With `x.id = k.id`, the planner
//! may choose to read the whole index in its order, as for a merge join: after a vacuum that an old snapshot kept from
//! removing rows, it sees a large table with almost no rows, and both seem to cost the same. For the same reason, no
//! statement sorts by an index that it does not look rows up in.

pub(crate) mod advance;
pub(crate) mod apply;
pub(crate) mod caller;
pub(crate) mod claim;
pub(crate) mod deadline;
pub(crate) mod enqueue;
pub(crate) mod history;
pub(crate) mod inbox;
pub(crate) mod manage;
pub(crate) mod names;
pub(crate) mod periodic;
pub(crate) mod settings;
pub(crate) mod settle;
pub(crate) mod upkeep;

use crate::engine::postgres::batch::run::Run;

/// Deletes what tasks keep beyond their rows, of the rows of a common table expression `d (id, recorded)`.
macro_rules! records {
    () => {
        "da AS (DELETE FROM prismq.attempt x USING d WHERE d.recorded AND x.task = ANY (ARRAY[d.id])),
         dn AS (DELETE FROM prismq.note x USING d WHERE d.recorded AND x.task = ANY (ARRAY[d.id])),
         dl AS (DELETE FROM prismq.log x USING d WHERE d.recorded AND x.task = ANY (ARRAY[d.id]))"
    };
}
pub(crate) use records;

/// Text that the database can store: it has no character of value 0.
pub(crate) fn storable(text: &str) -> std::borrow::Cow<'_, str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

impl Run<'_, '_> {
    /// Logs that a task has died.
    pub(crate) fn log_dead(&mut self, task: i64, lane: i32, error: &str) {
        let (queue, task_type) = match self.shared.lanes().named(lane) {
            Some(lane) => (lane.queue_name.clone(), lane.task_type.clone()),
            None => ("".into(), "".into()),
        };
        let error = error.to_owned();
        self.log_on_commit(move || {
            tracing::warn!(
                task,
                queue = &*queue,
                "type" = &*task_type,
                error,
                "task is dead: it failed for good or used up its attempts"
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::storable;

    #[test]
    fn a_character_that_cannot_be_stored_is_replaced() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        assert_eq!(storable("plain"), "plain");
    }
}
