//! A transaction, statement by statement or many of them in one round trip.

use std::cell::Cell;
use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::Error as DriverError;

use super::Role;
use super::caller::Executor;
use super::connection::{Connector, session_name};
use super::error::{self, Failure, UNNAMED_POOLER};
use super::io;
use super::outcome::Commit;
use super::received::Received;
use super::server::{NO_STANDBY, STANDBYS, has_standby};
use super::session::{Answer, Pending, Row, Session, Statement, Together, values};
use super::value::Value;
use crate::model::{Error, Result};

/// How long an answer may take, beyond the wait for locks, before the connection is given up.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Asks for the number of the transaction, where no other statement does. It is separate from `BEGIN`, as a statement that
/// is prepared costs the server half as much; behind a pooler nothing is prepared.
const NUMBER: &str = "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text";

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// `BEGIN` is sent with the first statement; never for reads, nor with a statement that is the whole transaction.
    New,
    Begun,
    /// Committed, or rolled back.
    Ended,
}

/// A transaction in progress. After the first error all later calls fail.
pub(crate) struct Transaction<'s> {
    session: &'s mut Session,
    connector: &'s Connector,
    role: Role,
    stage: Stage,
    /// Its number on the server, where the commit may have to be asked for.
    number: Option<u64>,
    /// Whether its first statement returns that.
    numbered_by_first: bool,
    /// How long the server worked on each of the statements of its last round trip, the making of plans left out: `None`
    /// for one whose plan was made then.
    took: Vec<Option<Duration>>,
    failure: Option<Failure>,
    /// Whether the failure of a statement that was sent without `COMMIT` proves that nothing was committed.
    proves_rollback: bool,
}

impl<'s> Transaction<'s> {
    pub(super) const fn new(
        session: &'s mut Session,
        connector: &'s Connector,
        role: Role,
    ) -> Self {
        Self {
            session,
            connector,
            role,
            stage: Stage::New,
            number: None,
            numbered_by_first: false,
            took: Vec::new(),
            failure: None,
            proves_rollback: false,
        }
    }

    /// Higher than the epochs of all earlier sessions that this server knows of. It is committed durably, so that a crash
    /// may undo a claim but not the epoch of its token; a promoted standby may lack the last ones.
    pub(crate) const fn epoch(&self) -> i64 {
        self.session.epoch
    }

    /// The lowest token that it gives, by its epoch and a random number.
    pub(crate) const fn lowest_token(&self) -> i64 {
        self.session.lowest_token
    }

    /// Whether the server has answered on this session so short a time ago. One that is silent for longer may be lost
    /// unnoticed.
    pub(crate) fn was_heard_within(&self, time: Duration) -> bool {
        self.session.heard.elapsed() <= time
    }

    /// Runs a statement and returns its rows.
    pub(crate) fn query(&mut self, sql: &str, values: &[&dyn Value]) -> Result<Vec<Row>> {
        let mut answers = self.pipeline(&[(sql, values)])?;
        answers.pop().ok_or_else(Error::unanswered)
    }

