//! Learning what other processes commit: from the kernel where it reports writes to the `-wal`, else by polling
//! `PRAGMA data_version`.

#[cfg(target_os = "linux")]
mod inotify;

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::engine::sqlite::writer::Writer;
use crate::engine::{Changes, Watch};

/// How long a commit of another process may go unnoticed where the kernel reports no changes.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How often to poll where the kernel reports changes, in case one was missed, and to notice that the file was
/// moved or replaced.
const FALLBACK_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Begins to watch this `-wal`. `writer` is asked for the version of its file.
pub(super) fn watch(wal: &Path, writer: Weak<Mutex<Writer>>) -> Watch {
    let changes = report(wal, writer);
    let poll_interval = if changes.is_some() { FALLBACK_POLL_INTERVAL } else { POLL_INTERVAL };
    Watch { changes, poll_interval, poll_interval_alone: POLL_INTERVAL }
}

/// `None` where the kernel has no room for one more watch.
#[cfg(target_os = "linux")]
fn report(wal: &Path, writer: Weak<Mutex<Writer>>) -> Option<Arc<dyn Changes>> {
    match inotify::Inotify::new(wal, writer) {
        Ok(inotify) => Some(Arc::new(inotify)),
        Err(error) => {
            tracing::warn!(wal = %wal.display(), %error, "inotify unavailable: polling for commits of other processes");
            None
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn report(_wal: &Path, _writer: Weak<Mutex<Writer>>) -> Option<Arc<dyn Changes>> {
    None
}
