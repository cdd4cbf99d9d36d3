//! What became of a commit whose answer did not arrive.
//!
//! The server knows by the transaction's number (`pg_xact_status`), but only as long as it has not crashed: after a
//! crash it may give the number of a transaction that is lost to the next one. The answer counts therefore only if the
//! server has run on since the transaction began, which [`super::server::Identity`] shows.

use std::thread;
use std::time::{Duration, Instant};

use super::server::Identity;
use super::session::Session;

/// How often a transaction that is still in progress is asked for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A commit whose answer did not arrive.
#[derive(Debug)]
pub(super) struct Commit {
    /// The transaction's number; `None` if not even that arrived, or it was not asked for.
    pub(super) number: Option<u64>,
    /// The server that it was sent to.
    pub(super) server: Identity,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    RolledBack,
    /// It cannot be found out; why.
    Unknown(String),
}

/// Asks the server, on a session that was opened after the commit was sent.
pub(super) fn ask(session: &mut Session, commit: &Commit, until: Instant) -> Outcome {
    let Some(number) = commit.number else {
        return Outcome::Unknown("the transaction's number did not arrive either".to_owned());
    };
    if session.server != commit.server {
        return Outcome::Unknown("the server has restarted or is another one".to_owned());
    }
    let sql = format!("SELECT pg_catalog.pg_xact_status('{number}'::pg_catalog.xid8)");
    loop {
        match session.simple_value(&sql, until) {
            Ok(Some(status)) if status == "committed" => return Outcome::Committed,
            Ok(Some(status)) if status == "aborted" => return Outcome::RolledBack,
            Ok(Some(_)) if Instant::now() < until => thread::sleep(POLL_INTERVAL),
            Ok(Some(status)) => return Outcome::Unknown(format!("the transaction is {status}")),
            Ok(None) => return Outcome::Unknown("the server has forgotten it".to_owned()),
            Err(reason) => return Outcome::Unknown(reason),
        }
    }
}
