//! Which subject is under test, what it can do, and how it is opened.

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::{Clock, SystemClock};
use crate::base::error::{Error, Result};
use crate::subject::local::pooled::{Pooled, Sharing};
use crate::subject::local::prismq::Prismq;
#[cfg(feature = "postgres")]
use crate::subject::local::server;
use crate::subject::local::{InProcess, LocalError, LocalQueue};
use crate::subject::{Durability, Subject};

const VARIABLE: &str = "PRISMQ_ENGINE";
/// Delay of a retry after a failed attempt: soon, but not at once.
const RETRY: Duration = Duration::from_millis(20);

/// How to open a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Workers a pool on it will have at most.
    pub workers: usize,
    /// How long a failed task waits for its next attempt.
    pub retry: Duration,
    /// What a commit survives.
    pub durability: Durability,
}

impl OpenOptions {
    /// As nearly all rounds open theirs, for a pool of up to this many workers.
    #[must_use]
    pub const fn durable(workers: usize) -> Self {
        Self { workers, retry: RETRY, durability: Durability::Full }
    }
}

/// What some subjects can do and others cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// It gives tasks in an order that is chosen.
    Orders,
    /// It keeps tasks that a claim does not take: scheduled, dead, completed, paused, under a limit.
    Backlogs,
    /// Its database is a file on this machine, which other programs can open.
    File,
    /// It is a file with the interface and the guarantees of prismq, which its checker and counters know.
    PrismqInterface,
}

/// Which subject is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SubjectKind {
    /// The queue of this workspace.
    #[default]
    Prismq,
    /// A pool of connections, one transaction an operation.
    Pooled,
    /// One connection behind a mutex, one transaction an operation.
    Mutex,
    /// The queue of this workspace in a PostgreSQL database.
    Postgres,
}

impl SubjectKind {
    /// Reads a subject's name.
    ///
    /// # Errors
    /// [`Error::Setting`] for any other name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "prismq" => Ok(Self::Prismq),
            "pooled" => Ok(Self::Pooled),
            "mutex" => Ok(Self::Mutex),
            #[cfg(feature = "postgres")]
            "postgres" => Ok(Self::Postgres),
            other => Err(Error::Setting {
                variable: VARIABLE,
                value: other.to_owned(),
                allowed: "prismq, pooled and mutex, and with --features prismq-bench/postgres postgres",
            }),
        }
    }

    /// The subject the environment asks for.
    ///
    /// # Errors
    /// [`Error::Setting`] if it asks for one that does not exist.
    pub fn from_env() -> Result<Self> {
        match env::var_os(VARIABLE) {
            None => Ok(Self::default()),
            Some(value) => Self::parse(&value.to_string_lossy()),
        }
    }

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prismq => "prismq",
            Self::Pooled => "pooled",
            Self::Mutex => "mutex",
            Self::Postgres => "prismq-postgres",
        }
    }

    /// Whether it can do this.
    #[must_use]
    pub const fn can(self, capability: Capability) -> bool {
        match (self, capability) {
            (Self::Prismq, _)
            | (Self::Pooled | Self::Mutex, Capability::File)
            | (Self::Postgres, Capability::Orders | Capability::Backlogs) => true,
            (Self::Pooled | Self::Mutex | Self::Postgres, _) => false,
        }
    }

    /// Opens or creates a database in this file, in this process; on a server, one that stands for this file.
    ///
    /// # Errors
    /// [`Error::Subject`].
    pub fn open_local(self, path: &Path, options: OpenOptions) -> Result<Box<dyn LocalQueue>> {
        let opened: Result<Box<dyn LocalQueue>, LocalError> = match self {
            Self::Prismq => Prismq::open(path, options).map(|queue| Box::new(queue) as _),
            Self::Pooled => {
                Pooled::open(path, options, Sharing::Pool).map(|queue| Box::new(queue) as _)
            }
            Self::Mutex => {
                Pooled::open(path, options, Sharing::Mutex).map(|queue| Box::new(queue) as _)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres => server::open(path, options).map(|queue| Box::new(queue) as _),
            #[cfg(not(feature = "postgres"))]
            Self::Postgres => Err(LocalError::Lacks { what: "a server".to_owned() }),
        };
        opened.map_err(Error::subject("open a database"))
    }

    /// Opens or creates a database in this file.
    ///
    /// # Errors
    /// [`Error::Subject`].
    pub fn open(self, path: &Path, options: OpenOptions) -> Result<Box<dyn Subject>> {
        self.open_by(path, options, Arc::new(SystemClock))
    }

    /// The same, with the times of another clock.
    ///
    /// # Errors
    /// [`Error::Subject`].
    pub fn open_by(
        self,
        path: &Path,
        options: OpenOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Box<dyn Subject>> {
        let queue = self.open_local(path, options)?;
        Ok(Box::new(self.in_process(queue, clock, path)))
    }

    /// A subject of an open database, with its file if there is one.
    pub(crate) fn in_process(
        self,
        queue: Box<dyn LocalQueue>,
        clock: Arc<dyn Clock>,
        path: &Path,
    ) -> InProcess {
        let subject = InProcess::new(queue, clock);
        if self.can(Capability::File) { subject.with_file(path) } else { subject }
    }
}
