//! What a workload is done to: an engine, and what tells the time beside it.

use std::path::Path;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::subject::Engine;

/// An engine under test, the clock it is measured by, and its files where there are any.
///
/// A test of the harness makes one of an engine whose truth is known and a clock that it moves itself.
#[derive(Clone)]
pub struct Subject<'a> {
    /// The engine.
    pub engine: &'a dyn Engine,
    /// The clock of all that is measured.
    pub clock: Arc<dyn Clock>,
    /// The database's file. Without one, nothing beside the tasks themselves is sampled.
    pub file: Option<&'a Path>,
}