    /// Runs statements in one round trip, and returns the rows of each.
    ///
    /// # Errors
    /// That of the first which failed.
    pub(crate) fn pipeline(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>> {
        self.send(statements, false)
    }

    /// Runs statements and commits, in one round trip. The rows are those of a committed transaction only once the
    /// whole transaction has succeeded.
    pub(crate) fn finish(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>> {
        self.send(statements, self.role != Role::Reader)
    }

    /// Whether [`Self::autocommit`] may be used: not behind a pooler, where a transaction sets what it runs with, nor where
    /// one has to discard plans first.
    pub(crate) fn may_autocommit(&self) -> bool {
        self.session.prepared.is_some()
            // What could not be sent would be taken for what may have been committed.
            && !self.session.client.is_closed()
            && !self.session.plans.are_outdated(Instant::now())
    }

    /// Runs a statement that is the whole transaction, and is committed with it.
    pub(crate) fn autocommit(&mut self, statement: Statement<'_>) -> Result<Vec<Row>> {
        self.refuse_failed()?;
        // A failure of this is none of the commit.
        self.prepare(&[statement])?;
        let ran = self.send_all(None, &[statement], false, false);
        self.stage = Stage::Ended;
        if !self.proves_rollback
            && let Some(failure) = self.failure.take()
        {
            self.failure = Some(self.in_commit(failure.reason()));
        }
        ran?.pop().ok_or_else(Error::unanswered)
    }

    /// Runs SQL without values, several statements at once.
    pub(crate) fn run_script(&mut self, sql: &str) -> Result<()> {
        self.refuse_failed()?;
        let begin = self.begin();
        let is_numbered = self.is_numbered(begin.is_some());
        let (session, connector) = (&*self.session, self.connector);
        let number = Cell::new(None);
        let begins = begin.as_deref().map(|begin| session.simple(begin));
        let asks = is_numbered.then(|| noted(session.simple(NUMBER), &number));
        let pending = begins.into_iter().chain(asks).chain(iter::once(session.simple(sql)));
        let answers = io::wait(Together::new(pending.collect()), until(connector));
        self.number = self.number.or(number.get());
        let statements = 1 + usize::from(is_numbered);
        self.accept(answers, begin.is_some(), statements, false).map(drop)
    }

    /// Ends the transaction: it is committed if that is wanted and nothing failed.
    pub(super) fn end(mut self, commit: bool) -> Result<(), Failure> {
        if self.failure.is_none() && commit && self.stage == Stage::Begun {
            // The failure is kept.
            _ = self.send(&[], true);
        }
        if self.stage == Stage::Begun && !matches!(self.failure, Some(Failure::Lost { .. })) {
            let rollback = self.session.client.simple_query("ROLLBACK");
            match io::wait(rollback, until(self.connector)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => self.failure = Some(Failure::lost(error::message(&error))),
                None => self.failure = Some(Failure::lost(unanswered())),
            }
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn send(&mut self, statements: &[Statement<'_>], commit: bool) -> Result<Vec<Vec<Row>>> {
        self.refuse_failed()?;
        let begin = self.begin();
        let is_numbered = self.is_numbered(begin.is_some());
        let is_asked = is_numbered && !self.numbered_by_first;
        let first: Option<Statement<'_>> = is_asked.then_some((NUMBER, &[]));
        let statements: Vec<Statement<'_>> =
            first.into_iter().chain(statements.iter().copied()).collect();
        let mut rows = self.send_all(begin.as_deref(), &statements, is_numbered, commit)?;
        rows.drain(..usize::from(is_asked).min(rows.len()));
        Ok(rows)
    }

    /// Sends what begins the transaction, these statements, of which the first may return its number, and the commit.
    fn send_all(
        &mut self,
        begin: Option<&str>,
        statements: &[Statement<'_>],
        is_numbered: bool,
        commit: bool,
    ) -> Result<Vec<Vec<Row>>> {
        self.prepare(statements)?;
        let (session, connector) = (&*self.session, self.connector);
        let sent = Instant::now();
        let (begun, number) = (Cell::new(None), Cell::new(None));
        let answered: Vec<Cell<Option<Instant>>> =
            statements.iter().map(|_| Cell::new(None)).collect();
        let pending: Vec<Pending<'_, _>> = begin
            .map(|begin| timed(session.simple(begin), &begun))
            .into_iter()
            .chain(statements.iter().zip(&answered).enumerate().map(|(place, (statement, at))| {
                let answer = session.query(*statement);
                timed(if is_numbered && place == 0 { noted(answer, &number) } else { answer }, at)
            }))
            .chain(commit.then(|| session.simple("COMMIT")))
            .chain((commit && connector.needs_standby(self.role)).then(|| session.simple(STANDBYS)))
            .collect();
        let answers = io::wait(Together::new(pending), until(connector));
        self.number = self.number.or(number.get());
        if answers.is_some() {
            self.session.heard = Instant::now();
        }
        if answered.iter().all(|at| at.get().is_some()) {
            let times = iter::once(&begun).chain(&answered);
            let times: Vec<Instant> = times.filter_map(Cell::get).collect();
            let mut took = self.session.round_trip.of_each(sent, &times);
            let of_statements = took.split_off(usize::from(begin.is_some()).min(took.len()));
            let (plans, is_prepared) = (&mut self.session.plans, self.session.prepared.is_some());
            let ran = statements.iter().zip(of_statements);
            self.took = ran
                .map(|((sql, _), took)| (!is_prepared || plans.ran(sql, took)).then_some(took))
                .collect();
        }
        self.accept(answers, begin.is_some(), statements.len(), commit)
    }

    /// Prepares those of the statements that are not prepared yet.
    fn prepare(&mut self, statements: &[Statement<'_>]) -> Result<()> {
        match self.session.prepare(statements, until(self.connector)) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.fail(error::of_statement(&error, self.connector.wait))),
            None => Err(self.fail(Failure::lost(unanswered()))),
        }
    }

    /// Takes in the answers to `BEGIN` if it was sent, to the statements, and to `COMMIT` if it was sent, with the standbys
    /// that it waited for; `None` if not all came in time.
    fn accept(
        &mut self,
        answers: Option<Vec<Result<Answer, DriverError>>>,
        begun: bool,
        statements: usize,
        commit: bool,
    ) -> Result<Vec<Vec<Row>>> {
        let is_late = answers.is_none();
        let mut answers = answers.unwrap_or_default().into_iter();
        let mut received = Received::default();
        if begun {
            self.stage = Stage::Begun;
            received.begun(self.connector, answers.next());
            if let Some(standbys) = received.standbys.take().filter(|_| !commit)
                && self.connector.needs_standby(self.role)
                && !standbys
            {
                // If the commit was sent along, its own answer says whether there was a standby.
                received.failed = Some(Failure::Refused(self.connector.refused(NO_STANDBY)));
            }
        }
        for answer in answers.by_ref().take(statements) {
            received.statement(self.connector, answer);
        }
        if received.failed.is_none() && received.rows.len() < statements {
            received.failed = Some(Failure::lost(unanswered()));
        }
        if !commit {
            let Received { rows, failed, proves_rollback, .. } = received;
            self.proves_rollback = proves_rollback;
            return failed.map_or(Ok(rows), |failure| Err(self.fail(failure)));
        }
        let answer = answers.next();
        let rows = self.committed(answer, received, is_late)?;
        self.replicated(answers.next()).map(|()| rows)
    }

    /// Takes in the answer to `COMMIT`.
    fn committed(
        &mut self,
        answer: Option<Result<Answer, DriverError>>,
        received: Received,
        is_late: bool,
    ) -> Result<Vec<Vec<Row>>> {
        let Received { rows, failed, answered, proves_rollback, is_autocommitted, .. } = received;
        // If `BEGIN` was refused before anything else was sent, nothing can have been committed.
        if is_autocommitted && answered > 0 {
            // The number is that of the statement that asked for it.
            self.number = None;
            let failure = self.in_commit(format!(
                "the server did not run the statements in one transaction, and may have committed each on its own: {}",
                failed.map_or_else(unanswered, Failure::reason)
            ));
            return Err(self.fail(failure));
        }
        match (answer, failed) {
            (Some(Ok(_)), None) => {
                self.stage = Stage::Ended;
                Ok(rows)
            }
            (answer, Some(failure)) if proves_rollback => {
                // The server answered it by rolling back.
                if matches!(answer, Some(Ok(_))) {
                    self.stage = Stage::Ended;
                }
                Err(self.fail(failure))
            }
            // It was not sent.
            (None, failed) if !is_late => {
                Err(self.fail(failed.unwrap_or_else(|| Failure::lost(unanswered()))))
            }
            (_, Some(failure)) => {
                let failure = self.in_commit(failure.reason());
                Err(self.fail(failure))
            }
            (Some(Err(error)), None) if error::is_of_statement(&error) => {
                self.stage = Stage::Ended;
                Err(self.fail(error::of_statement(&error, self.connector.wait)))
            }
            // All other answers are there: whether they count is found out later.
            (answer, None) => {
                let reason = match answer {
                    Some(Err(error)) => error::message(&error),
                    _ => unanswered(),
                };
                self.failure = Some(self.in_commit(reason));
                Ok(rows)
            }
        }
    }

    /// Takes in which standbys a commit waited for: the server lets those that wait go on once none is named any more.
    fn replicated(&mut self, answer: Option<Result<Answer, DriverError>>) -> Result<()> {
        if !self.connector.needs_standby(self.role) || self.failure.is_some() {
            return Ok(());
        }
        let reason = match answer {
            Some(Ok(Answer::Texts(texts))) if has_standby(values(&texts).next()) => return Ok(()),
            Some(Err(error)) => error::message(&error),
            Some(Ok(_)) => NO_STANDBY.to_owned(),
            None => unanswered(),
        };
        let reason =
            format!("the server has committed it, but perhaps no standby has it: {reason}");
        Err(self.fail(Failure::Refused(Error::CommitUnknown { reason })))
    }

    /// The connection was lost after `COMMIT`, or a statement that is the whole transaction, had been sent.
    fn in_commit(&self, reason: String) -> Failure {
        let commit = Commit { number: self.number, server: self.session.server.clone() };
        Failure::Lost { reason, commit: Some(commit) }
    }

    /// Whether its number is asked for once it has begun.
    fn is_numbered(&self, begins: bool) -> bool {
        begins && self.role == Role::Durable
    }

    /// What is sent with the first statement.
    fn begin(&mut self) -> Option<String> {
        if self.stage != Stage::New || self.role == Role::Reader {
            return None;
        }
        // Behind a pooler, each statement is planned when it runs.
        let is_prepared = self.session.prepared.is_some();
        let replans = is_prepared && self.session.plans.discard_outdated(Instant::now());
        Some(self.connector.begin(self.role, self.session.epoch, replans))
    }

    fn refuse_failed(&self) -> Result<()> {
        match &self.failure {
            Some(Failure::Refused(error) | Failure::Conflict(error)) => Err(error.clone()),
            Some(Failure::Lost { reason, .. }) => Err(self.connector.unavailable(reason)),
            None if self.stage == Stage::Ended => {
                Err(Error::Poisoned { cause: "a statement after its transaction".to_owned() })
            }
            None => Ok(()),
        }
    }

    fn fail(&mut self, failure: Failure) -> Error {
        let error = match &failure {
            Failure::Refused(error) | Failure::Conflict(error) => error.clone(),
            Failure::Lost { reason, .. } => self.connector.unavailable(reason),
        };
        self.failure.get_or_insert(failure);
        error
    }
}

impl Drop for Transaction<'_> {
    /// A panic of the engine leaves a transaction of half a batch: its session is closed, which rolls it back.
    fn drop(&mut self) {
        if self.stage == Stage::Begun && thread::panicking() {
            self.session.task.abort();
        }
    }
}

impl Executor for Transaction<'_> {
    fn check_server(&mut self, started: i64, epoch: i64, session: Option<&str>) -> Result<()> {
        if session != Some(&*session_name(self.role, self.session.epoch)) {
            // The next transaction connects anew: the pooler may have been set otherwise since.
            self.session.epoch = 0;
            let refused = self.connector.refused(UNNAMED_POOLER);
            return Err(self.fail(Failure::Refused(refused)));
        }
        if self.session.server.started == started && self.session.epoch <= epoch {
            return Ok(());
        }
        // A new session takes a new epoch.
        let reason =
            "the server was restarted or replaced behind a pooler, or the database was restored";
        Err(self.fail(Failure::lost(reason)))
    }

    fn epoch(&self) -> i64 {
        Self::epoch(self)
    }

    fn lowest_token(&self) -> i64 {
        Self::lowest_token(self)
    }

    fn numbered_by_first(&mut self) {
        self.numbered_by_first = true;
    }

    fn pipeline(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>> {
        Self::pipeline(self, statements)
    }

    fn took(&self, statements: usize, before: usize) -> Option<Duration> {
        self.took.iter().rev().skip(before).take(statements).copied().sum()
    }

    fn finish(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>> {
        Self::finish(self, statements)
    }
}

/// Runs [`NUMBER`] and stores its result, which is kept also if later answers never arrive.
fn noted<'a>(answer: Pending<'a, Answer>, number: &'a Cell<Option<u64>>) -> Pending<'a, Answer> {
    Box::pin(async move {
        let answer = answer.await;
        let text = match &answer {
            Ok(Answer::Rows(rows)) => rows.first().and_then(|row| row.try_get(0).ok()),
            Ok(Answer::Texts(texts)) => values(texts).next().map(str::to_owned),
            Err(_) => None,
        };
        number.set(text.and_then(|number: String| number.parse().ok()));
        answer
    })
}

/// An answer that notes when it came.
fn timed<'a>(answer: Pending<'a, Answer>, at: &'a Cell<Option<Instant>>) -> Pending<'a, Answer> {
    Box::pin(async move {
        let answer = answer.await;
        at.set(Some(Instant::now()));
        answer
    })
}

/// When an answer to what is sent now is no longer awaited.
fn until(connector: &Connector) -> Instant {
    Instant::now() + connector.wait + ANSWER_WAIT
}

fn unanswered() -> String {
    "the server did not answer in time".to_owned()
}
