//! prismq in a PostgreSQL database: the server, and a schema of its own for each database of a round.
//!
//! The server is the one that `PRISMQ_POSTGRES_URL` names, or one that the suite starts and removes. Other processes of the
//! harness get its URL by the same variable.

mod sql;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use prismq::{Durability, Queue, RetryPolicy};
use prismq_cluster::Cluster;
use tempfile::TempDir;

pub use self::sql::{Connection, as_i64};
use super::prismq::Prismq;
use super::{LocalError, LocalQueue as _};
use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::base::process_time::{TICK, ticks_of};
use crate::subject::{OpenOptions, TaskSpec};

/// The variable that names a server.
pub const VARIABLE: &str = "PRISMQ_POSTGRES_URL";
/// How a server is set that the suite starts: as one that keeps what it commits, with memory for the loads.
const SETTINGS: [&str; 5] = [
    "fsync=on",
    "shared_buffers=512MB",
    "max_connections=200",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
];

/// The URL of the server in use.
static URL: OnceLock<String> = OnceLock::new();
/// The first process of the server that the suite started.
static PROCESS: OnceLock<u32> = OnceLock::new();

/// A server for as long as a suite uses it.
#[derive(Debug)]
pub struct Server {
    _started: Option<(Cluster, TempDir)>,
}

impl Server {
    /// The server that the environment names, else a new one, on the disk of the databases.
    ///
    /// # Errors
    /// [`Error::Unfit`] if none can be started, or [`Error::Setting`] if the URL cannot be used.
    pub fn from_env(bench_dir: &BenchDir) -> Result<Self> {
        if let Some(url) = env::var_os(VARIABLE) {
            let url = url.to_string_lossy().into_owned();
            if url.contains("schema=") || prismq::postgres::builder(&url).is_err() {
                return Err(Error::Setting {
                    variable: VARIABLE,
                    // It may have a password.
                    value: "...".to_owned(),
                    allowed: "postgres://USER:PASSWORD@HOST/DATABASE, without ?schema=",
                });
            }
            URL.get_or_init(|| url);
            return Ok(Self { _started: None });
        }
        let folder = bench_dir.fresh()?;
        // The server runs as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .map_err(Error::io("open", folder.path()))?;
        let unfit = |error: std::io::Error| Error::Unfit {
            reason: format!("{error}; install PostgreSQL, or name a server by {VARIABLE}"),
        };
        tempfile::env::override_temp_dir(folder.path()).ok();
        let cluster = Cluster::start(&SETTINGS).map_err(unfit)?;
        URL.get_or_init(|| cluster.url("postgres"));
        PROCESS.get_or_init(|| cluster.process());
        Ok(Self { _started: Some((cluster, folder)) })
    }
}

/// The processor time that the server has used so far, all of its processes together; `None` for one that the suite did
/// not start.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    let ticks = ticks_of(Path::new("/proc"), &[*PROCESS.get()?])?;
    Some(TICK * u32::try_from(ticks).ok()?)
}

/// How many sessions listen for new tasks in the schema that stands for this file.
///
/// # Errors
/// The server's.
pub fn listeners(path: &Path) -> Result<usize, LocalError> {
    let schema = schema_of(path);
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = left('prismq listener ' || $1, 63)";
    let connection = Connection::open(&schema)?;
    let statement = connection.prepare(count)?;
    let rows = connection.query(&statement, &[&schema])?;
    let listeners: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(usize::try_from(listeners).unwrap_or(0))
}

/// The variable for another process of the harness, if a server is in use.
#[must_use]
pub fn for_children() -> Option<(&'static str, &'static str)> {
    Some((VARIABLE, url()?))
}

/// The URL of the server in use, in a child that of its parent.
fn url() -> Option<&'static str> {
    if URL.get().is_none()
        && let Some(url) = env::var_os(VARIABLE)
    {
        return Some(URL.get_or_init(|| url.to_string_lossy().into_owned()));
    }
    URL.get().map(String::as_str)
}

fn known_url() -> Result<&'static str, LocalError> {
    url().ok_or_else(|| LocalError::Lacks { what: "a server: none was started".to_owned() })
}

/// The schema that stands for a database in this file: named as its directory is.
fn schema_of(path: &Path) -> String {
    let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
    let bytes = directory.as_encoded_bytes().iter().take(28);
    bytes.fold("bench_".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

/// Opens or creates the queue that stands for this file.
pub(in crate::subject) fn open(path: &Path, options: OpenOptions) -> Result<Prismq, LocalError> {
    Ok(Prismq::on(open_queue(path, options)?))
}

fn open_queue(path: &Path, options: OpenOptions) -> Result<Queue, LocalError> {
    let url = known_url()?;
    let separator = if url.contains('?') { '&' } else { '?' };
    let queue = prismq::postgres::builder(&format!("{url}{separator}schema={}", schema_of(path)))?
        .durability(options.durability)
        .retry(RetryPolicy::fixed(options.retry))
        .open()?;
    Ok(queue)
}

/// Opens the queue that stands for this file, by its own interface.
///
/// # Errors
/// [`Error::Subject`].
pub fn queue(path: &Path) -> Result<Queue> {
    open_queue(path, OpenOptions::durable(1)).map_err(Error::subject("open a queue"))
}

/// A connection to what stands for this file.
///
/// # Errors
/// [`Error::Subject`].
pub fn connect(path: &Path) -> Result<Connection> {
    Connection::open(&schema_of(path)).map_err(Error::subject("connect to the server"))
}

/// Removes what stands for this file.
///
/// # Errors
/// [`Error::Subject`].
pub fn remove(path: &Path) -> Result<()> {
    let schema = schema_of(path);
    let removed = Connection::open(&schema).and_then(|connection| connection.drop_schema());
    removed.map_err(Error::subject("remove a schema"))
}

/// The schema that stands for a new database, which is removed with it.
#[derive(Debug)]
pub struct Schema {
    directory: TempDir,
}

impl Schema {
    /// A new one without tables.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn fresh(bench_dir: &BenchDir) -> Result<Self> {
        Ok(Self { directory: bench_dir.fresh()? })
    }

    /// With the tables of a queue.
    ///
    /// # Errors
    /// [`Error::Subject`].
    pub fn with_queue(bench_dir: &BenchDir, task: &TaskSpec) -> Result<Self> {
        let schema = Self::fresh(bench_dir)?;
        let queue = open(&schema.path(), OpenOptions::durable(1));
        // Its type has a lane from then on.
        queue
            .and_then(|queue| queue.enqueue(task).map(drop))
            .map_err(Error::subject("make the tables of a reference"))?;
        let connection = schema.connect()?;
        connection.clear().map_err(Error::subject("clear the tables of a reference"))?;
        Ok(schema)
    }

    /// Another connection to it.
    ///
    /// # Errors
    /// [`Error::Subject`].
    pub fn connect(&self) -> Result<Connection> {
        connect(&self.path())
    }

    /// Opens or creates the queue in it, by its own interface.
    ///
    /// # Errors
    /// [`Error::Subject`].
    pub fn queue(&self, durability: Durability) -> Result<Queue> {
        let options = OpenOptions { durability, ..OpenOptions::durable(1) };
        open_queue(&self.path(), options).map_err(Error::subject("open a queue"))
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("queue.db")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // What cannot be removed stays on a server that is not ours, or goes with the one that is.
        _ = remove(&self.path());
    }
}
