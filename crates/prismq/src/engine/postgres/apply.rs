//! Applying a batch: what it needs first, its transaction, and what follows a commit.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::PostgresEngine;
use super::batch::cached::{Assumed, CHANGED};
use super::batch::run::Run;
use super::client::{NewWork, Role, has_code};
use super::ops::claim::autocommit::Autocommit;
use super::ops::names::Unknown;
use crate::engine::{Answer, Operation};
use crate::model::{Error, LeaseKey, Result};

/// After so many schedules that wait for locks, claims go on and leave the others to later ones.
const STUCK_MAX: usize = 3;
/// How long a call that gave up waiting for a lock pauses, so that those who waited behind it go first.
const AFTER_LOCK: Duration = Duration::from_millis(100);
/// How long ago the server must have answered for a batch to be sent with its commit: if the connection turns out to be
/// lost, whether it was committed is unknown.
const HEARD: Duration = Duration::from_secs(5);

impl PostgresEngine {
    /// See [`crate::engine::Engine::apply`].
    pub(super) fn apply_batch(&self, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        let durable = batch.iter().any(Operation::must_be_durable);
        let role = if durable { Role::Durable } else { Role::Relaxed };
        // Whether rows of the inbox were taken in, once that was done.
        let mut inbox = None;
        let locks_settings =
            batch.iter().any(|operation| matches!(operation, Operation::SetOrder { .. }));
        let until = Instant::now() + self.client.wait();
        // The schedule whose slots waited for a lock.
        let mut stuck = None;
        let mut stuck_schedules = 0;
        let mut lacked_names = false;
        let (mut to_put_back, mut log) = (Vec::new(), Vec::new());
        // Whether another task may run, which pools of other processes may wait for.
        let mut frees_slot = false;
        // Where claims have left work for others.
        let mut brought = NewWork::None;
        // Under `Replicated`, only the answer to BEGIN shows whether there is a synchronous standby, so that the commit must
        // not be sent before it.
        let mut may_assume = durable && !self.client.needs_standby();
        let mut may_autocommit = !durable;
        let answers = loop {
            let (mut takes_in, mut lacks_names) = (false, false);
            self.add_names(batch, Some(until))?;
            let generation = self.shared.lanes().generation();
            let mut runs_again = false;
            let (mut assumes, mut looks_first) = (false, false);
            let applied = self.client.transaction(role, |transaction| {
                // It may run again, when what was taken before was not.
                if std::mem::replace(&mut runs_again, true) {
                    self.shared.forget_looks();
                }
                let assumed = match may_assume && transaction.was_heard_within(HEARD) {
                    true => Assumed::of(&self.shared, batch, transaction.epoch()),
                    false => None,
                };
                assumes = assumed.is_some();
                let may_autocommit = may_autocommit
                    && transaction.may_autocommit()
                    && transaction.was_heard_within(HEARD);
                let autocommit = match may_autocommit {
                    true => Autocommit::of(&self.shared, batch, transaction.epoch()),
                    false => None,
                };
                let is_autocommit = autocommit.is_some();
                let mut run = match (assumed, autocommit) {
                    (Some(assumed), _) => Run::assuming(transaction, &self.shared, assumed),
                    (None, Some(claim)) => match claim.run(transaction, &self.shared)? {
                        Some(run) => run,
                        None => {
                            looks_first = true;
                            return Ok(Vec::new());
                        }
                    },
                    (None, None) => Run::begin(transaction, &self.shared, batch)?,
                };
                // Another process may have freed them meanwhile, or another server may have lost them.
                lacks_names = self.shared.lanes().generation() != generation
                    && !Unknown::of(&self.shared, batch).is_empty();
                takes_in = !lacks_names && inbox.is_none() && run.can_take_in()?;
                if lacks_names || takes_in {
                    return Ok(Vec::new());
                }
                // What others are taking in is not waited for.
                run.inbox.waits &= inbox.unwrap_or(false);
                run.skips_slots = stuck_schedules >= STUCK_MAX;
                let applied = run.apply(batch);
                stuck = run.firing;
                let applied = applied?;
                #[cfg(feature = "testing")]
                self.fail_if_asked()?;
                frees_slot = run.frees_slot();
                brought = std::mem::take(&mut run.brought);
                let source = self.shared.lanes().source();
                match durable {
                    _ if assumes || is_autocommit => {}
                    // Completions then depend on the types of tasks.
                    true if run.has_type_retention => self.shared.cached().forget(),
                    true => self.shared.cached().add(&run, source),
                    false => self.shared.cached_to_claim().add(&run, source),
                }
                if !durable && batch.iter().any(|operation| operation.claims().is_some()) {
                    let (due, has_inbox) = run.seen();
                    self.shared.refusals().saw(due, has_inbox);
                }
                run.finish()?;
                to_put_back = std::mem::take(&mut run.to_put_back);
                log = run.take_log();
                run.answers(applied)
            });
            let applied = applied.inspect_err(|_| self.shared.forget_looks());
            if assumes && applied.as_ref().is_err_and(|error| has_code(error, CHANGED)) {
                may_assume = false;
                continue;
            }
            if looks_first {
                applied?;
                may_autocommit = false;
                continue;
            }
            if matches!(applied, Err(Error::Busy { .. })) {
                if let Some(schedule) = stuck.take() {
                    self.shared.postponed().add_schedule(schedule);
                    stuck_schedules += 1;
                    continue;
                }
                // Those that waited behind its lock go first.
                if locks_settings && Instant::now() < until {
                    thread::sleep(AFTER_LOCK);
                    continue;
                }
            }
            let applied = applied?;
            if takes_in {
                inbox = Some(self.take_in()?);
            } else if !lacks_names {
                break applied;
            } else if std::mem::replace(&mut lacked_names, true) && Instant::now() > until {
                // Its sessions are on two servers of which one lacks what the other knows.
                return Err(Error::Busy { waited: self.client.wait() });
            }
        };
        log.into_iter().for_each(|line| self.shared.log.add(line));
        self.put_back(to_put_back);
        let is_limited =
            |operation: &Operation| operation.ends_lease().is_some_and(|key| key.limited);
        frees_slot |= batch.iter().any(is_limited);
        self.client.notify_all(brought);
        self.client.notify_others(self.new_work(batch, &answers, frees_slot));
        self.count(&answers, role);
        self.upkeep.count_transaction();
        Ok(answers)
    }

