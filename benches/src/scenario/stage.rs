//! What every round needs: the subject under test, the disk and the scale.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::base::bench_dir::BenchDir;
use crate::base::clock::{Clock, SystemClock};
use crate::base::error::Result;
use crate::base::profile::{Profile, Scale};
use crate::process::{CensusRole, count_afresh};
use crate::subject::local::LocalQueue;
#[cfg(feature = "postgres")]
use crate::subject::local::server::{self, Server};
use crate::subject::{Capability, Census, Durability, OpenOptions, Subject, SubjectKind};

/// Wraps the queue that a stage opens: a test of the harness spoils the queue with it.
pub type Between = Arc<dyn Fn(Box<dyn LocalQueue>) -> Box<dyn LocalQueue> + Send + Sync>;

/// The subject, the disk and the scale of a run.
#[derive(Clone)]
pub struct Stage {
    kind: SubjectKind,
    between: Option<Between>,
    clock: Arc<dyn Clock>,
    bench_dir: BenchDir,
    scale: Scale,
    durability: Durability,
    recounts: bool,
    /// The server of the subject, if it needs one.
    #[cfg(feature = "postgres")]
    _server: Option<Arc<Server>>,
}

impl Stage {
    /// The stage the environment asks for; in test mode at the trial's scale.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::base::error::Error::Setting) for an unknown subject or profile.
    pub fn from_env(trial: bool) -> Result<Self> {
        let profile = Profile::from_env()?;
        let scale = if trial { Scale::Trial } else { Scale::Profile(profile) };
        let stage = Self::new(SubjectKind::from_env()?, BenchDir::from_env(), scale);
        #[cfg(feature = "postgres")]
        let stage = stage.with_server()?;
        Ok(Self { recounts: true, ..stage })
    }

    /// A stage put together otherwise, for programs that are not suites: they cannot be started as the
    /// processes that count what a round left behind.
    #[must_use]
    pub fn new(kind: SubjectKind, bench_dir: BenchDir, scale: Scale) -> Self {
        Self {
            kind,
            between: None,
            clock: Arc::new(SystemClock),
            bench_dir,
            scale,
            durability: Durability::Full,
            recounts: false,
            #[cfg(feature = "postgres")]
            _server: None,
        }
    }

    /// With the server that the subject needs, if it needs one.
    ///
    /// # Errors
    /// [`Error::Unfit`](crate::base::error::Error::Unfit) if none can be started.
    #[cfg(feature = "postgres")]
    pub fn with_server(self) -> Result<Self> {
        if self.kind != SubjectKind::Postgres {
            return Ok(self);
        }
        let server = Server::from_env(&self.bench_dir)?;
        Ok(Self { _server: Some(Arc::new(server)), ..self })
    }

    /// The same stage with something between it and each subject it opens. Other processes open theirs as
    /// they are.
    #[must_use]
    pub fn with_between(&self, between: Between) -> Self {
        Self { between: Some(between), ..self.clone() }
    }

    /// The same stage by another clock, as a test of the harness has it.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self.clone() }
    }

    /// Whether the subject under test can do this.
    #[must_use]
    pub const fn can(&self, capability: Capability) -> bool {
        self.kind.can(capability)
    }

    /// The subject under test.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The disk.
    #[must_use]
    pub const fn bench_dir(&self) -> &BenchDir {
        &self.bench_dir
    }

    /// How large loads are.
    #[must_use]
    pub const fn scale(&self) -> Scale {
        self.scale
    }

    /// A new database, for a pool of up to this many workers.
    ///
    /// # Errors
    /// If its directory cannot be made or the subject cannot open it.
    pub fn database(&self, workers: usize) -> Result<Database> {
        let directory = self.bench_dir.fresh()?;
        let path = directory.path().join("queue.db");
        let options = OpenOptions { durability: self.durability, ..OpenOptions::durable(workers) };
        let clock = self.clock.clone();
        let subject: Box<dyn Subject> = match &self.between {
            None => self.kind.open_by(&path, options, clock)?,
            Some(between) => {
                let queue = between(self.kind.open_local(&path, options)?);
                Box::new(self.kind.in_process(queue, clock, &path))
            }
        };
        let (kind, recounts) = (self.kind, self.recounts);
        let place = Place { path, kind, _directory: directory };
        Ok(Database { subject, place, recounts })
    }

    /// The settings that the subject reads back from a new database.
    ///
    /// # Errors
    /// If it cannot open one or read them back.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        self.database(1)?.subject().settings()
    }

    /// The same stage with another subject, as it is.
    #[must_use]
    pub fn with_subject(&self, kind: SubjectKind) -> Self {
        Self { kind, between: None, ..self.clone() }
    }

    /// The same stage with another durability.
    #[must_use]
    pub fn with_durability(&self, durability: Durability) -> Self {
        Self { durability, ..self.clone() }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("kind", &self.kind)
            .field("bench_dir", &self.bench_dir)
            .field("scale", &self.scale)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

/// A database in a directory of its own, which is removed after the subject has closed it.
pub struct Database {
    subject: Box<dyn Subject>,
    place: Place,
    recounts: bool,
}

/// Where a database is, until it is removed.
struct Place {
    path: PathBuf,
    kind: SubjectKind,
    _directory: TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        #[cfg(feature = "postgres")]
        if self.kind == SubjectKind::Postgres {
            // What cannot be removed goes with a server that is ours, and stays on another.
            _ = server::remove(&self.path);
        }
    }
}

impl Database {
    /// The open subject.
    #[must_use]
    pub fn subject(&self) -> &dyn Subject {
        &*self.subject
    }

    /// Closes the database and has another process count the tasks in its file.
    /// Returns what is wrong if that is not what the round expects.
    ///
    /// # Errors
    /// [`Error::Child`](crate::base::error::Error::Child) if the process cannot do so.
    pub fn recount(self, queues: &[&str], expected: Census) -> Result<Option<String>> {
        let Self { subject, place, recounts } = self;
        drop(subject);
        if !recounts {
            return Ok(None);
        }
        let queues = queues.iter().map(|queue| (*queue).to_owned()).collect();
        let (subject, path) = (place.kind, place.path.clone());
        let found = count_afresh(CensusRole { subject, path, queues })?;
        Ok((found != expected).then(|| {
            format!("another process finds {found:?} in the file, {expected:?} was expected")
        }))
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// Whose it is.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.place.kind
    }
}
