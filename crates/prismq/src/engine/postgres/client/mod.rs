//! Connections to a PostgreSQL server, and transactions on them.
//!
//! A client has three connections that are each used by one thread at a time: a durable one, one whose commits do not
//! wait for the disk, for claims and extensions, and one for reads; and one for notifications. A connection that is lost
//! is made anew by the next call, and takes a new epoch ([`Transaction::epoch`]) before it is used. What each statement
//! means is left to the engine.

mod address;
mod backoff;
pub(crate) mod caller;
mod changes;
mod columns;
mod connection;
mod error;
mod io;
mod notifications;
mod outcome;
mod received;
mod server;
mod session;
mod tls;
mod transaction;
mod value;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use self::address::Address;
use self::backoff::RETRIES_MAX;
pub(crate) use self::caller::Executor;
use self::changes::{DEAF_INTERVAL, Notified};
pub(crate) use self::columns::Columns;
use self::connection::{Connection, Connector};
use self::error::Failure;
pub(crate) use self::error::has_code;
use self::notifications::Notifications;
pub(crate) use self::notifications::{NewWork, Serves};
use self::outcome::Outcome;
pub(crate) use self::session::{Row, Statement, tokens};
pub(crate) use self::transaction::Transaction;
pub(crate) use self::value::{OwnedValue, Value};
use crate::engine::Watch;
use crate::model::{Durability, Error, Result};

/// How often a pool asks whether anything was committed, in case no notification came.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Transactions that are as durable as the queue was opened for.
    Durable,
    /// Transactions in which nothing must be durable, such as claims, which a crash of the server may undo.
    Relaxed,
    /// Reads, each statement a transaction of its own.
    Reader,
}

/// The connections of one open queue.
pub(crate) struct Client {
    /// `None` where a pooler gives each transaction another session.
    notifications: Option<Notifications>,
    durable: Mutex<Connection>,
    relaxed: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// After the connections, as it has the thread that serves them.
    connector: Connector,
}

impl Client {
    /// Connects, and runs `migrate` in a transaction before any other work.
    ///
    /// `wait` is how long a call waits for a lock of another transaction, and for a server that cannot be reached.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server refuses this user or cannot hold a queue; [`Error::Unavailable`] if it could
    /// not be reached; an error of `migrate`.
    pub(crate) fn open(
        address: Address,
        durability: Durability,
        wait: Duration,
        migrate: impl FnMut(&mut Transaction<'_>) -> Result<()>,
    ) -> Result<Self> {
        let connector = Connector::new(address, durability, wait)?;
        let mut client = Self {
            notifications: connector.notifications(),
            durable: Mutex::new(Connection::new(Role::Durable)),
            relaxed: Mutex::new(Connection::new(Role::Relaxed)),
            reader: Mutex::new(Connection::new(Role::Reader)),
            connector,
        };
        client.transaction(Role::Durable, migrate)?;
        client.connector.has_schema = true;
        Ok(client)
    }

    /// The schema that holds the queue's tables.
    pub(crate) fn schema(&self) -> &str {
        &self.connector.address.schema
    }

    /// How long a call waits for a lock of another transaction, and for a server that cannot be reached.
    pub(crate) const fn wait(&self) -> Duration {
        self.connector.wait
    }

    /// Whether a commit must reach a synchronous standby ([`Durability::Replicated`]).
    pub(crate) fn needs_standby(&self) -> bool {
        self.connector.needs_standby(Role::Durable)
    }

    /// Notifies other processes that a commit brought this work. Returns at once.
    pub(crate) fn notify_others(&self, work: NewWork) {
        if let Some(notifications) = &self.notifications
            && !work.is_none()
        {
            notifications.send(work, self.connector.runtime());
        }
    }

    /// Notifies pools of this process too, say of tasks of schedules that a claim has added. Returns at once.
    pub(crate) fn notify_all(&self, work: NewWork) {
        self.notify_own(&work);
        self.notify_others(work);
    }

    /// Notifies pools of this process alone. Returns at once.
    pub(crate) fn notify_own(&self, work: &NewWork) {
        if let Some(notifications) = &self.notifications
            && !work.is_none()
        {
            notifications.wake_own(work);
        }
    }

    /// Has pools of this and other processes look for this work soon after the transaction with this number has been
    /// committed. Returns at once.
    pub(crate) fn notify_all_after(&self, transaction: String, work: NewWork) {
        if let Some(notifications) = &self.notifications {
            notifications.send_after(transaction, work, self.connector.runtime());
        }
    }

    /// How to learn of what other processes commit in lanes that are served.
    pub(crate) fn watch(&self, serves: Serves) -> Watch {
        let Some(notifications) = &self.notifications else {
            return Watch {
                changes: None,
                poll_interval: DEAF_INTERVAL,
                poll_interval_alone: DEAF_INTERVAL,
            };
        };
        let changes = Notified::new(notifications.listen(serves, self.connector.runtime()));
        Watch {
            changes: Some(Arc::new(changes)),
            poll_interval: POLL_INTERVAL,
            poll_interval_alone: DEAF_INTERVAL,
        }
    }

    /// Runs a transaction: it is committed if `work` succeeds and otherwise rolled back. On the connection for reads
    /// there is none, and each statement is committed by itself.
    ///
    /// `work` runs again if the transaction was certainly rolled back for a reason that may pass: a deadlock, or a lost
    /// connection.
    ///
    /// # Errors
    /// That of `work`; [`Error::CommitUnknown`] if the connection was lost during the commit and what became of it
    /// cannot be found out; [`Error::Unavailable`] if the server could not be reached.
    pub(crate) fn transaction<T>(
        &self,
        role: Role,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let until = Instant::now() + self.connector.wait;
        let mut connection = self.connection(role);
        let mut retries = 0;
        loop {
            let session = connection.session(&self.connector, until)?;
            let mut transaction = Transaction::new(session, &self.connector, role);
            let worked = work(&mut transaction);
            let Err(failure) = transaction.end(worked.is_ok()) else {
                return worked;
            };
            match failure {
                Failure::Refused(error) => return Err(error),
                Failure::Conflict(error) if retries == RETRIES_MAX || Instant::now() > until => {
                    return Err(error);
                }
                Failure::Conflict(_) => {
                    retries += 1;
                    backoff::pause(retries, until);
                }
                Failure::Lost { reason, commit: None } => {
                    connection.lost(&reason);
                    if Instant::now() > until {
                        return Err(self.connector.unavailable(&reason));
                    }
                }
                Failure::Lost { reason, commit: Some(commit) } => {
                    connection.lost(&reason);
                    match connection.resolve(&self.connector, &commit, until) {
                        Outcome::RolledBack if Instant::now() > until => {
                            return Err(self.connector.unavailable(&reason));
                        }
                        Outcome::RolledBack => {}
                        Outcome::Committed => {
                            return worked.map_err(|_| Error::CommitUnknown {
                                reason: format!(
                                    "it was committed, but its answers were lost: {reason}"
                                ),
                            });
                        }
                        Outcome::Unknown(why) => {
                            let reason = format!("{reason}; {why}");
                            return Err(Error::CommitUnknown { reason });
                        }
                    }
                }
            }
        }
    }

    fn connection(&self, role: Role) -> MutexGuard<'_, Connection> {
        let connection = match role {
            Role::Durable => &self.durable,
            Role::Relaxed => &self.relaxed,
            Role::Reader => &self.reader,
        };
        connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(notifications) = &self.notifications {
            notifications.close();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.connector.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
