//! Opening the file: what is refused, what is created, and what is verified before the first write.

mod admit;
#[cfg(target_os = "linux")]
mod filesystem;
mod identity;
mod verify;

use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use self::admit::{admit, unusable};
use self::verify::{keep_wal_on_close, migrate, verify};
use super::checkpoint::{self, Checkpointer};
use super::ledger::Ledger;
use super::{SqliteReader, SqliteStore, busy, connection, failure};
use crate::error::{Error, Result};
use crate::queue::Durability;
use crate::stats::ContentionCounters;

pub(super) use self::identity::Identity;

/// How a file is opened.
#[derive(Debug, Clone)]
pub(crate) struct OpenOptions {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) busy_wait: Duration,
}

/// How long SQLite itself waits in one step of opening.
const STEP_WAIT: Duration = Duration::from_millis(20);

/// One opening at a time in this process, so that two threads do not create one file twice.
static OPENING: Mutex<()> = Mutex::new(());

/// Opens or creates the queue file.
pub(crate) fn open(
    options: &OpenOptions,
    contention: Arc<ContentionCounters>,
) -> Result<(SqliteStore, SqliteReader)> {
    if let Some(reason) = too_old(rusqlite::version_number()) {
        return Err(unusable(&options.path, reason));
    }
    let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = absolute(&options.path)
        .map_err(|error| unusable(&options.path, format!("the path is not valid: {error}")))?;
    admit(&path)?;
    let failure = |error| failure::classify(&path, error);
    let identity = Identity::of(&path)
        .map_err(|error| unusable(&path, format!("it cannot be looked at: {error}")))?;
    let writer = connection::connect(&path).map_err(failure)?;
    // Other processes that open or create the file now can be in the way of every step. SQLite's own short
    // wait keeps new readers out while it waits for those there are; where it does not wait, we do.
    connection::let_sqlite_wait(&writer, options.busy_wait.min(STEP_WAIT)).map_err(failure)?;
    busy::retry(options.busy_wait, &contention, || prepare(&path, &writer, options.durability))?;
    connection::let_sqlite_wait(&writer, Duration::ZERO).map_err(failure)?;

    let reader = connection::connect(&path).map_err(failure)?;
    connection::let_sqlite_wait(&reader, options.busy_wait).map_err(failure)?;
    reader.pragma_update(None, "query_only", true).map_err(failure)?;

    let checkpointing = connection::connect(&path).map_err(failure)?;
    connection::let_sqlite_wait(&checkpointing, Duration::ZERO).map_err(failure)?;
    busy::retry(options.busy_wait, &contention, || {
        connection::configure(&checkpointing, Durability::Full).map_err(failure)
    })?;
    let checkpointer = Checkpointer::start(checkpointing)
        .map_err(|error| Error::Thread { source: Arc::new(error) })?;
    checkpoint::watch_wal(&writer);

    let store = SqliteStore {
        checkpointer,
        connection: writer,
        path: path.clone(),
        identity,
        durability: options.durability,
        waits_for_disk: options.durability == Durability::Full,
        busy_wait: options.busy_wait,
        contention,
        ledger: Ledger::default(),
    };
    Ok((store, SqliteReader::new(reader, path)))
}
/// Verifies the file, brings it to the current version, and sets up the connection that writes it.
fn prepare(path: &Path, writer: &Connection, durability: Durability) -> Result<()> {
    let failure = |error| failure::classify(path, error);
    // A file that turns out not to be ours is to be left as it is, its WAL included.
    keep_wal_on_close(writer, true).map_err(failure)?;
    let migration_due = verify(path, writer)?;
    keep_wal_on_close(writer, false).map_err(failure)?;
    if migration_due {
        migrate(path, writer)?;
    }
    connection::configure(writer, durability).map_err(failure)
}
/// The first version of SQLite in which several connections can share a WAL without a race between a
/// checkpoint that starts it over and a writer, which can lose commits or damage the file.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Why this version of SQLite, which may not be the bundled one, cannot be used.
fn too_old(version: i32) -> Option<String> {
    (version < SQLITE_VERSION_MIN).then(|| {
        format!(
            "this program is linked with SQLite {}.{}.{}, which can damage a file that several \
             connections write: link it with 3.51.3 or newer",
            version / 1_000_000,
            version / 1_000 % 1_000,
            version % 1_000
        )
    })
}
#[cfg(test)]
mod tests {
    use super::*;

    /// A queue before its change to WAL, as another process sees it that creates it at the same time, and
    /// a connection that writes to it.
    fn half_created(folder: &Path) -> (OpenOptions, Connection) {
        let path = folder.join("queue");
        let other = Connection::open(&path).unwrap();
        migrate(&path, &other).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let options =
            OpenOptions { path, durability: Durability::Full, busy_wait: Duration::from_mins(1) };
        (options, other)
    }

    #[test]
    fn the_change_to_wal_waits_for_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let (options, other) = half_created(folder.path());
        let contention = Arc::new(ContentionCounters::default());
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(&options, contention.clone()).map(drop));
            while contention.snapshot().busy_waits == 0 && !opening.is_finished() {
                std::thread::yield_now();
            }
            other.execute_batch("COMMIT").unwrap();
            opening.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_writer_that_does_not_end_is_waited_for_as_long_as_stated() {
        let folder = tempfile::tempdir().unwrap();
        let (options, _other) = half_created(folder.path());
        let busy_wait = Duration::from_millis(20);
        let options = OpenOptions { busy_wait, ..options };
        let error = open(&options, Arc::default()).map(drop).unwrap_err();
        assert!(matches!(error, Error::Busy { waited } if waited >= busy_wait), "{error}");
    }

    #[test]
    fn a_sqlite_that_can_lose_commits_is_refused() {
        assert!(too_old(3_051_002).unwrap().contains("SQLite 3.51.2"));
        assert_eq!(too_old(SQLITE_VERSION_MIN), None);
        assert_eq!(too_old(rusqlite::version_number()), None, "the bundled one");
    }
}
