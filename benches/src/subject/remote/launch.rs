//! How a driver is started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::family::MARK;
use super::manifest::{Manifest, ManifestError};

static STARTED: AtomicU64 = AtomicU64::new(0);

/// The command of a driver.
#[derive(Debug, Clone)]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    violations: Violations,
}

/// What was on the output of drivers that is not of the protocol.
#[derive(Debug, Clone, Default)]
pub(super) struct Violations(Arc<Mutex<Vec<String>>>);

impl Violations {
    pub(super) fn add(&self, found: Vec<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    }
}

impl Launch {
    /// A program and its arguments.
    pub fn program(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self {
            program: program.into(),
            arguments,
            directory: None,
            variables: Vec::new(),
            violations: Violations::default(),
        }
    }

    /// The driver of a manifest.
    #[must_use]
    pub fn shipped(manifest: &Manifest) -> Self {
        let (program, arguments) = manifest.command();
        let launch = Self::program(program, arguments.iter().cloned());
        Self { directory: Some(manifest.folder().to_owned()), ..launch }
    }

    /// What a user names: a folder with a `driver.toml`, or a program with its arguments.
    ///
    /// # Errors
    /// If the folder has no manifest that can be read.
    pub fn named(named: &Path, arguments: &[OsString]) -> Result<Self, ManifestError> {
        if named.is_dir() {
            return Ok(Self::shipped(&Manifest::read(named)?));
        }
        // Without a slash it is looked for where programs are installed, as in a shell.
        Ok(Self::program(named, arguments))
    }

    /// The same with an environment variable.
    #[must_use]
    pub fn with(mut self, variable: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((variable.into(), value.into()));
        self
    }

    /// The same, run by another program that is given it as its last arguments.
    #[must_use]
    pub fn under(self, tool: &str, arguments: Vec<OsString>) -> Self {
        let own = std::iter::once(self.program).chain(self.arguments);
        let arguments = arguments.into_iter().chain(own).collect();
        Self { program: tool.into(), arguments, ..self }
    }

    /// What the drivers that were started by it, and have ended, wrote to their output that is not of the protocol;
    /// each is returned once.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *self.violations.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) const fn violations(&self) -> &Violations {
        &self.violations
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The command, and the mark that all its processes inherit.
    pub(super) fn command(&self) -> (Command, String) {
        let mark = format!("{}-{}", process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.variables.iter().cloned()).env(MARK, &mark);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        (command, mark)
    }
}
