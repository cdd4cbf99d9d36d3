//! Opening the file: checking the path, creating the file, and verifying it before the first write. Backing it up and
//! restoring it.

mod backup;
mod copy;
mod create;
#[cfg(target_os = "linux")]
mod filesystem;
mod opening;
mod path;
#[cfg(unix)]
mod permission;
mod restore;
mod verify;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use rusqlite::Connection;

pub(in crate::engine::sqlite) use self::backup::backup;
use self::create::remove_unused;
use self::opening::OpeningGuard;
use self::path::{check_or_create, resolve, unusable};
pub(crate) use self::restore::restore;
use self::verify::{Found, create_queue, keep_wal_on_close, verify};
use crate::engine::ContentionCounters;
use crate::engine::DeferredLog;
use crate::engine::FileOptions;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::checkpoint::shrink::Shrinker;
use crate::engine::sqlite::checkpoint::{self, Checkpointer};
use crate::engine::sqlite::connection::busy;
use crate::engine::sqlite::connection::files::{Files, Identity};
use crate::engine::sqlite::reader::ReadConnection;
use crate::engine::sqlite::writer::Writer;
use crate::engine::sqlite::{connection, error, moved, schema};
use crate::model::{Durability, Error, Result};

/// How long SQLite's own busy handler waits in one step of opening.
const STEP_WAIT: Duration = Duration::from_millis(20);
/// Page cache of the connection that checkpoints, which needs it only while the file shrinks.
const CHECKPOINT_CACHE_KIB: i64 = 1024;

/// How often opening starts over because another process removed the file meanwhile.
const RESTARTS_MAX: u32 = 10;

/// Opens or creates the queue file.
pub(in crate::engine::sqlite) fn open(
    options: &FileOptions,
    contention: &Arc<ContentionCounters>,
) -> Result<(Writer, ReadConnection)> {
    if let Some(reason) = too_old(rusqlite::version_number()) {
        return Err(unusable(&options.path, reason));
    }
    if options.durability == Durability::Replicated {
        let reason = "`Replicated` needs a server with a standby, and a queue in a file has none: use `Full`";
        return Err(Error::invalid("durability", reason));
    }
    let path = resolve(&options.path)?;
    let _guard = OpeningGuard::acquire(&path, options.busy_wait)?;
    let mut restarts = 0;
    loop {
        match open_at(&path, options, contention) {
            Err(Error::Moved { .. }) if restarts < RESTARTS_MAX => restarts += 1,
            opened => return opened,
        }
    }
}

/// A connection to a file that holds a queue, also to one whose queue is moved. It waits this long for locks.
#[cfg(feature = "postgres")]
pub(in crate::engine::sqlite) fn open_marked(path: &Path, wait: Duration) -> Result<Connection> {
    let path = resolve(path)?;
    if !path.exists() {
        return Err(unusable(&path, "there is no such file"));
    }
    check_or_create(&path)?;
    let failure = |error| error::classify(&path, error);
    let connection = connection::connect(&path).map_err(failure)?;
    connection::let_sqlite_wait(&connection, wait).map_err(failure)?;
    if let Found::NoQueue { .. } = verify(&path, &connection, false)? {
        return Err(unusable(&path, "it is empty: it holds no queue"));
    }
    connection::configure(&path, &connection, Durability::Full)?;
    Ok(connection)
}

fn open_at(
    path: &Path,
    options: &FileOptions,
    contention: &Arc<ContentionCounters>,
) -> Result<(Writer, ReadConnection)> {
    let created = check_or_create(path)?;
    let identity = Identity::of(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Moved { path: path.to_owned() },
        _ => unusable(path, format!("its metadata cannot be read: {error}")),
    })?;
    let opened = connect(path, identity, options, contention);
    if opened.is_err() && !identity.still_at(path) {
        return Err(Error::Moved { path: path.to_owned() });
    }
    if opened.is_err() && created {
        remove_unused(path, identity);
    }
    opened
}

