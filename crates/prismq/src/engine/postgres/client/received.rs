//! What the answers to statements that were sent together show: rows, the first failure, and whether it proves that
//! nothing was committed.

use tokio_postgres::Error as DriverError;

use super::connection::Connector;
use super::error::{self, Failure};
use super::server::has_standby;
use super::session::{Answer, Row, values};

/// What has been received so far.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// Of each statement that succeeded.
    pub(super) rows: Vec<Vec<Row>>,
    pub(super) failed: Option<Failure>,
    /// How many statements were answered.
    pub(super) answered: usize,
    /// Whether the server itself answered that a statement failed, and so did not commit.
    pub(super) proves_rollback: bool,
    /// The session went on after `BEGIN` had failed, or outside the transaction: statements were committed on their own.
    pub(super) is_autocommitted: bool,
    /// Whether there was a standby, if `BEGIN` asked for that.
    pub(super) standbys: Option<bool>,
}

impl Received {
    /// Takes in the answer to `BEGIN`.
    pub(super) fn begun(
        &mut self,
        connector: &Connector,
        answer: Option<Result<Answer, DriverError>>,
    ) {
        match answer {
            Some(Ok(Answer::Texts(texts))) => {
                self.standbys = Some(has_standby(values(&texts).next()));
            }
            Some(Ok(Answer::Rows(_))) | None => {
                self.failed = Some(Failure::lost("the server did not answer in time"));
            }
            Some(Err(error)) => {
                let failure = error::of_statement(&error, connector.wait);
                let is_lost = matches!(failure, Failure::Lost { .. });
                self.proves_rollback =
                    is_lost && error::proves_rollback(&error, connector.address.pooler);
                self.is_autocommitted = !is_lost;
                self.failed = Some(failure);
            }
        }
    }

    /// Takes in the answer to the next statement.
    pub(super) fn statement(&mut self, connector: &Connector, answer: Result<Answer, DriverError>) {
        self.answered += 1;
        // Where the transaction had failed, what succeeds after that was not in it.
        self.is_autocommitted |= self.failed.is_some() && answer.is_ok();
        match answer {
            Ok(Answer::Rows(rows)) => self.rows.push(rows),
            Ok(Answer::Texts(_)) => self.rows.push(Vec::new()),
            Err(error) => {
                // The transaction had begun before the text that begins it failed.
                self.is_autocommitted &= !error::is_in_failed_transaction(&error);
                self.proves_rollback |= error::proves_rollback(&error, connector.address.pooler);
                self.failed.get_or_insert(error::of_statement(&error, connector.wait));
            }
        }
    }
}
