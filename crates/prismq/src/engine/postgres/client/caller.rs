//! A transaction of the application's own, on a connection of the application's own.
//!
//! The engine's statements are made by a thread that waits for each answer, while the application's future runs them
//! on its transaction: that may be all that drives the connection, and its thread must not be blocked. A call is a
//! savepoint of the transaction, so that one that fails, or whose future is dropped, leaves nothing behind.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::Transaction;

use super::error::{self, Failure};
use super::session::{Row, Statement};
use super::value::{OwnedValue, Value};
use crate::model::{Error, Result};

/// The savepoint of a call.
const SAVEPOINT: &str = "prismq_call";

/// What runs the statements of a transaction.
pub(crate) trait Executor {
    /// Whether the transaction is the application's: it may have begun long ago and be committed much later.
    fn is_of_caller(&self) -> bool {
        false
    }

    /// A number of its session that is higher than those of all earlier ones.
    fn epoch(&self) -> i64;

    /// The lowest token that it gives.
    fn lowest_token(&self) -> i64;

    /// Fails if a pooler has moved the session to a server that was started at another time, or if the database's epoch is
    /// lower than that of the session: it was restored to an earlier state. Also if the transaction runs in a session that is
    /// not the one of this client, by its name.
    fn check_server(&mut self, _started: i64, _epoch: i64, _session: Option<&str>) -> Result<()> {
        Ok(())
    }

    /// The first statement will return the number of the transaction, as text, so that it is not asked for by another.
    fn numbered_by_first(&mut self) {}

    /// Runs a statement and returns its rows.
    fn query(&mut self, sql: &str, values: &[&dyn Value]) -> Result<Vec<Row>> {
        let mut answers = self.pipeline(&[(sql, values)])?;
        answers.pop().ok_or_else(Error::unanswered)
    }

    /// Runs statements, in one round trip where that can be, and returns the rows of each.
    fn pipeline(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>>;

    /// How long the server took for so many statements of its last round trip, which came before so many others at its
    /// end; `None` if that is not known.
    fn took(&self, _statements: usize, _before: usize) -> Option<Duration> {
        None
    }

    /// Runs the last statements of a batch, and commits a transaction of the engine's own.
    fn finish(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>>;
}

/// A statement on its way to the future that runs it.
struct Request {
    sql: Box<str>,
    values: Vec<OwnedValue>,
    answer: Sender<Result<Vec<Row>>>,
}

/// The application's transaction, as the thread of a call has it.
pub(crate) struct CallersTransaction {
    requests: UnboundedSender<Request>,
}

impl Executor for CallersTransaction {
    fn is_of_caller(&self) -> bool {
        true
    }

    /// It claims nothing, and so gives no token.
    fn epoch(&self) -> i64 {
        0
    }

    fn lowest_token(&self) -> i64 {
        0
    }

    fn pipeline(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>> {
        let run = |(sql, values): &Statement<'_>| {
            let (answer, answered) = channel();
            let values = values.iter().map(|value| value.boxed()).collect();
            let request = Request { sql: (*sql).into(), values, answer };
            // Neither arrives once the future was dropped, and nobody learns of this error then.
            self.requests.send(request).map_err(|_| Error::unanswered())?;
            answered.recv().map_err(|_| Error::unanswered())?
        };
        statements.iter().map(run).collect()
    }

    fn finish(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>> {
        self.pipeline(statements)
    }
}

/// Runs `call` on a thread of its own, and its statements in a savepoint of this transaction, which is kept only if the
/// call succeeds.
///
/// # Errors
/// That of the call, or why the savepoint could not be made or released. [`Error::Thread`] if no thread could be
/// started.
pub(crate) async fn run<T: Send + 'static>(
    transaction: &mut Transaction<'_>,
    call: impl FnOnce(&mut CallersTransaction) -> Result<T> + Send + 'static,
) -> Result<T> {
    let began = Instant::now();
    let savepoint =
        transaction.savepoint(SAVEPOINT).await.map_err(|error| failed(&error, began))?;
    let (requests, served) = unbounded_channel();
    let (done, outcome) = tokio::sync::oneshot::channel();
    let on_thread = move || {
        let called = call(&mut CallersTransaction { requests });
        // Nobody waits for it any more where the future was dropped.
        _ = done.send(called);
    };
    thread::Builder::new()
        .name("prismq-transaction".to_owned())
        .spawn(on_thread)
        .map_err(|error| Error::Thread { source: error.into() })?;
    serve(&savepoint, served).await;
    match outcome.await.unwrap_or_else(|_| Err(Error::unanswered())) {
        Ok(called) => {
            savepoint.commit().await.map_err(|error| failed(&error, began))?;
            Ok(called)
        }
        Err(error) => {
            // What the application does next with a transaction that could not go back fails, and says why.
            _ = savepoint.rollback().await;
            Err(error)
        }
    }
}

/// Commits the transaction.
///
/// # Errors
/// [`Error::CommitUnknown`] if the connection was lost meanwhile; else why it was rolled back.
pub(crate) async fn commit(transaction: Transaction<'_>) -> Result<()> {
    let began = Instant::now();
    transaction.commit().await.map_err(|error| match failed(&error, began) {
        Error::Unavailable { reason, .. } => Error::CommitUnknown { reason },
        error => error,
    })
}

/// Runs the statements of a call until it ends.
async fn serve(transaction: &Transaction<'_>, mut requests: UnboundedReceiver<Request>) {
    while let Some(Request { sql, values, answer }) = requests.recv().await {
        let began = Instant::now();
        let rows = {
            let values: Vec<_> =
                values.iter().map(|value| (value.as_sql(), value.sql_type())).collect();
            transaction.query_typed(&sql, &values).await
        };
        // The thread waits for it.
        _ = answer.send(rows.map_err(|error| failed(&error, began)));
    }
}

/// The error of a statement that was sent then.
fn failed(error: &tokio_postgres::Error, sent: Instant) -> Error {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        // No such table, no such schema.
        Some("42P01" | "3F000") => Error::invalid(
            "transaction",
            "is of a database without the tables of this queue: begin it on a connection to the queue's database",
        ),
        _ => match error::of_statement(error, sent.elapsed()) {
            Failure::Refused(error) | Failure::Conflict(error) => error,
            Failure::Lost { reason, .. } => {
                Error::Unavailable { server: "of the transaction".to_owned(), reason }
            }
        },
    }
}
