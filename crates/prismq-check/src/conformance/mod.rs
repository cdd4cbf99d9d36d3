//! One suite for every engine: each case states one promise of the queue's documentation about one verb.
//!
//! An engine is tested through [`EngineUnderTest`], a trait of owned data, so that an engine may hold its queue in this
//! process, in a file or on a server. The [`Model`] is the first engine: the queue as one would describe it, whole in
//! memory. A second engine brings one file that implements the trait and calls [`Verb::run`] for each of [`VERBS`].
//!
//! What only one engine promises stays in that engine's own tests: durability, the caller's own transaction, files.

mod cases;
mod expect;
mod model;
mod subject;

pub use self::cases::{Case, VERBS, Verb};
pub use self::expect::Mismatch;
pub use self::model::Model;
pub use self::subject::{
    Answer, BoundsSpec, Change, ClaimSpec, Claimed, EngineUnderTest, Failure, FilterSpec, Hold,
    LimitSpec, RateSpec, Refusal, ScheduleSpec, Stats, StoredTask, TaskSpec, UniqueSpec,
};
