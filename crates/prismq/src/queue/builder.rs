//! Settings of a queue, and opening it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Queue;
use crate::core::Core;
use crate::engine::{FileOptions, Place};
#[cfg(feature = "postgres")]
use crate::engine::{ServerAddress, ServerOptions};
#[cfg(feature = "postgres")]
use crate::model::Error;
use crate::model::limits::{BUSY_WAIT_DEFAULT, FREE_BYTES_DEFAULT};
use crate::model::{Durability, Result, RetryPolicy};
use crate::time::{Clock, SystemClock};

/// The settings to open a queue with.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Durability, Queue, RetryPolicy};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("queue.db");
/// let queue = Queue::builder(path)
///     .durability(Durability::Normal)
///     .busy_wait(Duration::from_secs(1))
///     .retry(RetryPolicy::fixed(Duration::from_secs(30)))
///     .open()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "call open()"]
pub struct QueueBuilder {
    at: At,
    attach: bool,
    durability: Durability,
    busy_wait: Duration,
    free_bytes_max: Option<u64>,
    retry: RetryPolicy,
    clock: Option<Arc<dyn Clock>>,
}

/// Where the queue is.
#[derive(Debug, Clone)]
enum At {
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Server(ServerAddress),
}

impl QueueBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self::at(At::File(path))
    }

    /// A queue in the database of a server.
    #[cfg(feature = "postgres")]
    pub(crate) fn on_server(address: ServerAddress) -> Self {
        Self::at(At::Server(address))
    }

    fn at(at: At) -> Self {
        Self {
            at,
            attach: false,
            durability: Durability::default(),
            busy_wait: BUSY_WAIT_DEFAULT,
            free_bytes_max: None,
            retry: RetryPolicy::default(),
            clock: None,
        }
    }

    /// Whether the file may be a database of the application's own, next to whose tables the queue's are added; it
    /// may not unless set. See [`Queue::attach`].
    pub const fn attach(mut self, attach: bool) -> Self {
        self.attach = attach;
        self
    }

    /// What survives a power cut; [`Durability::Full`] unless set.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long an operation waits while another process writes, or for a database server that cannot be reached;
    /// 5 seconds unless set.
    pub const fn busy_wait(mut self, wait: Duration) -> Self {
        self.busy_wait = wait;
        self
    }

    /// How many bytes of free space the file keeps for later tasks; 16 MiB unless set. More is returned to the file
    /// system in small steps, about a second after it became free; with `u64::MAX`, never.
    pub const fn free_space_max(mut self, bytes: u64) -> Self {
        self.free_bytes_max = Some(bytes);
        self
    }

    /// When failed tasks run again; [`RetryPolicy::default`] unless set.
    pub const fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The clock that due times and leases follow; [`SystemClock`] unless set, and on a database server that server's.
    /// All handles on a queue must use the same.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Opens the file, creating it with mode 0600 if it does not exist.
    ///
    /// # Errors
    /// [`Unusable`](crate::Error::Unusable), [`NotADatabase`](crate::Error::NotADatabase),
    /// [`Foreign`](crate::Error::Foreign), [`SchemaTooNew`](crate::Error::SchemaTooNew),
    /// [`SchemaTooOld`](crate::Error::SchemaTooOld) or [`Corrupt`](crate::Error::Corrupt) for a path that holds no
    /// queue of this version; it is left untouched. [`Busy`](crate::Error::Busy) if another process held it for the
    /// whole wait; [`Forked`](crate::Error::Forked) in a fork of a process that has queues open. For a database server,
    /// [`Unavailable`](crate::Error::Unavailable) or [`Refused`](crate::Error::Refused).
    pub fn open(self) -> Result<Queue> {
        let retry = self.retry;
        Core::open(self.place()?, retry).map(|core| Queue { core })
    }

    fn place(self) -> Result<Place> {
        match self.at {
            At::File(path) => Ok(Place::File(FileOptions {
                path,
                attach: self.attach,
                durability: self.durability,
                busy_wait: self.busy_wait,
                free_bytes_max: self.free_bytes_max.unwrap_or(FREE_BYTES_DEFAULT),
                clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            })),
            #[cfg(feature = "postgres")]
            At::Server(address) => {
                let of_file =
                    [(self.attach, "attach"), (self.free_bytes_max.is_some(), "free_space_max")];
                if let Some((_, what)) = of_file.into_iter().find(|(is_set, _)| *is_set) {
                    return Err(Error::invalid(what, "only a queue in a file has this setting"));
                }
                Ok(Place::Server(ServerOptions {
                    address,
                    durability: self.durability,
                    wait: self.busy_wait,
                    clock: self.clock,
                }))
            }
        }
    }
}
