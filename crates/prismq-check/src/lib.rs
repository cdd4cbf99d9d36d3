//! Histories of what every actor asked of a queue and was answered, and the checker of what they
//! promise.
//!
//! An [`Actor`] does what a program does with a queue and tells a [`Recorder`] of each call before it is
//! made and after it is answered; a [`History`] is what was recorded, by all actors, in the order of a clock
//! they share. [`check`] holds it against the invariants of a queue, together with [`Snapshot`]s of the
//! file, and answers with a [`Verdict`]: what was counted, and the shortest piece of history that shows
//! each broken promise.

mod actor;
mod checker;
mod error;
mod event;
mod exercise;
mod history;
mod payload;
mod pool;
mod process;
mod recorder;
mod replay;
mod snapshot;
mod subject;
mod verdict;

pub use actor::{Actor, Job, Take};
pub use checker::{Rules, check};
pub use error::{Error, Result};
pub use event::{Event, Op, Phase};
pub use exercise::{Exercise, exercise};
pub use history::History;
pub use payload::{key_of, payload_of};
pub use pool::{End, Pool, Serve};
pub use process::{Listener, Order, Process, Role, obey};
pub use recorder::{Recorder, now_ns};
pub use replay::{Replay, soak};
pub use snapshot::{Snapshot, Standing, Totals};
pub use subject::Subject;
pub use verdict::{Counts, Invariant, Spread, Verdict, Violation};
