//! Histories of what every actor asked of a queue and was answered, and the checker of what they
//! promise.
//!
//! An [`Actor`] does what a program does with a queue and tells a [`Recorder`] of each call before it is
//! made and after it is answered; a [`History`] is what was recorded, by all actors, in the order of a clock
//! they share. [`check`] holds it against the invariants of a queue, together with [`Snapshot`]s of the
//! file, and answers with a [`Verdict`]: what was counted, and the shortest piece of history that shows
//! each broken promise.

mod audit;
mod checker;
mod client;
mod error;
mod exercise;
mod history;
mod pool;
mod process;
mod seed;
mod subject;

pub use audit::{Snapshot, Standing, Totals};
pub use checker::{Counts, Invariant, Rules, Spread, Verdict, Violation, check};
pub use client::{Actor, Job, Take};
pub use error::{Error, Result};
pub use exercise::{Exercise, exercise};
pub use history::{Event, History, Op, Phase, Recorder, key_of, now_ns, payload_of};
pub use pool::{End, Pool, Serve};
pub use process::{Listener, Order, Process, Role, obey};
pub use seed::{Replay, soak};
pub use subject::Subject;
