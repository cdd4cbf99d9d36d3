//! Opens a stage in a directory of its own, for tests of workloads.

use prismq_bench::bench_dir::BenchDir;
use prismq_bench::engine::EngineKind;
use prismq_bench::profile::Scale;
use prismq_bench::stage::Stage;
use tempfile::TempDir;

/// A stage that leaves nothing behind once the directory beside it is dropped.
pub(crate) fn stage(engine: EngineKind) -> std::io::Result<(TempDir, Stage)> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(engine, BenchDir::at(directory.path()), Scale::Trial);
    Ok((directory, stage))
}

/// All engines.
pub(crate) const ENGINES: [EngineKind; 3] =
    [EngineKind::Prismq, EngineKind::Pooled, EngineKind::Mutex];
