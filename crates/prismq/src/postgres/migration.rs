//! Moving a queue from a file to PostgreSQL.

use std::path::Path;

pub use crate::engine::MigrationReport;
use crate::engine::{self, ServerAddress};
use crate::model::Result;

/// Moves the queue of a file to a schema of a PostgreSQL database that holds none, or goes on with a migration that was
/// interrupted. See the [module](crate::postgres) for the URL.
///
/// Everything is moved: waiting, dead and kept tasks with their payloads, results, failed attempts and what handlers noted;
/// unique keys; queues with their orders, settings, retention and counters; limits, and keys with their turns; schedules
/// with their next slots; retry policies and retentions of types. Tasks keep their ids, so that those an application has
/// stored still find them; the ids of later tasks are higher. Leases do not outlive it: a lease of the file is a
/// [`ForeignLease`](crate::Error::ForeignLease) on the server.
///
/// Stop the workers and the programs that enqueue, or let them fail and come back. From the first step on, nobody can open the
/// file, claim from it or change it, by handles that are open neither: [`Error::Migration`](crate::Error::Migration) names the
/// server without its password, and an `INSERT` into `prismq_inbox` fails too. Only reads of handles that are open still show
/// what was there. The queue on the server cannot be opened before all of it is there and was counted on both sides. So no
/// task is in use twice, whenever this is interrupted: call it again with the same URL, and it goes on where it stopped.
/// [`cancel_migration`] gives it up instead.
///
/// The file stays as it was, so that there is no need for a backup; nothing uses it any more, and it can be deleted.
///
/// # Errors
/// [`Error::Migration`](crate::Error::Migration) with [`LeasesHeld`](crate::MigrationError::LeasesHeld) while workers hold
/// tasks of the file, with [`InboxNotEmpty`](crate::MigrationError::InboxNotEmpty) if rows of its inbox cannot become
/// tasks, with [`Moved`](crate::MigrationError::Moved) or [`InProgress`](crate::MigrationError::InProgress) if it is moved
/// to another database, with [`Differs`](crate::MigrationError::Differs) if the copy is not what the file has.
/// [`Error::Refused`](crate::Error::Refused) if the schema holds a queue already, or settings of one; otherwise as
/// [`Queue::connect`](crate::Queue::connect) and [`Queue::open`](crate::Queue::open).
///
/// # Examples
/// ```no_run
/// # fn main() -> Result<(), prismq::Error> {
/// let report = prismq::postgres::migrate("queue.db", "postgres://app@db.example.com/app")?;
/// println!("{} tasks moved in {:?}", report.tasks, report.took);
/// # Ok(())
/// # }
/// ```
pub fn migrate(file: impl AsRef<Path>, url: &str) -> Result<MigrationReport> {
    engine::migrate(file.as_ref(), ServerAddress::parse(url)?)
}

/// Gives up a migration that is not complete: the file can be used again as before. What was copied is removed when the
/// same schema is migrated to the next time. Does nothing if the file is not being moved.
///
/// # Errors
/// [`Error::Migration`](crate::Error::Migration) with [`Moved`](crate::MigrationError::Moved) if the queue may be in use on
/// the server already; the errors of [`Queue::open`](crate::Queue::open).
pub fn cancel_migration(file: impl AsRef<Path>) -> Result<()> {
    engine::cancel_migration(file.as_ref())
}
