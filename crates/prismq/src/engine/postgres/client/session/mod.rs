//! One session on the server: its prepared statements, and statements sent together.

mod plans;
mod round_trip;
pub(crate) mod tokens;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::task::AbortHandle;
pub(crate) use tokio_postgres::Row;
use tokio_postgres::SimpleQueryMessage;

pub(super) use self::plans::Plans;
pub(super) use self::round_trip::RoundTrip;
use super::error::message;
use super::io;
use super::server::Identity;
use super::value::Value;

/// SQL with its values.
pub(crate) type Statement<'a> = (&'a str, &'a [&'a dyn Value]);
/// The driver's result.
pub(super) type Driver<T> = Result<T, tokio_postgres::Error>;
/// An answer that is under way.
pub(super) type Pending<'a, T> = Pin<Box<dyn Future<Output = Driver<T>> + 'a>>;

/// What a statement returned.
pub(super) enum Answer {
    Rows(Vec<Row>),
    /// Of statements without values.
    Texts(Vec<SimpleQueryMessage>),
}

/// A session.
pub(super) struct Session {
    pub(super) client: tokio_postgres::Client,
    /// Serves its socket.
    pub(super) task: AbortHandle,
    pub(super) server: Identity,
    /// Raised with each session of the database; 0 if none was taken.
    pub(super) epoch: i64,
    /// The lowest token that it gives, if it has an epoch.
    pub(super) lowest_token: i64,
    /// By text; `None` where a pooler may give each transaction another session.
    pub(super) prepared: Option<HashMap<Box<str>, tokio_postgres::Statement>>,
    pub(super) plans: Plans,
    pub(super) round_trip: RoundTrip,
    /// When the server last answered.
    pub(super) heard: Instant,
}

impl Session {
    /// It has taken this epoch.
    pub(super) fn set_epoch(&mut self, epoch: i64) {
        self.epoch = epoch;
        self.lowest_token = tokens::draw_lowest(epoch);
    }

    /// The first value of the first row of a statement without parameters.
    pub(super) fn simple_value(&self, sql: &str, until: Instant) -> Result<Option<String>, String> {
        match io::wait(self.client.simple_query(sql), until) {
            None => Err("the server did not answer in time".to_owned()),
            Some(Err(error)) => Err(message(&error)),
            Some(Ok(answer)) => Ok(values(&answer).next().map(str::to_owned)),
        }
    }

    /// Prepares those of the statements that are not prepared yet, in one round trip; `None` if that took too long.
    pub(super) fn prepare(
        &mut self,
        statements: &[Statement<'_>],
        until: Instant,
    ) -> Option<Driver<()>> {
        let Some(prepared) = &mut self.prepared else {
            return Some(Ok(()));
        };
        let mut missing: Vec<_> =
            statements.iter().filter(|(sql, _)| !prepared.contains_key(*sql)).collect();
        if missing.is_empty() {
            return Some(Ok(()));
        }
        missing.sort_unstable_by_key(|(sql, _)| *sql);
        missing.dedup_by_key(|(sql, _)| *sql);
        let pending = missing.iter().map(|statement| prepare(&self.client, **statement)).collect();
        let answers = io::wait(Together::new(pending), until)?;
        for ((sql, _), answer) in missing.into_iter().zip(answers) {
            match answer {
                Ok(statement) => _ = prepared.insert((*sql).into(), statement),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(()))
    }

    /// Sends a statement when the future is first polled, and returns its rows.
    pub(super) fn query<'a>(&'a self, (sql, values): Statement<'a>) -> Pending<'a, Answer> {
        let prepared = self.prepared.as_ref().and_then(|prepared| prepared.get(sql));
        Box::pin(async move {
            let rows = match prepared {
                Some(statement) => {
                    let values: Vec<_> = values.iter().map(|value| value.as_sql()).collect();
                    self.client.query(statement, &values).await
                }
                None => {
                    let values: Vec<_> =
                        values.iter().map(|value| (value.as_sql(), value.sql_type())).collect();
                    self.client.query_typed(sql, &values).await
                }
            };
            rows.map(Answer::Rows)
        })
    }

    /// Sends statements without values when the future is first polled.
    pub(super) fn simple<'a>(&'a self, sql: &'a str) -> Pending<'a, Answer> {
        Box::pin(async move { self.client.simple_query(sql).await.map(Answer::Texts) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closes the socket also where the server has stopped answering.
        self.task.abort();
    }
}

/// Prepares a statement when the future is first polled.
fn prepare<'a>(
    client: &'a tokio_postgres::Client,
    (sql, values): Statement<'a>,
) -> Pending<'a, tokio_postgres::Statement> {
    Box::pin(async move {
        let types: Vec<_> = values.iter().map(|value| value.sql_type()).collect();
        client.prepare_typed(sql, &types).await
    })
}

/// The first value of each row.
pub(super) fn values(answer: &[SimpleQueryMessage]) -> impl Iterator<Item = &str> {
    answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}

/// Statements that are sent in order without waiting for each other's answers.
///
/// A statement that could not even be sent, say for a value of another type, stops those after it, so that no commit
/// follows where a statement is missing.
pub(super) struct Together<'a, T> {
    pending: Vec<Pending<'a, T>>,
    answers: Vec<Option<Driver<T>>>,
    sent: bool,
}

impl<'a, T> Together<'a, T> {
    pub(super) fn new(pending: Vec<Pending<'a, T>>) -> Self {
        Self { answers: pending.iter().map(|_| None).collect(), pending, sent: false }
    }
}

impl<T: Unpin> Future for Together<'_, T> {
    /// The answers, in order, up to the first that was not sent.
    type Output = Vec<Driver<T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { pending, answers, sent } = self.get_mut();
        let mut unanswered = false;
        let mut unsent = None;
        for (at, (pending, answer)) in pending.iter_mut().zip(answers.iter_mut()).enumerate() {
            if answer.is_some() {
                continue;
            }
            match pending.as_mut().poll(context) {
                Poll::Ready(ready) => {
                    // It was not sent, or was refused before what follows it is sent.
                    let failed = !*sent && ready.is_err();
                    *answer = Some(ready);
                    if failed {
                        unsent = Some(at + 1);
                        break;
                    }
                }
                Poll::Pending => unanswered = true,
            }
        }
        if let Some(end) = unsent {
            pending.truncate(end);
            answers.truncate(end);
        }
        *sent = true;
        match unanswered {
            true => Poll::Pending,
            false => Poll::Ready(answers.iter_mut().map_while(Option::take).collect()),
        }
    }
}
