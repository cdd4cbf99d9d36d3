//! An initialised cluster that is copied for each test.

use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::server::{Server, failed};

/// The template of the clusters that exist now.
static TEMPLATE: Mutex<Weak<Template>> = Mutex::new(Weak::new());

/// A cluster that is never started.
#[derive(Debug)]
pub(crate) struct Template {
    folder: TempDir,
}

impl Template {
    /// The one in use, or a new one.
    pub(crate) fn get(server: &Server) -> io::Result<Arc<Self>> {
        let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = template.upgrade() {
            return Ok(template);
        }
        let folder = new_folder(server)?;
        let mut initdb = server.command("initdb");
        initdb.arg("-D").arg(folder.path().join("data"));
        // Nothing is synced: tests kill processes, not machines.
        initdb.args(["-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "-N"]);
        failed(&mut initdb)?;
        let new = Arc::new(Self { folder });
        *template = Arc::downgrade(&new);
        Ok(new)
    }

    /// Copies it into a folder of its own.
    pub(crate) fn copy(&self, server: &Server) -> io::Result<TempDir> {
        let folder = new_folder(server)?;
        let mut copy = server.command("cp");
        copy.args(["-a", "--reflink=auto"]).arg(self.data()).arg(folder.path().join("data"));
        failed(&mut copy)?;
        Ok(folder)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// A folder in which the server's user may write, and every user reach its socket. The path of a socket must be short.
pub(crate) fn new_folder(server: &Server) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("pg").tempdir()?;
    let path: &Path = folder.path();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755))?;
    if let Some((user, group)) = server.user() {
        chown(path, Some(user), Some(group))?;
    }
    Ok(folder)
}
