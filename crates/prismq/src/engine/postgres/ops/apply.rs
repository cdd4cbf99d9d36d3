//! Applying the operations of a batch in order, runs of one kind together.

use super::enqueue::{self, plain};
use super::settle::{LOCK, Unanswered, complete, extend, fail, note, release};
use crate::engine::postgres::batch::run::Run;
use crate::engine::{Answer, Operation};
use crate::model::{Error, Result};

/// The kinds of operations that are applied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Enqueue,
    Complete,
    Fail,
    Extend,
    Begin,
    Release,
    Single,
}

const fn kind(operation: &Operation) -> Kind {
    match operation {
        Operation::Enqueue(_) => Kind::Enqueue,
        Operation::Complete { .. } => Kind::Complete,
        Operation::Fail { .. } => Kind::Fail,
        Operation::Extend { .. } => Kind::Extend,
        Operation::Begin(_) => Kind::Begin,
        Operation::Release(_) | Operation::Defer { .. } => Kind::Release,
        _ => Kind::Single,
    }
}

/// Whether it may make tasks ready and leaves the marks of claims as they are.
const fn adds_anywhere(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Enqueue(_)
            | Operation::Claim(_)
            | Operation::ClaimEach { .. }
            | Operation::Complete { .. }
            | Operation::Fail { .. }
            | Operation::Release(_)
            | Operation::Defer { .. }
            | Operation::Note { .. }
            | Operation::Extend { .. }
            | Operation::Begin(_)
    )
}

