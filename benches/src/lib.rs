//! The benchmark harness of prismq, as a library: the suites next to it only say what to measure.
//!
//! Rooms, from the lowest floor to the highest; each uses those before it (`tests/harness/floors.rs` checks it):
//!
//! - [`base`]: the error, the clock, directories, the scale of a run.
//! - [`subject`]: what a queue under test must offer, the queues in this process, and the load generator.
//! - [`observe`]: what is recorded of a load (a ledger of attempts, task times, samples) and whether it is valid.
//! - [`reference`](mod@reference): upper bounds measured next to a subject: the disk, raw SQLite, a thread switch.
//! - [`load`]: arrivals, tasks, pools, and the plans of users' workloads.
//! - [`process`]: this program started again as a second process.
//! - [`scenario`]: one experiment a file: a load on a subject, and what it reads.
//! - [`conformance`]: whether a driver keeps the protocol, and which durability it has.
//! - [`environment`]: facts about machine and build for the record.
//! - [`run`]: a suite from its settings over its rounds to the written record.
//!
//! A suite adds its scenarios to a [`run::suite::Suite`]. The record is `prismq-record`'s, targets are
//! `prismq-judge`'s, and what is shown of a written record is left to `prismq-report`.

pub mod base;
#[cfg(target_os = "linux")]
pub mod conformance;
pub mod environment;
pub mod load;
pub mod observe;
pub mod process;
pub mod reference;
pub mod run;
pub mod scenario;
pub mod subject;
