//! One run id for all suites of one `cargo bench`.
//!
//! The suites are processes of their own that share only their parent. The first to finish makes up
//! an id and keeps it, beside who the parent is, in a file in the target directory; those after it
//! find themselves to be of the same parent. A process id alone would come round again, so the
//! parent's start time is part of it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ulid::Ulid;

use crate::error::{Error, Result};

const FILE: &str = "run";

/// Knows which run this process belongs to.
#[derive(Debug, Clone)]
pub struct RunIdentity {
    directory: PathBuf,
    invocation: String,
}

impl RunIdentity {
    /// The run of this process's parent, remembered under this target directory.
    #[must_use]
    pub fn of_parent(target_dir: &Path) -> Self {
        let parent = rustix::process::getppid().map_or(0, |id| id.as_raw_nonzero().get());
        let started = start_time(parent).unwrap_or_else(|| "unknown".to_owned());
        Self::of_invocation(target_dir, format!("{parent} {started}"))
    }

    /// The run of an invocation named otherwise.
    pub fn of_invocation(target_dir: &Path, invocation: impl Into<String>) -> Self {
        Self { directory: target_dir.join("prismq-bench"), invocation: invocation.into() }
    }

    /// The id of this invocation's run, if a suite of it has taken one.
    #[must_use]
    pub fn existing(&self) -> Option<String> {
        let text = fs::read_to_string(self.directory.join(FILE)).ok()?;
        let (invocation, id) = text.trim_end().split_once('\n')?;
        (invocation == self.invocation && Ulid::from_string(id).is_ok()).then(|| id.to_owned())
    }

    /// The id of this invocation's run, made up now if no suite of it has done so.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be kept for the suites to come.
    pub fn take(&self) -> Result<String> {
        if let Some(id) = self.existing() {
            return Ok(id);
        }
        let id = Ulid::generate().to_string();
        let path = self.directory.join(FILE);
        fs::create_dir_all(&self.directory).map_err(Error::io("create", &self.directory))?;
        let keep = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            writeln!(file, "{}\n{id}", self.invocation)?;
            file.persist(&path)?;
            Ok(())
        };
        keep().map_err(Error::io("write", &path))?;
        Ok(id)
    }
}

/// When a process started, in clock ticks since the machine did: field 22 of its `stat`.
fn start_time(process: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses and may itself contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}