/// The tasks of leases that several statements of a batch use, in their order; none if it is one statement. Also if a claim
/// goes before it, which locks limits: tasks are locked first everywhere.
fn to_lock(batch: &[Operation]) -> Vec<i64> {
    let groups = batch.chunk_by(|one, next| kind(one) != Kind::Single && kind(one) == kind(next));
    let mut firsts = groups.filter_map(<[Operation]>::first);
    let claims_first = batch.first().is_some_and(|first| first.claims().is_some());
    let statements = firsts.by_ref().filter(|first| first.key().is_some()).take(2).count();
    if statements < 2 && !(statements == 1 && claims_first) {
        return Vec::new();
    }
    let mut ids: Vec<i64> =
        batch.iter().filter_map(Operation::key).map(|key| key.id.as_i64()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The answers to operations that were applied together.
pub(crate) enum Answers<'b> {
    Known(Vec<Result<Answer>>),
    /// In the rows of a statement that was put off.
    PutOff(Unanswered<'b>),
    /// In the ids that such a statement returns.
    Added(plain::Added),
}

impl Run<'_, '_> {
    /// Applies operations. Their answers are known once the transaction is finished ([`Self::answers`]).
    pub(crate) fn apply<'b>(&mut self, batch: &'b [Operation]) -> Result<Vec<Answers<'b>>> {
        let mut answers = Vec::new();
        let mut advanced = false;
        let locked = to_lock(batch);
        if !locked.is_empty() {
            self.put_off(LOCK, &[&locked]);
        }
        for group in
            batch.chunk_by(|one, next| kind(one) != Kind::Single && kind(one) == kind(next))
        {
            let Some(first) = group.first() else { continue };
            // Not before the first claim, so that leases settled before it still count.
            // One that is committed has looked at what is due, and no limit counts its tasks.
            let claims = first.claims().is_some() && !self.is_committed;
            if !advanced && claims {
                advanced = true;
                self.advance()?;
                self.fire()?;
            }
            if claims {
                self.lock_limits(batch)?;
            }
            answers.push(match kind(first) {
                Kind::Enqueue if self.assumes() => Answers::Added(plain::enqueue(self, group)?),
                Kind::Enqueue => Answers::Known(enqueue::enqueue(self, group)?),
                Kind::Complete => complete::complete(self, group)?,
                Kind::Fail => Answers::Known(fail::fail(self, group)?),
                Kind::Extend => Answers::PutOff(extend::extend(self, group)),
                Kind::Begin => Answers::PutOff(extend::begin(self, group)),
                Kind::Release => Answers::Known(release::release(self, group)?),
                Kind::Single => Answers::Known(vec![self.apply_one(first)?]),
            });
            if group.iter().any(adds_anywhere) {
                self.add_anywhere();
                self.shared.turns().forget();
            }
            // Enqueues and claims note it themselves.
            self.due_holds &= matches!(kind(first), Kind::Enqueue | Kind::Complete | Kind::Begin)
                || first.claims().is_some();
        }
        Ok(answers)
    }

    /// An answer for each operation, once the transaction is finished.
    pub(crate) fn answers(&mut self, applied: Vec<Answers<'_>>) -> Result<Vec<Result<Answer>>> {
        let mut answers = Vec::new();
        for part in applied {
            answers.extend(match part {
                Answers::Known(known) => known,
                Answers::PutOff(unanswered) => unanswered.answers(self)?,
                Answers::Added(added) => added.answers(self)?,
            });
        }
        Ok(answers)
    }

    /// Outer error: SQL failed and the transaction must go. Inner: this operation does not apply.
    fn apply_one(&mut self, operation: &Operation) -> Result<Result<Answer>> {
        match operation {
            Operation::Claim(claim) => self.claim(claim).map(Answer::Claimed).map(Ok),
            Operation::ClaimEach { claims, bounds } => {
                self.claim_each(claims, *bounds).map(Answer::ClaimedEach).map(Ok)
            }
            Operation::SetTypeRetention { task_type, age, by_operator } => {
                self.set_type_retention(task_type, *age, *by_operator).map(Ok)
            }
            Operation::Note { key, note } => note::note(self, key, note),
            Operation::SetOrder { queue, order } => self.set_order(queue, *order),
            Operation::SetPaused { queue, paused } => self.set_paused(queue, *paused),
            Operation::SetHistory { queue, keep } => self.set_history(queue, *keep),
            Operation::SetRetention { queue, retention } => self.set_retention(queue, *retention),
            Operation::SetDepth { queue, limit } => self.set_depth(queue, *limit),
            Operation::SetRetry { task_type, policy, by_operator } => {
                self.set_retry(task_type, *policy, *by_operator).map(Ok)
            }
            Operation::Cancel(targets) => self.cancel(targets).map(Answer::Cancelled).map(Ok),
            Operation::Delete(targets) => self.delete(targets).map(Answer::Deleted).map(Ok),
            Operation::Redrive { tasks, revival } => {
                self.redrive(tasks, *revival).map(Answer::Redriven).map(Ok)
            }
            Operation::SetLimit { name, limit } => self.set_limit(name, limit),
            Operation::RemoveLimit(name) => self.remove_limit(name).map(Ok),
            Operation::SetConcurrency { queue, tasks } => self.set_concurrency(queue, *tasks),
            Operation::SetSchedule(schedule) => self.set_schedule(schedule),
            Operation::ChangeSchedule { name, change } => self.change_schedule(name, *change),
            Operation::RunSchedule(name) => self.run_schedule(name),
            // These are of a kind of their own, and never get here.
            Operation::Enqueue(_)
            | Operation::Complete { .. }
            | Operation::Fail { .. }
            | Operation::Extend { .. }
            | Operation::Begin(_)
            | Operation::Release(_)
            | Operation::Defer { .. } => Ok(Err(Error::unanswered())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Claim, EngineNote, LeaseKey, NewTask, Note, TaskId};

    fn key(id: i64) -> LeaseKey {
        let (id, note) = (TaskId::from_i64(id), EngineNote::default());
        LeaseKey { id, token: 1, limited: false, note }
    }

    /// Else a batch that has changed the one and a batch that has changed the other would wait for each other.
    #[test]
    fn tasks_that_several_statements_change_are_locked_in_their_order() {
        let note = |id| Operation::Note { key: key(id), note: Note::default() };
        let complete = |id| Operation::complete(key(id));
        let enqueue = || Operation::Enqueue(vec![NewTask::new("t", [])]);
        assert_eq!(to_lock(&[note(9), note(2)]), [2, 9]);
        assert_eq!(to_lock(&[complete(9), Operation::Release(key(2)), note(9)]), [2, 9]);
        assert_eq!(to_lock(&[complete(9), enqueue(), complete(2)]), [2, 9]);
        assert_eq!(to_lock(&[complete(9), complete(2), enqueue()]), [0; 0], "one statement");
        assert_eq!(to_lock(&[note(9)]), [0; 0]);
        let claim = || Operation::Claim(Claim::new(["t"]));
        assert_eq!(to_lock(&[claim(), note(9)]), [9], "the claim may lock limits");
        assert_eq!(to_lock(&[note(9), claim()]), [0; 0]);
        assert_eq!(to_lock(&[claim(), claim()]), [0; 0]);
    }
}
