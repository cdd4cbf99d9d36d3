//! What every round of a workload stands on: the engine under test, the disk and the scale.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::base::bench_dir::BenchDir;
use crate::base::clock::SystemClock;
use crate::base::error::{Error, Result};
use crate::base::profile::{Profile, Scale};
use crate::process::{CensusOrder, count_afresh};
use crate::subject::under_test::Subject;
use crate::subject::{self, Census, Durability, Engine, EngineKind};

/// Puts something between a stage and the engine it opens: a test of the harness spoils the engine with it.
pub type Between = Arc<dyn Fn(Box<dyn Engine>) -> Box<dyn Engine> + Send + Sync>;

/// The engine, the disk and the scale of a run.
#[derive(Clone)]
pub struct Stage {
    kind: EngineKind,
    between: Option<Between>,
    bench_dir: BenchDir,
    scale: Scale,
    durability: Durability,
    recounts: bool,
}

impl Stage {
    /// The stage the environment asks for; in test mode at the trial's scale.
    ///
    /// # Errors
    /// [`Error::Setting`] for an unknown engine or profile.
    pub fn from_env(trial: bool) -> Result<Self> {
        let profile = Profile::from_env()?;
        let scale = if trial { Scale::Trial } else { Scale::Profile(profile) };
        let stage = Self::new(EngineKind::from_env()?, BenchDir::from_env(), scale);
        Ok(Self { recounts: true, ..stage })
    }

    /// A stage put together otherwise, for programs that are not suites: they cannot be started as the
    /// processes that count what a round left behind.
    #[must_use]
    pub const fn new(kind: EngineKind, bench_dir: BenchDir, scale: Scale) -> Self {
        Self {
            kind,
            between: None,
            bench_dir,
            scale,
            durability: Durability::Full,
            recounts: false,
        }
    }

    /// The same stage with something between it and each engine it opens. Other processes open theirs as
    /// they are.
    #[must_use]
    pub fn with_between(&self, between: Between) -> Self {
        Self { between: Some(between), ..self.clone() }
    }

    /// The engine under test.
    #[must_use]
    pub const fn kind(&self) -> EngineKind {
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
    /// If its directory cannot be made or the engine cannot open it.
    pub fn database(&self, workers: usize) -> Result<Database> {
        let directory = self.bench_dir.fresh()?;
        let path = directory.path().join("queue.db");
        let mut engine = subject::open(self.kind, &path, workers, self.durability)?;
        if let Some(between) = &self.between {
            engine = between(engine);
        }
        let (kind, recounts) = (self.kind, self.recounts);
        Ok(Database { engine, path, kind, recounts, _directory: directory })
    }

    /// The settings that the engine reads back from a new database.
    ///
    /// # Errors
    /// If it cannot open one or read them back.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        let database = self.database(1)?;
        database.engine().settings().map_err(Error::engine("read its settings back"))
    }

    /// The same stage with another engine, as it is.
    #[must_use]
    pub fn with_engine(&self, kind: EngineKind) -> Self {
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

/// A database in a directory of its own, which is removed after the engine has closed it.
pub struct Database {
    engine: Box<dyn Engine>,
    path: PathBuf,
    kind: EngineKind,
    recounts: bool,
    _directory: TempDir,
}

impl Database {
    /// The open engine.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// Closes the database and has a process count what its file holds, which knows nothing else of it.
    /// Gives what is wrong if that is not what the books of the round say.
    ///
    /// # Errors
    /// [`Error::Child`] if the process cannot do so.
    pub fn recount(self, queues: &[&str], books: Census) -> Result<Option<String>> {
        let Self { engine, path, kind, recounts, _directory } = self;
        drop(engine);
        if !recounts {
            return Ok(None);
        }
        let queues = queues.iter().map(|queue| (*queue).to_owned()).collect();
        let found = count_afresh(CensusOrder { engine: kind, path, queues })?;
        Ok((found != books).then(|| {
            format!("another process finds {found:?} in the file, the books say {books:?}")
        }))
    }

    /// What a load is offered to, by the system's clock.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject { engine: self.engine(), clock: Arc::new(SystemClock), file: Some(self.path()) }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
