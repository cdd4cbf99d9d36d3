//! What every round of a workload stands on: the engine under test, the disk and the scale.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::bench_dir::BenchDir;
use crate::engine::{Durability, Engine, EngineKind, OpenOptions};
use crate::error::{Error, Result};
use crate::profile::{Profile, Scale};

/// Failed tasks of the fault workload come back after this long: soon, but not at once.
const RETRY: Duration = Duration::from_millis(20);
const OPEN: &str = "open a database";

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
}

impl Stage {
    /// The stage the environment asks for; in test mode at the trial's scale.
    ///
    /// # Errors
    /// [`Error::Setting`] for an unknown engine or profile.
    pub fn from_env(trial: bool) -> Result<Self> {
        let profile = Profile::from_env()?;
        let scale = if trial { Scale::Trial } else { Scale::Profile(profile) };
        Ok(Self::new(EngineKind::from_env()?, BenchDir::from_env(), scale))
    }

    /// A stage put together otherwise.
    #[must_use]
    pub const fn new(kind: EngineKind, bench_dir: BenchDir, scale: Scale) -> Self {
        Self { kind, between: None, bench_dir, scale, durability: Durability::Full }
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
        let options = OpenOptions { durability: self.durability, ..options(workers) };
        let mut engine = self.kind.open(&path, options).map_err(Error::engine(OPEN))?;
        if let Some(between) = &self.between {
            engine = between(engine);
        }
        Ok(Database { engine, path, _directory: directory })
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

/// Opens the database in this file with full durability, as nearly all rounds do.
///
/// # Errors
/// [`Error::Engine`].
pub fn open(kind: EngineKind, path: &Path, workers: usize) -> Result<Box<dyn Engine>> {
    kind.open(path, options(workers)).map_err(Error::engine(OPEN))
}

const fn options(workers: usize) -> OpenOptions {
    OpenOptions { workers, retry: RETRY, durability: Durability::Full }
}

/// A database in a directory of its own, which is removed after the engine has closed it.
pub struct Database {
    engine: Box<dyn Engine>,
    path: PathBuf,
    _directory: TempDir,
}

impl Database {
    /// The open engine.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
