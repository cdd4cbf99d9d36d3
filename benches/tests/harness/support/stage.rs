//! Opens a stage in a directory of its own, for tests of workloads.

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use tempfile::TempDir;

/// A stage that leaves nothing behind once the directory returned with it is dropped.
pub(crate) fn stage(subject: SubjectKind) -> std::io::Result<(TempDir, Stage)> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(subject, BenchDir::at(directory.path()), Scale::Trial);
    Ok((directory, stage))
}

/// All subjects.
pub(crate) const SUBJECTS: [SubjectKind; 3] =
    [SubjectKind::Prismq, SubjectKind::Pooled, SubjectKind::Mutex];
