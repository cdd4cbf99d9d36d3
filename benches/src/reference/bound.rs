//! The upper bound of a subject: what its database does at most, in the best known loop on the same tables. Of a subject in
//! a file that is [`raw`]; of one on a server, statements of a thousand tasks.

use std::time::Duration;

use super::raw;
#[cfg(feature = "postgres")]
use super::server::statements;
use crate::base::bench_dir::BenchDir;
use crate::base::error::Result;
use crate::subject::SubjectKind;

/// What the bound is called in records.
#[must_use]
pub const fn name(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Postgres => "statements",
        SubjectKind::Prismq | SubjectKind::Pooled | SubjectKind::Mutex => "sqlite",
    }
}

macro_rules! bounds {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// The database's.
        pub fn $name(
            kind: SubjectKind,
            bench_dir: &BenchDir,
            tasks: usize,
            payload_bytes: usize,
        ) -> Result<Duration> {
            match kind {
                #[cfg(feature = "postgres")]
                SubjectKind::Postgres => statements::$name(bench_dir, tasks, payload_bytes),
                _ => raw::$name(bench_dir, tasks, payload_bytes),
            }
        }
    )+};
}

bounds! {
    /// The time it takes to enqueue this many tasks.
    enqueue;
    /// The time it takes to claim and complete this many tasks of a backlog.
    claim_and_complete;
    /// The time this many tasks take through their whole life.
    life;
}
