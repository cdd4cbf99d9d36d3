//! One run id for all suites of one `cargo bench`.
//!
//! The suites are processes of their own that share only their parent. The first to finish makes up
//! an id and keeps it, with the identity of the parent, in a file in the target directory; those after it
//! find themselves to be of the same parent. A process id alone would come round again, so the
//! parent's start time is part of it. Each run has a file of its own, as several may take turns; those
//! whose parent has ended are removed by the next.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ulid::Ulid;

use crate::base::error::{Error, Result};

const FOLDER: &str = "runs";

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
        Self::of_invocation(target_dir, format!("{parent}-{started}"))
    }

    /// The run of an invocation named otherwise, `PROCESS-START`.
    pub fn of_invocation(target_dir: &Path, invocation: impl Into<String>) -> Self {
        let directory = target_dir.join("prismq-bench").join(FOLDER);
        Self { directory, invocation: invocation.into() }
    }

    /// The id of this invocation's run, if a suite of it has taken one.
    #[must_use]
    pub fn existing(&self) -> Option<String> {
        let text = fs::read_to_string(self.directory.join(&self.invocation)).ok()?;
        let id = text.trim_end();
        Ulid::from_string(id).is_ok().then(|| id.to_owned())
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
        let path = self.directory.join(&self.invocation);
        fs::create_dir_all(&self.directory).map_err(Error::io("create", &self.directory))?;
        self.forget_ended();
        let keep = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            writeln!(file, "{id}")?;
            file.persist(&path)?;
            Ok(())
        };
        keep().map_err(Error::io("write", &path))?;
        Ok(id)
    }

    /// Removes the files of runs that are over. What cannot be removed is left to the next.
    fn forget_ended(&self) {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for file in files.filter(|file| file.file_name().to_str().is_some_and(|name| !runs(name))) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Whether the parent that an invocation names is still there.
fn runs(invocation: &str) -> bool {
    let parent = invocation.split_once('-');
    let parent = parent.and_then(|(process, started)| Some((process.parse().ok()?, started)));
    parent.is_some_and(|(process, started)| start_time(process).as_deref() == Some(started))
}

/// When a process started, in clock ticks since the machine did: field 22 of its `stat`.
fn start_time(process: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses and may itself contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19).map(str::to_owned)
}