fn connect(
    path: &Path,
    identity: Identity,
    options: &FileOptions,
    contention: &Arc<ContentionCounters>,
) -> Result<(Writer, ReadConnection)> {
    let failure = |error| error::classify(path, error);
    let mut writer = connection::connect(path).map_err(failure)?;
    // Every step can meet the locks of other processes that open or create the file. SQLite's own short wait keeps
    // new readers out while it waits for those there are; where it does not wait, `busy::retry` does.
    connection::let_sqlite_wait(&writer, options.busy_wait.min(STEP_WAIT)).map_err(failure)?;
    let files = Arc::new(busy::retry(options.busy_wait, contention, || {
        prepare(path, identity, &writer, options)
    })?);
    connection::let_sqlite_wait(&writer, Duration::ZERO).map_err(failure)?;

    // Before the file number and the lanes, which it dates.
    let schema_cookie = schema::schema_cookie(&writer).map_err(failure)?;
    let file = Arc::new(AtomicI64::new(schema::file_number(&writer).map_err(failure)?));

    let reader = connection::connect(path).map_err(failure)?;
    connection::let_sqlite_wait(&reader, options.busy_wait).map_err(failure)?;
    reader.pragma_update(None, "query_only", true).map_err(failure)?;

    let mut checkpointing = connection::connect(path).map_err(failure)?;
    connection::let_sqlite_wait(&checkpointing, Duration::ZERO).map_err(failure)?;
    // A power cut may undo what it commits; what it copies is synced under both settings.
    busy::retry(options.busy_wait, contention, || {
        connection::configure(path, &checkpointing, Durability::Normal)
    })?;
    checkpointing.pragma_update(None, "cache_size", -CHECKPOINT_CACHE_KIB).map_err(failure)?;
    checkpoint::watch_wal(&mut checkpointing).map_err(failure)?;
    // The free pages of an application's database are the application's.
    let own_file = schema::is_own_file(&checkpointing).map_err(failure)?;
    let free_bytes_max = if own_file { options.free_bytes_max } else { u64::MAX };
    let shrinker = Shrinker::new(&checkpointing, free_bytes_max).map_err(failure)?;
    let log = Arc::<DeferredLog>::default();
    let checkpointer = Checkpointer::start(checkpointing, shrinker, log.clone())
        .map_err(|error| Error::Thread { source: Arc::new(error) })?;
    checkpoint::watch_wal(&mut writer).map_err(failure)?;

    let poison = checkpointer.poison();
    let reader = ReadConnection::new(reader, path.to_owned(), files.clone(), poison.clone());
    let writer = Writer {
        checkpointer,
        connection: writer,
        path: path.to_owned(),
        files,
        file,
        durability: options.durability,
        waits_for_disk: options.durability == Durability::Full,
        busy_wait: options.busy_wait,
        contention: contention.clone(),
        ledger: Ledger::of_connection(log),
        schema_cookie,
        cookie_read_at: None,
        #[cfg(feature = "testing")]
        injected: None,
        boot_clock: None,
    };
    Ok((writer, reader))
}

/// Verifies the file, adds the tables if it has none, and sets up the connection that writes it.
fn prepare(
    path: &Path,
    identity: Identity,
    writer: &Connection,
    options: &FileOptions,
) -> Result<Files> {
    let failure = |error| error::classify(path, error);
    // A file that is refused must be left untouched, its WAL included.
    keep_wal_on_close(writer, true).map_err(failure)?;
    let found = verify(path, writer, options.attach)?;
    if found == Found::Queue {
        let (_, features) = schema::meta(writer).map_err(failure)?;
        moved::refuse(path, writer, features)?;
    }
    keep_wal_on_close(writer, false).map_err(failure)?;
    if let Found::NoQueue { own_file } = found {
        create_queue(path, identity, writer, own_file)?;
    }
    connection::configure(path, writer, options.durability)?;
    // Makes SQLite open the `-wal`.
    schema::meta(writer).map_err(failure)?;
    let page_bytes =
        writer.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(failure)?;
    Files::of(path, identity, page_bytes)
        .map_err(|error| unusable(path, format!("its -wal cannot be read: {error}")))
}

/// The first version of SQLite without the race between a checkpoint that resets the WAL and a writer of another
/// connection, which can lose commits or damage the file.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Why this version of SQLite cannot be used; it may not be the bundled one.
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
    fn half_created(folder: &Path) -> (FileOptions, Connection) {
        let path = folder.join("queue");
        let other = Connection::open(&path).unwrap();
        create_queue(&path, Identity::of(&path).unwrap(), &other, true).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let options = FileOptions {
            path,
            attach: false,
            durability: Durability::Full,
            busy_wait: Duration::from_mins(1),
            free_bytes_max: u64::MAX,
            clock: Arc::new(crate::time::SystemClock),
        };
        (options, other)
    }

    #[test]
    fn the_switch_to_wal_waits_for_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let (options, other) = half_created(folder.path());
        let contention = Arc::new(ContentionCounters::default());
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(&options, &contention).map(drop));
            while contention.snapshot().busy_waits == 0 && !opening.is_finished() {
                std::thread::yield_now();
            }
            other.execute_batch("COMMIT").unwrap();
            opening.join().unwrap().unwrap();
        });
    }

    #[test]
    fn opening_one_file_waits_for_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (options, other) = half_created(folder.path());
        let contention = Arc::new(ContentionCounters::default());
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(&options, &contention).map(drop));
            while contention.snapshot().busy_waits == 0 && !opening.is_finished() {
                std::thread::yield_now();
            }
            let second = FileOptions { path: folder.path().join("second"), ..options.clone() };
            open(&second, &Arc::default()).map(drop).unwrap();
            assert!(!opening.is_finished(), "the first still waits");
            let busy_wait = Duration::from_millis(20);
            let again = FileOptions { busy_wait, ..options.clone() };
            let error = open(&again, &Arc::default()).map(drop).unwrap_err();
            assert!(matches!(error, Error::Busy { waited } if waited >= busy_wait), "{error}");
            other.execute_batch("COMMIT").unwrap();
            opening.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_lasting_writer_is_waited_for_as_long_as_set() {
        let folder = tempfile::tempdir().unwrap();
        let (options, _other) = half_created(folder.path());
        let busy_wait = Duration::from_millis(20);
        let options = FileOptions { busy_wait, ..options };
        let error = open(&options, &Arc::default()).map(drop).unwrap_err();
        assert!(matches!(error, Error::Busy { waited } if waited >= busy_wait), "{error}");
    }

    #[test]
    fn a_sqlite_that_can_lose_commits_is_refused() {
        assert!(too_old(3_051_002).unwrap().contains("SQLite 3.51.2"));
        assert_eq!(too_old(SQLITE_VERSION_MIN), None);
        assert_eq!(too_old(rusqlite::version_number()), None, "the bundled one");
    }
}
