//! Operations in a transaction of the application's own, which may see an old state of the database and be committed
//! much later.

use crate::engine::postgres::PostgresEngine;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::Columns;
use crate::engine::postgres::client::caller::CallersTransaction;
use crate::engine::{Answer, Operation};
use crate::model::{Error, Result};

/// What a transaction sees of what others commit meanwhile.
const ISOLATION: &str = "SELECT current_setting('transaction_isolation')";

/// The number of the transaction on the server.
const NUMBER: &str = "SELECT pg_current_xact_id()::text";

/// The transaction's snapshot is from before something that the operation needs.
pub(crate) fn too_old(what: &str) -> Error {
    let reason = format!("began before {what}: begin it again, or as READ COMMITTED");
    Error::invalid("transaction", reason)
}

impl PostgresEngine {
    /// Applies an operation that adds or completes tasks in a transaction of the application's own, on a connection of
    /// its own to this database.
    pub(crate) fn apply_in(
        &self,
        transaction: &mut CallersTransaction,
        operation: Operation,
    ) -> Result<Answer> {
        let batch = [operation];
        let mut run = Run::begin(transaction, &self.shared, &batch)?;
        if run.number != self.number {
            let reason = "is of another database than this queue: begin it on a connection to the queue's database";
            return Err(Error::invalid("transaction", reason));
        }
        let started = run.started;
        // From here on no lane is freed until the transaction ends, and what was freed before it shows now.
        if run.last_lane < self.shared.lanes().last() {
            // Its snapshot is old, or the database was restored.
            self.reading().reread_lanes()?;
        } else {
            self.reading().refresh_lanes()?;
        }
        self.add_names(&batch, None)?;
        if self.shared.lanes().source().started != started {
            let reason = "is on another server than the queue's other sessions: begin it on a connection to the same server";
            return Err(Error::invalid("transaction", reason));
        }
        let applied = run.apply(&batch)?;
        let is_limited =
            |operation: &Operation| operation.ends_lease().is_some_and(|key| key.limited);
        let frees_slot = run.frees_slot() || batch.iter().any(is_limited);
        run.finish()?;
        let mut answers = run.answers(applied)?;
        let answered = answers.iter().all(Result::is_ok);
        let work = self.new_work(&batch, &answers, frees_slot && answered);
        if !work.is_none() {
            self.client.notify_all_after(run.row(NUMBER, &[])?.column(0)?, work);
        }
        answers.pop().unwrap_or_else(|| Err(Error::unanswered()))
    }
}

impl Run<'_, '_> {
    /// Refuses a transaction of the application's that does not see what others have committed meanwhile, where that
    /// matters.
    pub(super) fn refuse_old_snapshot(&mut self, what: &str) -> Result<Result<()>> {
        if !self.is_of_caller() {
            return Ok(Ok(()));
        }
        let isolation: String = self.row(ISOLATION, &[])?.column(0)?;
        Ok(match isolation.as_str() {
            "read committed" | "read uncommitted" => Ok(()),
            _ => Err(Error::invalid(
                "transaction",
                format!("is {}: {what} need READ COMMITTED", isolation.to_uppercase()),
            )),
        })
    }
}
