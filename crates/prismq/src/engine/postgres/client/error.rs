//! What an error of the driver means: whether the connection is gone, whether to repeat, and the queue's error for it.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::{DbError, Severity, SqlState};

use super::outcome::Commit;
use crate::model::Error;

/// What to do where transactions of one connection run in several sessions.
pub(super) const UNNAMED_POOLER: &str =
    "a pooler gives each transaction another session; add pooler=transaction to the URL";

/// What to do where a session was another client's before.
const UNCLEAN_POOLER: &str = "a pooler gives clients the sessions of others as they are; add pooler=transaction to the URL, \
     or have the pooler reset sessions by DISCARD ALL";

/// Why a transaction failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection is of no further use; nothing was committed unless the commit was under way.
    Lost {
        reason: String,
        /// The commit whose answer did not arrive.
        commit: Option<Commit>,
    },
    /// Another transaction was in the way: nothing was kept, and the same may succeed now.
    Conflict(Error),
    /// An error to return as it is.
    Refused(Error),
}

impl Failure {
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self::Lost { reason: reason.into(), commit: None }
    }

    /// What happened.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Lost { reason, .. } => reason,
            Self::Conflict(error) | Self::Refused(error) => error.to_string(),
        }
    }
}

/// What the server answered: its code and message alone. The details that it gives with them may quote rows, and so
/// payloads.
#[derive(Debug)]
struct ServerError {
    code: String,
    message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)
    }
}

impl std::error::Error for ServerError {}

/// What the driver itself reported.
#[derive(Debug)]
struct DriverError(String);

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DriverError {}

/// The message of an error, with what caused it but without details of the server.
pub(super) fn message(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", server.message(), server.code().code());
    }
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// What the failure of a statement means. `wait` is how long it waited for locks at most.
pub(super) fn of_statement(error: &tokio_postgres::Error, wait: Duration) -> Failure {
    let Some(server) = error.as_db_error() else {
        return match error.is_closed() || is_io(error) {
            true => Failure::lost(message(error)),
            false => {
                Failure::Refused(Error::Database { source: Arc::new(DriverError(message(error))) })
            }
        };
    };
    let code = server.code();
    match code.code() {
        // The server ends the session, or is one that does not write any more.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25006" => Failure::lost(message(error)),
        code if code.starts_with("08") => Failure::lost(message(error)),
        "40001" | "40P01" => Failure::Conflict(database(server)),
        "55P03" => Failure::Refused(Error::Busy { waited: wait }),
        "53100" => Failure::Refused(Error::Full { reason: message(error) }),
        // A prepared statement is not there.
        "26000" => of_pooler(error, UNNAMED_POOLER),
        // There is one of another client.
        "42P05" => of_pooler(error, UNCLEAN_POOLER),
        _ => Failure::Refused(database(server)),
    }
}

fn of_pooler(error: &tokio_postgres::Error, advice: &str) -> Failure {
    let source = Arc::new(DriverError(format!("{}: {advice}", message(error))));
    Failure::Refused(Error::Database { source })
}

/// Whether the server answered with this code.
pub(crate) fn has_code(error: &Error, code: &str) -> bool {
    let Error::Database { source } = error else { return false };
    source.downcast_ref::<ServerError>().is_some_and(|error| error.code == code)
}

/// Whether this error of a statement proves that its transaction was not committed. Errors that a pooler makes when it has
/// lost the server prove nothing: they name no routine of the server's source, as all of the server's do.
pub(super) fn proves_rollback(error: &tokio_postgres::Error, pooler: bool) -> bool {
    error.as_db_error().is_some_and(|server| {
        let is_of_connection = server.code().code().starts_with("08");
        let ends_session = server.parsed_severity() != Some(Severity::Error);
        server.routine().is_some() && !(is_of_connection || pooler && ends_session)
    })
}

/// Whether a statement was not run, as an earlier one of its transaction had failed.
pub(super) fn is_in_failed_transaction(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
}

/// Whether the server refused a statement, and goes on to serve the session.
pub(super) fn is_of_statement(error: &tokio_postgres::Error) -> bool {
    // One that ends the session may come from a pooler.
    proves_rollback(error, true)
        && !matches!(of_statement(error, Duration::ZERO), Failure::Lost { .. })
}

/// Whether an attempt to connect failed for a reason that does not pass by itself: this user, this database or this
/// server.
pub(super) fn is_refusal(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            *code == SqlState::INSUFFICIENT_PRIVILEGE
                || ["28", "3D", "3F", "42", "22", "0A"]
                    .iter()
                    .any(|class| code.code().starts_with(class))
        }
        None => !error.is_closed() && !is_io(error),
    }
}

/// Whether the driver failed to read, write or open a socket.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let io = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    // An invalid certificate is reported as an I/O error with the reason of the TLS library in it.
    io.is_some_and(|io| io.kind() != std::io::ErrorKind::InvalidData)
}

fn database(server: &DbError) -> Error {
    let (code, message) = (server.code().code().to_owned(), server.message().to_owned());
    Error::Database { source: Arc::new(ServerError { code, message }) }
}
