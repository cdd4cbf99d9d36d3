//! How the threads of a yardstick get a connection.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use r2d2::PooledConnection;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use super::configure;
use crate::subject::OpenOptions;
use crate::subject::local::LocalError;

/// In addition to those of the workers: one for producers, which also reads counts and settings.
const PRODUCER_CONNECTIONS: u32 = 1;

/// Whether threads have connections of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::subject) enum Sharing {
    /// Each takes one from a pool.
    Pool,
    /// All use the same one, in turns.
    Mutex,
}

/// The connections of a database.
#[derive(Debug)]
pub(super) enum Connections {
    Pool(r2d2::Pool<SqliteConnectionManager>),
    Mutex(Arc<Mutex<Connection>>),
}

/// A thread's way to a connection.
#[derive(Debug)]
pub(super) enum Access {
    Own(Box<PooledConnection<SqliteConnectionManager>>),
    Shared(Arc<Mutex<Connection>>),
}

impl Connections {
    /// Those of a database whose schema is there.
    pub(super) fn open(
        path: &Path,
        options: OpenOptions,
        sharing: Sharing,
    ) -> Result<Self, LocalError> {
        let durability = options.durability;
        Ok(match sharing {
            Sharing::Pool => {
                let workers = u32::try_from(options.workers).unwrap_or(u32::MAX);
                let manager = SqliteConnectionManager::file(path)
                    .with_init(move |connection| configure(connection, durability));
                let size = workers.saturating_add(PRODUCER_CONNECTIONS);
                Self::Pool(r2d2::Pool::builder().max_size(size).build(manager)?)
            }
            Sharing::Mutex => {
                let mut connection = Connection::open(path)?;
                configure(&mut connection, durability)?;
                Self::Mutex(Arc::new(Mutex::new(connection)))
            }
        })
    }

    /// For one thread, as long as it wants.
    pub(super) fn get(&self) -> Result<Access, LocalError> {
        Ok(match self {
            Self::Pool(pool) => Access::Own(Box::new(pool.get()?)),
            Self::Mutex(connection) => Access::Shared(connection.clone()),
        })
    }
}

impl Access {
    /// Runs an operation on the connection.
    pub(super) fn with<T>(&mut self, operation: impl FnOnce(&mut Connection) -> T) -> T {
        match self {
            Self::Own(connection) => operation(connection),
            Self::Shared(connection) => {
                operation(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}
