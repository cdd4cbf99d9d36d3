//! Applies a batch in one transaction: a file an operation, its SQL as named constants. Operations of one kind that
//! follow each other are one statement, with an array for each parameter.

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

/// Deletes what tasks keep beyond their rows, of the rows of a common table expression `d (id, recorded)`.
macro_rules! records {
    () => {
        "da AS (DELETE FROM prismq.attempt x USING d WHERE d.recorded AND x.task = d.id),
         dn AS (DELETE FROM prismq.note x USING d WHERE d.recorded AND x.task = d.id),
         dl AS (DELETE FROM prismq.log x USING d WHERE d.recorded AND x.task = d.id)"
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

#[cfg(test)]
mod tests {
    use super::storable;

    #[test]
    fn a_character_that_cannot_be_stored_is_replaced() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        assert_eq!(storable("plain"), "plain");
    }
}
