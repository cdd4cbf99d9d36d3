//! A connection that is made anew when it was lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::error::{is_refusal, message};
use super::io::{self, IoThread};
use super::notifications::Notifications;
use super::outcome::{self, Commit, Outcome};
use super::server::{self, STANDBYS, Unfit};
use super::session::{Plans, RoundTrip, Session, values};
use super::{Role, backoff, tls};
use crate::model::{Durability, Error, Result};

/// How long an attempt to connect may take.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// What each transaction of the queue runs with. Without a plan for each set of values and without the paths that only
/// pay for whole tables or for many rows, a statement's cost does not depend on what the planner believes of a table that
/// changes all the time. With a bitmap scan, it would read and sort all rows of a range to find the first. How statements
/// avoid reading whole indexes is described in [`crate::engine::postgres::ops`].
const SETTINGS: [(&str, &str); 11] = [
    ("client_min_messages", "warning"),
    ("default_transaction_deferrable", "off"),
    ("default_transaction_isolation", "'read committed'"),
    ("default_transaction_read_only", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("search_path", "''"),
];

/// The setting that holds the name of a session of the queue, [`session_name`]. A transaction that finds another name in it
/// runs in the session of another connection, which a pooler has given it, with the settings of that. Statements that
/// compare it repeat it and the names; in statements, `prismq.` stands for the schema, and so it must not be part of it.
const SESSION: &str = "prismq_session.name";

/// How the session of a role that has taken this epoch is named.
pub(super) fn session_name(role: Role, epoch: i64) -> String {
    format!("{}{epoch}", session_prefix(role))
}

const fn session_prefix(role: Role) -> &'static str {
    match role {
        Role::Durable => "durable ",
        Role::Relaxed => "relaxed ",
        Role::Reader => "reader ",
    }
}

/// How connections are made.
pub(super) struct Connector {
    pub(super) address: Arc<Address>,
    /// How long a call waits for a lock, and for a server that cannot be reached.
    pub(super) wait: Duration,
    /// Whether the queue's tables exist, so that epochs can be taken.
    pub(super) has_schema: bool,
    durability: Durability,
    tls: MakeRustlsConnect,
    io: IoThread,
}

/// One connection.
pub(super) struct Connection {
    role: Role,
    session: Option<Session>,
    /// Attempts to connect that failed since the last that succeeded.
    failures: u32,
}

/// Why an attempt to connect failed.
enum NotConnected {
    Refused(String),
    /// The reason may pass.
    Now(String),
}

impl Connector {
    pub(super) fn new(address: Address, durability: Durability, wait: Duration) -> Result<Self> {
        let tls = tls::connector(&address.tls)?;
        let io = IoThread::start()?;
        Ok(Self { address: Arc::new(address), wait, has_schema: false, durability, tls, io })
    }

    /// The connection for notifications, where there can be one.
    pub(super) fn notifications(&self) -> Option<Notifications> {
        let Address { config, schema, pooler, .. } = &*self.address;
        (!pooler).then(|| Notifications::new((**config).clone(), self.tls.clone(), schema))
    }

    /// Where futures run that use sockets.
    pub(super) const fn runtime(&self) -> &Handle {
        self.io.handle()
    }

