//! A queue that is moved here from another engine.
//!
//! Each batch of rows is committed together with how far it has come, so that an interrupted migration goes on there. Claims
//! find tasks by narrow rows, which are inserted last, by the transaction that lets the queue be used ([`finish`]). Before
//! it, all that was copied is counted on both sides, and the source is marked for good.

mod finish;
mod parts;
mod progress;

use std::time::{Duration, Instant};

use self::progress::Progress;
use super::batch::statements::Statements;
use super::client::{Address, Client, Role};
use super::schema;
use crate::engine::moving::{Destination, MigrationReport, Part, Source};
use crate::model::{Durability, Error, MigrationError, Result, limits};

/// How often the log says how far it has come.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

/// The database that a queue is moved to.
#[derive(Debug)]
struct Target {
    client: Client,
    statements: Statements,
    /// Hosts, ports, database and schema.
    label: String,
}

/// Moves a queue to a schema that holds none, or goes on with a migration that was interrupted.
pub(crate) fn migrate(source: &mut dyn Source, address: Address) -> Result<MigrationReport> {
    let started = Instant::now();
    let target = Target::open(address)?;
    let found = target.find()?;
    let marked = source.mark()?;
    let resumed = marked.is_some();
    let mark = match marked {
        Some(mark) if mark.target_number != found.number => {
            let (path, target) = (source.path().to_owned(), mark.target);
            let reason = match mark.complete {
                true => MigrationError::Moved { path, target },
                false => MigrationError::InProgress { path, target },
            };
            return Err(Error::Migration { reason });
        }
        Some(mark) => mark,
        None if found.is_in_use => return Err(target.in_use()),
        None => {
            let label = target.label.clone();
            source.begin(&Destination { label, number: found.number, now: found.now })?
        }
    };
    let mut progress = match found.progress {
        Some(progress) if progress.migration == mark.migration => progress,
        // None, or that of a migration which was cancelled.
        _ => {
            let begun = target.begin(mark.migration, source.next_id()?);
            if matches!(begun, Err(Error::Refused { .. })) {
                source.cancel()?;
            }
            begun?
        }
    };
    if !progress.complete {
        target.copy(&*source, &mut progress)?;
        target.compare(&*source)?;
        if !source.complete(mark.migration)? {
            return Err(progress::not_as_left());
        }
        target.finish(&progress)?;
    }
    let tasks = u64::try_from(progress.tasks).unwrap_or(0);
    tracing::info!(target_database = target.label, tasks, "queue moved");
    Ok(MigrationReport { tasks, resumed, took: started.elapsed() })
}

impl Target {
    fn open(address: Address) -> Result<Self> {
        let schema = address.schema().to_owned();
        let label = address.described();
        let client =
            Client::open(address, Durability::Full, limits::BUSY_WAIT_DEFAULT, |transaction| {
                schema::make(transaction, &schema)
            })?;
        let statements = Statements::new(client.schema());
        Ok(Self { client, statements, label })
    }

    /// It holds a queue, or settings of one, which are not touched.
    fn in_use(&self) -> Error {
        let reason = "it holds a queue, or settings of one, already: name another schema by ?schema=NAME, or drop the \
                      schema if nothing of it is needed"
            .to_owned();
        Error::Refused { server: self.label.clone(), reason }
    }

    /// Copies what is not copied yet. A crash of the server may undo the last batches, with the progress that they made,
    /// which the next batch then finds.
    fn copy(&self, source: &dyn Source, progress: &mut Progress) -> Result<()> {
        let mut logged = Instant::now();
        for (place, part) in (0..).zip(Part::ALL) {
            if place < progress.part {
                continue;
            }
            let mut last = if place == progress.part { progress.last } else { [0, 0] };
            while let Some(rows) = source.rows(part, last)? {
                let next = progress.after(place, part, &rows);
                let insert = self.statements.text(parts::insert(part));
                let advance = self.statements.text(progress::ADVANCE);
                let columns = parts::storable_columns(rows.columns);
                let (of_rows, of_progress) = (parts::parameters(&columns), progress.to(&next));
                self.client.transaction(Role::Relaxed, |transaction| {
                    // Nothing is inserted where it does not follow: whoever goes on from there will do that.
                    if transaction.query(&advance, &of_progress)?.is_empty() {
                        return Err(progress::not_as_left());
                    }
                    transaction.finish(&[(&*insert, &of_rows)]).map(drop)
                })?;
                (*progress, last) = (next, next.last);
                if logged.elapsed() >= LOG_INTERVAL {
                    logged = Instant::now();
                    tracing::info!(?part, tasks = progress.tasks, "moving a queue");
                }
            }
        }
        Ok(())
    }
}