    /// Releases what a claim that is committed must not keep.
    fn put_back(&self, leases: Vec<LeaseKey>) {
        if leases.is_empty() {
            return;
        }
        let tasks = leases.len();
        let put_back = NewWork::of_leases(&leases);
        let batch: Vec<Operation> = leases.into_iter().map(Operation::Release).collect();
        match self.apply_batch(&batch) {
            // Pools of this process may have looked meanwhile.
            Ok(_) => self.client.notify_own(&put_back),
            Err(error) => self.shared.log.add(move || {
                tracing::warn!(
                    %error,
                    tasks,
                    "tasks that were claimed in excess could not be released: they stay leased until their leases expire"
                );
            }),
        }
    }

    fn count(&self, answers: &[Result<Answer>], role: Role) {
        self.contention.write_transactions.fetch_add(1, Ordering::Relaxed);
        if role == Role::Durable {
            self.contention.synced_transactions.fetch_add(1, Ordering::Relaxed);
        }
        let claims = answers.iter().flatten().flat_map(Answer::claimed);
        let empty = claims.filter(|claimed| claimed.leases.is_empty()).count();
        let empty = u64::try_from(empty).unwrap_or(u64::MAX);
        self.contention.empty_claims.fetch_add(empty, Ordering::Relaxed);
    }
}
