//! A queue in a PostgreSQL database, for several machines.
//!
//! The URL has the form `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?NAME=VALUE&...`. What is special in it,
//! such as `@` in a password, is percent-encoded. Options of PostgreSQL's own:
//!
//! | option | meaning |
//! |---|---|
//! | `host` | the directory of a Unix socket, as in `postgres://app@/app?host=/run/postgresql` |
//! | `sslmode` | `verify-full`: TLS, and the server's certificate must be valid for its host; the default for hosts other than this machine. `require`: TLS with any server, whose certificate is verified only if `sslrootcert` is given. `prefer`: TLS if the server offers it; the default for this machine. `disable`: no TLS |
//! | `sslrootcert` | a file of certificate authorities in PEM, or `system` (the default). Client certificates are not supported |
//! | `target_session_attrs` | `read-write`: of several hosts, the one that is the primary |
//! | `connect_timeout`, `keepalives_idle`, `tcp_user_timeout` and their like | as in libpq; a connection that is silent counts as lost after 15 seconds unless set |
//!
//! Options of the queue's own:
//!
//! | option | meaning |
//! |---|---|
//! | `schema` | the schema that holds the queue's tables, created if need be; `prismq` unless set |
//! | `pooler` | `transaction` if a pooler such as PgBouncer gives each transaction another session |
//!
//! A user name and password never appear in errors, in log lines or in what is printed for debugging.
#![doc = ""]
#![doc = include_str!("../docs/postgres.md")]

mod handlers;
mod migration;
mod transactions;

use std::any::Any;

pub use self::handlers::complete_and_commit;
pub use self::migration::{MigrationReport, cancel_migration, migrate};
pub use self::transactions::{complete_in, enqueue_in};
use crate::engine::ServerAddress;
use crate::engine::postgres::PostgresEngine;
pub use crate::engine::postgres::{Diagnosis, Holder, HolderKind, TableHealth};
use crate::model::{Error, Result};
use crate::queue::{Queue, QueueBuilder};

/// Settings of a queue in a PostgreSQL database. See the [module](self) for the URL.
///
/// # Errors
/// [`Error::InvalidInput`] for a URL that says what is wrong with it.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// # fn main() -> Result<(), prismq::Error> {
/// let url = "postgres://app:secret@db.example.com/app?sslrootcert=/etc/ssl/db.pem";
/// let builder = prismq::postgres::builder(url)?.busy_wait(Duration::from_secs(10));
/// assert!(!format!("{builder:?}").contains("secret"));
///
/// let error = prismq::postgres::builder("postgres://app:secret@db/app?sslmod=disable").unwrap_err();
/// assert!(error.to_string().contains("sslmode") && !error.to_string().contains("secret"));
/// # Ok(())
/// # }
/// ```
pub fn builder(url: &str) -> Result<QueueBuilder> {
    ServerAddress::parse(url).map(QueueBuilder::on_server)
}

/// Looks at the tables of a queue and at what keeps their deleted rows from being removed: open transactions anywhere in
/// the database, replication slots, prepared transactions, standbys, missing settings of vacuum. Such rows make claims
/// slower. Each program that uses the queue looks every ten minutes and logs the warnings.
///
/// What it finds depends on the rights of the role: a role sees the sessions of others with the role `pg_monitor` only.
///
/// # Errors
/// [`Error::InvalidInput`] for a queue in a file; [`Error::Unavailable`] if the server cannot be reached.
///
/// # Examples
/// ```no_run
/// # fn main() -> Result<(), prismq::Error> {
/// let queue = prismq::Queue::connect("postgres://app:secret@db.example.com/app")?;
/// for warning in prismq::postgres::doctor(&queue)?.warnings {
///     eprintln!("{warning}");
/// }
/// # Ok(())
/// # }
/// ```
pub fn doctor(queue: &Queue) -> Result<Diagnosis> {
    let engine: &dyn Any = queue.core().engine()?;
    match engine.downcast_ref::<PostgresEngine>() {
        Some(engine) => engine.diagnose(),
        None => Err(Error::invalid("queue", "it is in a file, and has no tables on a server")),
    }
}

impl Queue {
    /// Opens or creates the queue in a PostgreSQL database, with full durability. See [`crate::postgres`] for the URL.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for an invalid URL;
    /// [`Error::Unavailable`](crate::Error::Unavailable) if the server could not be reached,
    /// [`Error::Refused`](crate::Error::Refused) if it does not admit this user or cannot hold a queue.
    ///
    /// # Examples
    /// ```no_run
    /// use prismq::{NewTask, Queue};
    ///
    /// # fn main() -> Result<(), prismq::Error> {
    /// let queue = Queue::connect("postgres://app:secret@db.example.com/app")?;
    /// queue.enqueue(NewTask::new("mail", *b"hello"))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(url: &str) -> Result<Self> {
        builder(url)?.open()
    }
}
