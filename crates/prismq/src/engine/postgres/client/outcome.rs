//! What became of a commit whose answer did not arrive.
//!
//! The server knows by the transaction's number (`pg_xact_status`), but only as long as it has not crashed: after a
//! crash it may give the number of a transaction that is lost to the next one. The answer counts therefore only if the
//! server has run on since the transaction began, which [`super::server::Identity`] shows.

use std::thread;
use std::time::{Duration, Instant};

use super::error::message;
use super::io;
use super::server::Identity;
use super::session::{Answer, Session};
use super::value::Value;

/// What became of a transaction.
const STATUS: &str = "SELECT pg_catalog.pg_xact_status($1::pg_catalog.text::pg_catalog.xid8)";

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
    if !session.server.is_same_run(&commit.server) {
        return Outcome::Unknown("the server has restarted or is another one".to_owned());
    }
    let number = number.to_string();
    loop {
        match status(session, &number, until) {
            Ok(Some(status)) if status == "committed" => return Outcome::Committed,
            Ok(Some(status)) if status == "aborted" => return Outcome::RolledBack,
            Ok(Some(_)) if Instant::now() < until => thread::sleep(POLL_INTERVAL),
            Ok(Some(status)) => return Outcome::Unknown(format!("the transaction is {status}")),
            Ok(None) => return Outcome::Unknown("the server has forgotten it".to_owned()),
            Err(reason) => return Outcome::Unknown(reason),
        }
    }
}

fn status(session: &Session, number: &String, until: Instant) -> Result<Option<String>, String> {
    let values: [&dyn Value; 1] = [number];
    match io::wait(session.query((STATUS, &values)), until) {
        None => Err("the server did not answer in time".to_owned()),
        Some(Err(error)) => Err(message(&error)),
        Some(Ok(Answer::Texts(_))) => Ok(None),
        Some(Ok(Answer::Rows(rows))) => {
            let status = rows.first().map(|row| row.try_get(0).map_err(|error| message(&error)));
            status.transpose().map(Option::flatten)
        }
    }
}
