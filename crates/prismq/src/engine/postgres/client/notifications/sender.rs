//! The statements of the connection for notifications: one that notifies, and one that asks what became of transactions.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Statement};

use super::owed::Question;
use crate::engine::postgres::client::error::{is_of_statement, message};
use crate::engine::postgres::client::session::Driver;

/// Which of these transactions have ended, and whether they have been committed. One in the future, which a failover has
/// lost, would be an error.
const ENDED: &str = "SELECT k.number, s.status = 'committed' \
    FROM unnest($1::pg_catalog.text[]) k (number), \
    LATERAL (SELECT CASE WHEN k.number::pg_catalog.xid8 < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) \
        THEN pg_catalog.pg_xact_status(k.number::pg_catalog.xid8) ELSE 'in progress' END) s (status) \
    WHERE s.status IS DISTINCT FROM 'in progress'";
/// What the name of a session begins with that listens, by which others know of it.
const LISTENER: &str = "prismq listener ";
/// The longest name of a session.
const NAME_BYTES_MAX: usize = 63;

/// Notifies the sessions that listen, other than this one, if there are any. The channel is named as the schema is.
const NOTIFY: &str = "SELECT pg_catalog.pg_notify($1, $3) WHERE EXISTS (\
    SELECT FROM pg_catalog.pg_stat_activity WHERE application_name = $2 AND pid <> pg_catalog.pg_backend_pid())";

/// The name of sessions that hear of this schema, as long as the server keeps.
pub(super) fn listener_name(schema: &str) -> String {
    let mut name = format!("{LISTENER}{schema}");
    name.truncate(NAME_BYTES_MAX);
    name
}

/// Which of these transactions have ended, and whether they have been committed.
pub(super) async fn ask(client: &Client, question: &Question) -> Driver<Vec<(String, bool)>> {
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&question.numbers, Type::TEXT_ARRAY)];
    let rows = client.query_typed(ENDED, &params).await?;
    let ended = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get::<_, Option<bool>>(1)?.unwrap_or(false))));
    ended.collect()
}

/// Sends notifications on one connection.
pub(super) struct Sender<'a> {
    client: &'a Client,
    channel: &'a str,
    listeners: String,
    /// Prepared once it is sent again: a program that ends after the first is not kept waiting.
    notify: Option<Statement>,
    sent: bool,
    failing: bool,
}

impl<'a> Sender<'a> {
    pub(super) fn new(client: &'a Client, channel: &'a str) -> Self {
        let listeners = listener_name(channel);
        Self { client, channel, listeners, notify: None, sent: false, failing: false }
    }

    /// Sends one with this payload, and says whether anyone listens. What the server refuses is logged and not sent again:
    /// others look by themselves.
    ///
    /// # Errors
    /// The connection is lost.
    pub(super) async fn send(&mut self, payload: &str) -> Driver<bool> {
        let sent = self.try_send(payload).await;
        let Some(refusal) = sent.as_ref().err().filter(|error| is_of_statement(error)) else {
            self.failing = false;
            return sent;
        };
        // What was prepared may be gone.
        (self.notify, self.sent) = (None, false);
        if !std::mem::replace(&mut self.failing, true) {
            let reason = message(refusal);
            tracing::warn!(
                reason,
                "the server refuses to notify other processes of new tasks, which look for them every second: grant this \
                 role EXECUTE on pg_notify, or see whether the server's notification queue is full"
            );
        }
        Ok(false)
    }

    async fn try_send(&mut self, payload: &str) -> Driver<bool> {
        if std::mem::replace(&mut self.sent, true) && self.notify.is_none() {
            let types = &[Type::TEXT, Type::TEXT, Type::TEXT];
            self.notify = Some(self.client.prepare_typed(NOTIFY, types).await?);
        }
        let rows = match &self.notify {
            Some(notify) => {
                self.client.query(notify, &[&self.channel, &self.listeners, &payload]).await?
            }
            None => {
                let params: [(&(dyn ToSql + Sync), Type); 3] = [
                    (&self.channel, Type::TEXT),
                    (&self.listeners, Type::TEXT),
                    (&payload, Type::TEXT),
                ];
                self.client.query_typed(NOTIFY, &params).await?
            }
        };
        Ok(!rows.is_empty())
    }
}