    /// The statements that begin a transaction, in which plans are made anew if that is wanted.
    pub(super) fn begin(&self, role: Role, epoch: i64, replans: bool) -> String {
        let mut begin = "BEGIN".to_owned();
        if replans {
            begin.push_str("; DISCARD PLANS");
        }
        if self.address.pooler {
            begin.push_str("; SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
            self.settings(role, "SET LOCAL", &mut begin);
            begin.push_str(&format!("; SET LOCAL {SESSION} = '{}'", session_name(role, epoch)));
        }
        if self.needs_standby(role) {
            begin.push_str("; ");
            begin.push_str(STANDBYS);
        }
        begin
    }

    /// Whether what is committed by this role must be on a standby.
    pub(super) fn needs_standby(&self, role: Role) -> bool {
        role == Role::Durable && self.durability == Durability::Replicated
    }

    /// The error of a server that cannot hold the queue.
    pub(super) fn refused(&self, reason: impl Into<String>) -> Error {
        Error::Refused { server: self.address.label.clone(), reason: reason.into() }
    }

    /// Whether a transaction that is committed on the server is on a standby too: it is if a later one is.
    fn confirm(&self, session: &mut Session, until: Instant) -> Outcome {
        let unknown = |reason: String| {
            Outcome::Unknown(format!(
                "the server has committed it, but whether a standby has it is unknown: {reason}"
            ))
        };
        match self.take_epoch(session, Role::Durable, until) {
            Ok(epoch) => session.set_epoch(epoch),
            Err(NotConnected::Refused(reason) | NotConnected::Now(reason)) => {
                return unknown(reason);
            }
        }
        match session.simple_value(STANDBYS, until) {
            Ok(names) if server::has_standby(names.as_deref()) => Outcome::Committed,
            Ok(_) => unknown(server::NO_STANDBY.to_owned()),
            Err(reason) => unknown(reason),
        }
    }

    /// The error of a call during which the server could not be reached.
    pub(super) fn unavailable(&self, reason: &str) -> Error {
        Error::Unavailable { server: self.address.label.clone(), reason: reason.to_owned() }
    }

    fn settings(&self, role: Role, set: &str, sql: &mut String) {
        let waits = match (role, self.durability) {
            // It hides a crash of the server, and then no new epoch keeps tokens apart: no claim may be undone.
            _ if self.address.pooler => true,
            (Role::Relaxed, _) | (Role::Durable, Durability::Normal) => false,
            (Role::Durable | Role::Reader, _) => true,
        };
        let commit = if waits { "on" } else { "off" };
        for (name, value) in SETTINGS.into_iter().chain([("synchronous_commit", commit)]) {
            sql.push_str(&format!("; {set} {name} = {value}"));
        }
        sql.push_str(&format!("; {set} lock_timeout = {}", self.wait.as_millis().max(1)));
    }

    fn connect(&self, role: Role) -> Result<Session, NotConnected> {
        let until = Instant::now() + CONNECT_WAIT;
        let (address, tls) = (self.address.clone(), self.tls.clone());
        let runtime = self.io.handle().clone();
        let connected = self.io.handle().spawn(async move {
            let (client, connection) = address.config.connect(tls).await?;
            // How it ended, every call that waits for it learns too.
            let task = runtime.spawn(async move { drop(connection.await) }).abort_handle();
            Ok::<_, tokio_postgres::Error>((client, task))
        });
        let stop = Stop(connected.abort_handle());
        let (client, task) = match io::wait(connected, until) {
            Some(Ok(Ok(connected))) => connected,
            Some(Ok(Err(error))) if is_refusal(&error) => {
                return Err(NotConnected::Refused(message(&error)));
            }
            Some(Ok(Err(error))) => return Err(NotConnected::Now(message(&error))),
            Some(Err(error)) => return Err(NotConnected::Now(error.to_string())),
            None => return Err(NotConnected::Now(format!("no answer within {CONNECT_WAIT:?}"))),
        };
        drop(stop);
        self.set_up(role, client, task, until)
    }

    /// Sets a new session up and looks at its server.
    fn set_up(
        &self,
        role: Role,
        client: tokio_postgres::Client,
        task: AbortHandle,
        until: Instant,
    ) -> Result<Session, NotConnected> {
        let mut sql = server::IDENTIFY.to_owned();
        if !self.address.pooler {
            self.settings(role, "SET", &mut sql);
            // It has no name yet. A pooler may let this hold in a session that has one.
            sql.push_str(&format!("; SET {SESSION} = ''"));
        }
        let answer = match io::wait(client.simple_query(&sql), until) {
            Some(Ok(answer)) => answer,
            Some(Err(error)) if is_refusal(&error) => {
                let version = io::wait(client.simple_query(server::VERSION), until);
                let version = version.and_then(Result::ok).unwrap_or_default();
                let product = values(&version).next().and_then(server::other_product);
                return Err(NotConnected::Refused(product.unwrap_or_else(|| message(&error))));
            }
            Some(Err(error)) => return Err(NotConnected::Now(message(&error))),
            None => return Err(NotConnected::Now("the server does not answer".to_owned())),
        };
        let needs_standby = self.durability == Durability::Replicated;
        let server = server::identity(&answer, needs_standby).map_err(|unfit| match unfit {
            Unfit::Refused(reason) => NotConnected::Refused(reason),
            Unfit::Now(reason) => NotConnected::Now(reason),
        })?;
        let prepared = (!self.address.pooler).then(HashMap::new);
        let mut session = Session {
            client,
            task,
            server,
            epoch: 0,
            lowest_token: 0,
            prepared,
            plans: Plans::default(),
            round_trip: RoundTrip::default(),
            heard: Instant::now(),
        };
        if self.has_schema && role != Role::Reader {
            let epoch = self.take_epoch(&session, role, until)?;
            session.set_epoch(epoch);
        }
        Ok(session)
    }

    /// Raises the epoch of the database, durably, before anything else is done on the session, and names the session by it.
    /// What is set in the session is set with its name: a pooler may give each of two messages another session.
    fn take_epoch(
        &self,
        session: &Session,
        role: Role,
        until: Instant,
    ) -> Result<i64, NotConnected> {
        let mut sql = format!(
            "BEGIN; SET LOCAL synchronous_commit = on; \
             UPDATE \"{}\".meta SET epoch = GREATEST(epoch + 1, \
             pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.int8) \
             RETURNING pg_catalog.set_config('{SESSION}', \
             pg_catalog.concat('{}', epoch), false); \
             COMMIT",
            self.address.schema,
            session_prefix(role)
        );
        if !self.address.pooler {
            self.settings(role, "SET", &mut sql);
        }
        let name = session.simple_value(&sql, until).map_err(NotConnected::Now)?;
        let epoch = name.as_deref().and_then(|name| name.strip_prefix(session_prefix(role)));
        epoch.and_then(|epoch| epoch.parse().ok()).ok_or_else(|| {
            NotConnected::Refused(format!(
                "its schema {:?} holds no queue any more: open the queue again",
                self.address.schema
            ))
        })
    }
}

impl Connection {
    pub(super) const fn new(role: Role) -> Self {
        Self { role, session: None, failures: 0 }
    }

