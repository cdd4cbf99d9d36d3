//! The JSON Schema of the records and of a line of the history, generated from the types; published in
//! `schema/`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::history::HistoryLine;
use crate::record::{RunRecord, SuiteRecord, VersusRecord};

/// The versions that a reader of [`SCHEMA_VERSION`](crate::SCHEMA_VERSION) accepts, as a regular expression.
pub(crate) const VERSION_PATTERN: &str = r"^1\.[0-9]+\.[0-9]+$";

/// The schema of what a suite writes.
#[must_use]
pub fn suite() -> Schema {
    schema::<SuiteRecord>()
}

/// The schema of a combined record.
#[must_use]
pub fn run() -> Schema {
    schema::<RunRecord>()
}

/// The schema of a line of `history.jsonl`.
#[must_use]
pub fn history() -> Schema {
    schema::<HistoryLine>()
}

/// The schema of a record of queues side by side.
#[must_use]
pub fn versus() -> Schema {
    schema::<VersusRecord>()
}

/// What a reader accepts, so that records of older versions of the same major are covered.
fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}
