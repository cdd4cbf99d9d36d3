//! Checks what a queue did against what it promises.
//!
//! A [`Client`] uses a queue as a program would and records each call before it is made and after it is answered, in a
//! [`Recorder`]; a [`History`] is the record of all clients in the order of a clock that they share. [`check`] checks
//! it against the invariants of a queue, together with [`Snapshot`]s of the file, and answers with a [`Verdict`]: the
//! counts, and for each violation the shortest part of the history that shows it.
//!
//! [`Snapshot`] is the one auditor of a file, [`SeedRunner`] the one source of seeds, and [`conformance`] the suite of
//! what every engine promises.

mod audit;
mod checker;
mod client;
pub mod conformance;
mod error;
mod exercise;
mod history;
mod pool;
mod process;
mod seed;
mod subject;

pub use audit::{Snapshot, StoredTask, Totals};
pub use checker::{Counts, Invariant, Rules, Spread, Verdict, Violation, check};
pub use client::{ClaimRequest, Client, EnqueueRequest};
pub use error::{Error, Result};
pub use exercise::{Exercise, exercise};
pub use history::{Event, History, Op, Phase, Recorder, Refusal, key_of, now_ns, payload_of};
pub use pool::{HandlerEnd, Pool, PoolSettings, Served};
pub use process::{KEYED_TYPES, Listener, Process, ProcessSpec, Role, TYPES, run_process};
pub use seed::{SeedRunner, TestName, soak};
pub use subject::Subject;
