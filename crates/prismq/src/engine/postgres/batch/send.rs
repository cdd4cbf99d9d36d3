//! Sending statements. One whose rows nothing waits for is put off: it goes with the next that is waited for, or with the
//! commit, and costs no round trip of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Row;

use super::queues;
use super::run::Run;
use crate::engine::postgres::client::{OwnedValue, Statement, Value};
use crate::model::Result;

/// Which of the statements that were put off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(usize);

/// The statements that were put off, in their order.
#[derive(Default)]
pub(super) struct PutOff {
    unsent: Vec<(Arc<str>, Vec<OwnedValue>)>,
    /// The rows of those that were sent.
    answers: Vec<Vec<Row>>,
}

impl Run<'_, '_> {
    /// Runs a statement.
    pub(crate) fn query(&mut self, sql: &'static str, params: &[&dyn Value]) -> Result<Vec<Row>> {
        let answer = self.query_all(&[(sql, params)])?.pop();
        answer.ok_or_else(crate::model::Error::unanswered)
    }

    /// Runs statements in one round trip, and returns the rows of each. Each sees what was committed before it began.
    pub(crate) fn query_all(
        &mut self,
        statements: &[(&'static str, &[&dyn Value])],
    ) -> Result<Vec<Vec<Row>>> {
        let texts: Vec<Arc<str>> =
            statements.iter().map(|(sql, _)| self.shared.statements.text(sql)).collect();
        let statements: Vec<Statement<'_>> =
            texts.iter().zip(statements).map(|(text, (_, params))| (&**text, *params)).collect();
        self.send(&statements, false)
    }

    /// Runs a statement and commits, in one round trip: nothing may follow.
    pub(crate) fn query_and_commit(
        &mut self,
        sql: &'static str,
        params: &[&dyn Value],
    ) -> Result<Vec<Row>> {
        let text = self.shared.statements.text(sql);
        let answer = self.send(&[(&text, params)], true)?.pop();
        self.is_committed = true;
        answer.ok_or_else(crate::model::Error::unanswered)
    }

    /// Runs a statement that returns one row.
    pub(crate) fn row(&mut self, sql: &'static str, params: &[&dyn Value]) -> Result<Row> {
        let row = self.query(sql, params)?.pop();
        row.ok_or_else(|| queues::missing("the row of a statement that always returns one"))
    }

    /// Runs a statement that returns no row.
    pub(crate) fn execute(&mut self, sql: &'static str, params: &[&dyn Value]) -> Result<()> {
        self.query(sql, params).map(drop)
    }

    /// Runs a statement before all that follow, whose failure shows with one of them.
    pub(crate) fn put_off(&mut self, sql: &'static str, params: &[&dyn Value]) -> Ticket {
        let put_off = &mut self.put_off;
        let ticket = Ticket(put_off.answers.len() + put_off.unsent.len());
        let values = params.iter().map(|value| value.boxed()).collect();
        put_off.unsent.push((self.shared.statements.text(sql), values));
        ticket
    }

    /// Sends what was put off.
    pub(crate) fn send_put_off(&mut self) -> Result<()> {
        if self.put_off.unsent.is_empty() {
            return Ok(());
        }
        self.send(&[], false).map(drop)
    }

    /// Takes the rows of a statement that was put off, once it was sent.
    pub(crate) fn take_answer(&mut self, ticket: Ticket) -> Vec<Row> {
        self.put_off.answers.get_mut(ticket.0).map(std::mem::take).unwrap_or_default()
    }

    /// How long the server took for so many of the statements that were waited for last, which came before so many others
    /// at their end; `None` if that is not known.
    pub(crate) fn took(&self, statements: usize, before: usize) -> Option<Duration> {
        self.transaction.took(statements, before)
    }

    /// Sends what was put off and then these statements, in one round trip, and commits if asked to. The rows of these.
    pub(super) fn send(
        &mut self,
        statements: &[Statement<'_>],
        commit: bool,
    ) -> Result<Vec<Vec<Row>>> {
        let unsent = std::mem::take(&mut self.put_off.unsent);
        let values: Vec<Vec<&dyn Value>> = unsent
            .iter()
            .map(|(_, values)| values.iter().map(|value| -> &dyn Value { &**value }).collect())
            .collect();
        let first = unsent.iter().zip(&values).map(|((sql, _), values)| (&**sql, &**values));
        let all: Vec<Statement<'_>> = first.chain(statements.iter().copied()).collect();
        let mut answers = match commit {
            true => self.transaction.finish(&all)?,
            false => self.transaction.pipeline(&all)?,
        };
        let own = answers.split_off(unsent.len().min(answers.len()));
        self.put_off.answers.append(&mut answers);
        Ok(own)
    }
}
