//! Opening the file: what is refused, what is created, and what is verified before the first write.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::checkpoint::{self, Checkpointer};
#[cfg(target_os = "linux")]
use super::filesystem;
use super::identity::Identity;
use super::ledger::Ledger;
use super::shrink::Shrinker;
use super::{SqliteReader, SqliteStore, busy, connection, failure, schema};
use crate::error::{Error, Result};
use crate::queue::Durability;
use crate::stats::ContentionCounters;

/// How a file is opened.
#[derive(Debug, Clone)]
pub(crate) struct OpenOptions {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) busy_wait: Duration,
    /// Free pages that the file keeps, in bytes.
    pub(crate) free_bytes_max: u64,
}

/// How long SQLite itself waits in one step of opening.
const STEP_WAIT: Duration = Duration::from_millis(20);
/// Memory of the connection that checkpoints, which needs some only while the file shrinks.
const CHECKPOINT_CACHE_KIB: i64 = 1024;

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
    // What it commits adds nothing that a power cut must not undo; what it copies it syncs under both.
    busy::retry(options.busy_wait, &contention, || {
        connection::configure(&checkpointing, Durability::Normal).map_err(failure)
    })?;
    checkpointing.pragma_update(None, "cache_size", -CHECKPOINT_CACHE_KIB).map_err(failure)?;
    checkpoint::watch_wal(&checkpointing);
    let shrinker = Shrinker::new(&checkpointing, options.free_bytes_max).map_err(failure)?;
    let checkpointer = Checkpointer::start(checkpointing, shrinker)
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
        ledger: Ledger::of_connection(),
    };
    Ok((store, SqliteReader::new(reader, path)))
}

/// Lets through a path that can hold a queue, and creates the file if there is none.
///
/// An existing file is looked at but never opened here: closing any descriptor of a database drops
/// the locks SQLite holds on it in this process.
fn admit(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        #[cfg(unix)]
        refuse_open_folder(path, folder)?;
        #[cfg(target_os = "linux")]
        filesystem::warn_of_another_machine(folder);
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) => match objection(&metadata) {
            Some(reason) => Err(unusable(path, reason)),
            None => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        Err(error) => Err(unusable(path, format!("it cannot be looked at: {error}"))),
    }
}

/// Refuses a folder in which any user could put another file in the place of the queue's or of its `-wal`.
/// In one that is sticky, such as `/tmp`, each user's files stay. Who is in the folder's group is its owner's
/// decision: many systems give every user a group of their own, and folders that it can write.
#[cfg(unix)]
fn refuse_open_folder(path: &Path, folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    const STICKY: u32 = 0o1000;
    const WRITTEN_BY_OTHERS: u32 = 0o002;
    // A folder that is not there is told of when the file is created.
    let mode = fs::metadata(folder).map_or(0, |metadata| metadata.permissions().mode());
    if mode & (STICKY | WRITTEN_BY_OTHERS) == WRITTEN_BY_OTHERS {
        let reason = format!(
            "every user can write its folder {0} and put another file in its place: \
             run `chmod o-w {0}` first",
            folder.display()
        );
        return Err(unusable(path, reason));
    }
    Ok(())
}

fn objection(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Some("it is a directory: name a file in it");
    }
    if kind.is_symlink() {
        return Some("it is a symbolic link, beside which the -wal would be lost: name its target");
    }
    if !kind.is_file() {
        return Some("it is not a regular file");
    }
    if metadata.permissions().readonly() {
        return Some("it is read-only: a queue must be written");
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(metadata) > 1 {
        return Some("it has more than one name: under each, SQLite would use another -wal");
    }
    None
}

/// Creates an empty file that only its owner can read; SQLite gives the same mode to its `-wal`.
fn create(path: &Path) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(unusable(path, "its folder does not exist: create it first"))
        }
        Err(error) => Err(unusable(path, format!("it cannot be created: {error}"))),
    }
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

/// Whether the file needs a migration; an error if it is not a sound queue of a version we know.
fn verify(path: &Path, connection: &Connection) -> Result<bool> {
    let failure = |error| failure::classify(path, error);
    let (application_id, version, empty) = schema::identity(connection).map_err(failure)?;
    if application_id == 0 && version == 0 && empty {
        return Ok(true);
    }
    if application_id != schema::APPLICATION_ID {
        return Err(Error::Foreign { path: path.to_owned(), application_id });
    }
    schema::refuse_newer(path, version)?;
    if version < 1 {
        // No version of ours: a migration would begin to write before it fails.
        let reason = format!("its schema version is {version}");
        return Err(Error::Corrupt { path: path.to_owned(), reason });
    }
    if version < schema::VERSION {
        return Ok(true);
    }
    match schema::damage(connection).map_err(failure)? {
        Some(reason) => Err(Error::Corrupt { path: path.to_owned(), reason }),
        None => Ok(false),
    }
}

fn migrate(path: &Path, connection: &Connection) -> Result<()> {
    let failure = |error| failure::classify(path, error);
    // Takes effect in an empty file only.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failure)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
    // Under the lock, as another process may have been faster.
    let migrated = schema::migrate(connection)
        .and_then(|()| connection.execute_batch("COMMIT"))
        .map_err(failure);
    if migrated.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(failure)?;
    }
    migrated
}

fn keep_wal_on_close(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
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

fn unusable(path: &Path, reason: impl Into<String>) -> Error {
    Error::Unusable { path: path.to_owned(), reason: reason.into() }
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
        let options = OpenOptions {
            path,
            durability: Durability::Full,
            busy_wait: Duration::from_mins(1),
            free_bytes_max: u64::MAX,
        };
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
