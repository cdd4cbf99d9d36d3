//! The record as far as it has come: it is written at the end, or when the run is stopped before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prismq_record::VersusRecord;
use prismq_record::files::write_versus;

use super::NAME;
use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::base::paths;
use crate::environment;
use crate::run::interrupt;

/// A record that grows.
#[derive(Debug)]
pub(super) struct Draft {
    directory: BenchDir,
    record: Mutex<VersusRecord>,
}

impl Draft {
    /// Begins with a record without figures. If the run is stopped, what there is by then is written.
    ///
    /// # Errors
    /// If signals cannot be received.
    pub(super) fn begin(directory: &BenchDir, record: VersusRecord) -> Result<Arc<Self>> {
        let draft = Arc::new(Self { directory: directory.clone(), record: Mutex::new(record) });
        let stopped = draft.clone();
        interrupt::on_stop(move || stopped.stop())?;
        Ok(draft)
    }

    pub(super) fn record(&self) -> MutexGuard<'_, VersusRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes it, and returns where to.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self) -> Result<String> {
        let mut record = self.record();
        record.ended_at = Timestamp::now();
        record.environment.after = environment::conditions(&self.directory);
        let path = write_versus(&paths::results_dir(), &record)
            .map_err(|error| Error::Record { source: error.into() })?;
        Ok(path.display().to_string())
    }

    fn stop(&self) {
        let is_measured = {
            let mut record = self.record();
            record.stopped = true;
            record.contenders.iter().any(|contender| !contender.figures.is_empty())
        };
        match is_measured.then(|| self.write()) {
            Some(Ok(path)) => {
                eprintln!("{NAME}: stopped; what was measured until then is written to {path}");
            }
            Some(Err(error)) => eprintln!("error: {NAME}: {error}"),
            None => eprintln!("{NAME}: stopped before anything was measured"),
        }
        self.directory.remove_all();
    }
}