    /// The session, a new one if there is none: tried until then, and once at least.
    pub(super) fn session(
        &mut self,
        connector: &Connector,
        until: Instant,
    ) -> Result<&mut Session> {
        let is_usable = |session: &Session| {
            let has_epoch = session.epoch > 0 || !connector.has_schema || self.role == Role::Reader;
            !session.client.is_closed() && has_epoch
        };
        let session = match self.session.take() {
            Some(session) if is_usable(&session) => session,
            _ => self.connect(connector, until)?,
        };
        Ok(self.session.insert(session))
    }

    /// The session is of no further use.
    pub(super) fn lost(&mut self, reason: &str) {
        tracing::warn!(reason, "connection to the database lost: connecting anew");
        self.session = None;
    }

    /// Finds out what became of a commit, on a new session.
    pub(super) fn resolve(
        &mut self,
        connector: &Connector,
        commit: &Commit,
        until: Instant,
    ) -> Outcome {
        if commit.number.is_none() {
            return Outcome::Unknown("the transaction's number did not arrive either".to_owned());
        }
        let (until, role) = (until.max(Instant::now() + connector.wait), self.role);
        match self.session(connector, until) {
            Ok(session) => match outcome::ask(session, commit, until) {
                Outcome::Committed if connector.needs_standby(role) => {
                    let outcome = connector.confirm(session, until);
                    if !matches!(outcome, Outcome::Committed) {
                        // It may take its new epoch later.
                        self.session = None;
                    }
                    outcome
                }
                outcome => outcome,
            },
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }

    fn connect(&mut self, connector: &Connector, until: Instant) -> Result<Session> {
        loop {
            let reason = match connector.connect(self.role) {
                Ok(session) => {
                    self.failures = 0;
                    return Ok(session);
                }
                Err(NotConnected::Refused(reason)) => {
                    return Err(connector.refused(reason));
                }
                Err(NotConnected::Now(reason)) => reason,
            };
            self.failures = self.failures.saturating_add(1);
            let pause = backoff::reconnect(self.failures, fastrand::f64());
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(connector.unavailable(&reason));
            }
            thread::sleep(pause.min(left));
        }
    }
}

/// Stops an attempt to connect that nobody waits for.
struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
