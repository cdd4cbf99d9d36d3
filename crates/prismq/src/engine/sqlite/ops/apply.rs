//! Applying a batch of operations in one transaction.

use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::claim::look::Look;
use super::enqueue;
use super::manage::{cancel, delete, redrive};
use super::settle::complete::Completion;
use super::settle::foreign;
use crate::engine::sqlite::batch::lease_note::LeaseNote;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::checkpoint::wal_pages;
use crate::engine::sqlite::error;
use crate::engine::sqlite::moved;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, Claimed, Operation};
use crate::model::{Durability, Error, Result};
use crate::time::{Clock, Moment};

/// The completion that an operation is, if it is one.
fn completion(operation: &Operation) -> Option<Completion<'_>> {
    match operation {
        Operation::Complete { key, result } => {
            Some(Completion { key: *key, result: result.as_deref() })
        }
        _ => None,
    }
}

impl Writer {
    pub(crate) fn apply_batch(
        &mut self,
        clock: &dyn Clock,
        batch: &[Operation],
    ) -> Result<Vec<Result<Answer>>> {
        match self.answer_if_idle(clock, batch) {
            Ok(Some(nothing)) => return Ok(nothing),
            // Another process recovers the file: taking the write lock waits for that, a read does not.
            Err(error) if error.is_busy() => {}
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        let durable = batch.iter().any(Operation::must_be_durable)
            || self.will_take_in(batch)?
            || self.will_fire(clock)?;
        self.wait_for_disk(durable && self.durability == Durability::Full)?;
        self.begin()?;
        let answers = match self.run(Moment::now(clock), batch) {
            Ok(answers) => answers,
            Err(error) => return Err(self.roll_back(error)),
        };
        self.commit()?;
        if durable {
            self.refuse_lost(Some(wal_pages()))?;
        }
        self.contention.write_transactions.fetch_add(1, Ordering::Relaxed);
        let synced = u64::from(self.waits_for_disk);
        self.contention.synced_transactions.fetch_add(synced, Ordering::Relaxed);
        self.checkpointer.note(self.ledger.features);
        self.checkpointer.committed(&self.connection);
        self.count_empty_claims(batch, &answers);
        Ok(answers)
    }

    pub(crate) fn run(&mut self, now: Moment, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.ledger.features = self.read_meta()?;
        let now = self.reload_if_restored(now)?;
        self.ledger.now = now;
        let swept = self.ledger.sweep_keys(&self.connection);
        swept.map_err(|error| self.failure(error))?;
        let mut advanced = false;
        let mut answers = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while let Some((operation, after)) = rest.split_first() {
            // Not before the first claim, so that leases settled before it still count.
            if !advanced && operation.claims().is_some() {
                advanced = true;
                self.take_in(now)?;
                if self.has_due(now)? {
                    self.advance(now)?;
                    self.fire(now)?;
                }
            }
            let completions: Vec<Completion<'_>> = rest.iter().map_while(completion).collect();
            if completions.is_empty() {
                answers.push(self.run_one(now, operation)?);
                rest = after;
            } else {
                answers.extend(self.complete(&completions)?);
                rest = rest.get(completions.len()..).unwrap_or_default();
            }
        }
        if !advanced {
            self.fire(now)?;
        }
        let Self { ledger, connection, path, .. } = self;
        ledger.flush(connection).map_err(|error| error::classify(path, error))?;
        Ok(answers)
    }

    /// Outer error: SQL failed and the transaction must go. Inner: this operation does not apply.
    fn run_one(&mut self, now: Moment, operation: &Operation) -> Result<Result<Answer>> {
        if let Some(key) =
            operation.key().filter(|key| LeaseNote::from(key.note).file != self.file_number())
        {
            return Ok(Err(foreign(key)));
        }
        match operation {
            Operation::Enqueue(tasks) => {
                let ids = enqueue::enqueue(&self.connection, &mut self.ledger, now, tasks);
                ids.map(|ids| ids.map(Answer::Enqueued)).map_err(|error| self.failure(error))
            }
            Operation::Claim(claim) => self.claim(now, claim).map(Answer::Claimed).map(Ok),
            Operation::ClaimEach { claims, bounds } => {
                self.claim_each(now, claims, *bounds).map(Answer::ClaimedEach).map(Ok)
            }
            Operation::Complete { key, result } => self
                .complete(&[Completion { key: *key, result: result.as_deref() }])
                .map(|mut answers| answers.pop().unwrap_or_else(|| Err(Error::unanswered()))),
            Operation::Fail { key, failure, next } => self.fail(now, key, failure, *next),
            Operation::Note { key, note } => self.note(key, note),
            Operation::Extend { key, lease } => self.extend(now, key, *lease),
            Operation::Begin(key) => self.begin_attempt(key),
            Operation::Release(key) => self.release(key),
            Operation::Defer { key, pause } => self.defer(now.monotonic, key, *pause),
            Operation::SetOrder { queue, order } => self.set_order(queue, *order),
            Operation::SetPaused { queue, paused } => self.set_paused(queue, *paused),
            Operation::SetHistory { queue, keep } => self.set_history(queue, *keep),
            Operation::SetRetention { queue, retention } => self.set_retention(queue, *retention),
            Operation::Cancel(tasks) => self.manage(|connection, ledger| {
                cancel::cancel(connection, ledger, tasks).map(Answer::Cancelled)
            }),
            Operation::Delete(tasks) => self.manage(|connection, ledger| {
                delete::delete(connection, ledger, tasks).map(Answer::Deleted)
            }),
            Operation::Redrive { tasks, revival } => self.manage(|connection, ledger| {
                redrive::redrive(connection, ledger, tasks, *revival).map(Answer::Redriven)
            }),
            Operation::SetSchedule(schedule) => self.set_schedule(now, schedule),
            Operation::ChangeSchedule { name, change } => self.change_schedule(now, name, *change),
            Operation::RunSchedule(name) => self.run_schedule(now, name),
            Operation::SetLimit { name, limit } => self.set_limit(now.monotonic, name, limit),
            Operation::RemoveLimit(name) => self.remove_limit(now.monotonic, name).map(Ok),
            Operation::SetConcurrency { queue, tasks } => self.set_concurrency(queue, *tasks),
            Operation::SetDepth { queue, limit } => self.set_depth(queue, *limit),
            Operation::SetRetry { task_type, policy, by_operator } => {
                self.set_retry(task_type, *policy, *by_operator).map(Ok)
            }
            Operation::SetTypeRetention { task_type, age, by_operator } => {
                self.set_type_retention(task_type, *age, *by_operator).map(Ok)
            }
        }
    }

    fn manage(
        &mut self,
        change: impl FnOnce(&Connection, &mut Ledger) -> rusqlite::Result<Answer>,
    ) -> Result<Result<Answer>> {
        let Self { ledger, connection, path, .. } = self;
        change(connection, ledger).map(Ok).map_err(|error| error::classify(path, error))
    }

    /// Answers a batch of claims that would find nothing from a read, so that claiming from an empty queue never
    /// takes the write lock.
    fn answer_if_idle(
        &mut self,
        clock: &dyn Clock,
        batch: &[Operation],
    ) -> Result<Option<Vec<Result<Answer>>>> {
        if batch.iter().any(|operation| operation.claims().is_none()) {
            return Ok(None);
        }
        let mut now = Moment::now(clock);
        // First, so that no commit of another process is missed.
        let version = self.data_version()?;
        if self.cookie_read_at != Some(version) {
            if self.was_restored()? {
                if self.lacks_clock_offset()? {
                    return Ok(None);
                }
                now = self.reload_if_restored(now)?;
            }
            // A feature comes into use by a commit.
            self.ledger.features = self.meta()?.1;
            moved::refuse(&self.path, &self.connection, self.ledger.features)?;
            self.checkpointer.note(self.ledger.features);
            self.cookie_read_at = Some(version);
        }
        if self.ledger.features.has(Features::INBOX) && self.inbox_waits()? {
            return Ok(None);
        }
        if self.has_due(now)? {
            return Ok(None);
        }
        let claims = || batch.iter().filter_map(Operation::claims).flatten();
        let mut looks = Vec::with_capacity(batch.len());
        for claim in claims() {
            let look = self.look(now.monotonic, claim)?;
            if look.ready {
                return Ok(None);
            }
            looks.push(look);
        }
        let next_due = self.next_due(now)?;
        let empty = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.contention.empty_claims.fetch_add(empty, Ordering::Relaxed);
        let mut nothing = Vec::with_capacity(looks.len());
        for (claim, look) in claims().zip(looks) {
            let (paused, no_slot) = self.stands_still(claim)?;
            let Look { limited_left, next_start, .. } = look;
            let next_due = next_due.into_iter().chain(next_start).min();
            let leases = Vec::new();
            let left = Claimed { limited_left, no_slot, paused, ..Claimed::default() };
            nothing.push(Claimed { leases, next_due, version, ..left });
        }
        let mut nothing = nothing.into_iter();
        let answer = |operation: &Operation| match operation {
            Operation::ClaimEach { claims, .. } => {
                Ok(Answer::ClaimedEach(nothing.by_ref().take(claims.len()).collect()))
            }
            _ => Ok(Answer::Claimed(nothing.next().unwrap_or_default())),
        };
        Ok(Some(batch.iter().map(answer).collect()))
    }

    /// A batch of claims alone is applied only if a ready task was seen: a claim that finds none lost it to another
    /// process. A claim among other operations had not looked before.
    fn count_empty_claims(&self, batch: &[Operation], answers: &[Result<Answer>]) {
        let claimed = answers.iter().flatten().map(Answer::claimed);
        let nothing = |claimed: &&[Claimed]| {
            !claimed.is_empty() && claimed.iter().all(|each| each.leases.is_empty())
        };
        let empty = claimed.filter(nothing).count();
        let looked = batch.iter().all(|operation| operation.claims().is_some());
        let counter =
            if looked { &self.contention.claim_conflicts } else { &self.contention.empty_claims };
        counter.fetch_add(u64::try_from(empty).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
