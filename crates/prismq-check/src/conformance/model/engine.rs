//! What the model answers.

use std::time::Duration;

use prismq::{CancelOutcome, Enqueued, Order, RetryPolicy, State, TaskId};

use super::super::subject::{
    Answer, ClaimSpec, Claimed, EngineUnderTest, Failure, FilterSpec, LimitSpec, Refusal,
    ScheduleSpec, Stats, StoredTask, TaskSpec,
};
use super::task::{Task, place};
use super::{Model, bounds, micros};

impl EngineUnderTest for Model {
    fn enqueue(&mut self, tasks: &[TaskSpec]) -> Answer<Vec<Enqueued>> {
        bounds::batch(tasks)?;
        bounds::limits_of(tasks, |name| self.limits.by_name.contains_key(name))?;
        for (name, queue) in &self.queues {
            let live = self.tasks.values().filter(|task| task.spec.queue == *name);
            let live = live.filter(|task| task.state != State::Dead).count();
            let room = queue.depth_limit.map(|limit| (limit as usize).saturating_sub(live));
            if room.is_some_and(|room| self.additions(tasks, name) > room) {
                return Err(Refusal::QueueFull);
            }
        }
        let mut added = Vec::with_capacity(tasks.len());
        for task in tasks {
            if let Some(instead) = self.instead(task) {
                added.push(instead);
                continue;
            }
            let id = self.add(task, None);
            self.take_key(id, task);
            added.push(Enqueued::Inserted(TaskId::from_i64(id)));
        }
        Ok(added)
    }

    fn claim(&mut self, claim: &ClaimSpec) -> Answer<Vec<Claimed>> {
        bounds::claim(claim)?;
        self.advance();
        if self.queues.get(&claim.queue).is_some_and(|queue| queue.paused) {
            return Ok(Vec::new());
        }
        let (now, now_shown) = (self.monotonic, self.now);
        let started = self.start_for(claim);
        let claimed = started.into_iter().filter_map(|id| {
            let task = self.tasks.get_mut(&id)?;
            task.token += 1;
            task.attempt += 1;
            task.expires_at = now + micros(claim.lease);
            Some(Claimed {
                task: id,
                token: task.token,
                attempt: task.attempt,
                max_attempts: task.spec.max_attempts,
                priority: task.spec.priority,
                task_type: task.spec.task_type.clone(),
                payload: task.spec.payload.clone(),
                expires_at: now_shown + micros(claim.lease),
                scheduled_for: task.slot,
            })
        });
        Ok(claimed.collect())
    }

    fn complete_with(&mut self, lease: &Claimed, result: &[u8]) -> Answer<()> {
        bounds::result(result)?;
        self.held(lease)?.result = Some(result.to_vec());
        self.complete(lease)
    }

    fn complete(&mut self, lease: &Claimed) -> Answer<()> {
        let now = self.now;
        let task = self.held(lease)?;
        (task.state, task.completed_at) = (State::Completed, now);
        if let Some(task) = self.tasks.remove(&lease.task) {
            let queue = self.queue(&task.spec.queue);
            queue.completed += 1;
            queue.kept.push_back((lease.task, task));
            queue.trim();
        }
        Ok(())
    }

    fn fail(&mut self, lease: &Claimed, failure: &Failure) -> Answer<State> {
        bounds::failure(failure)?;
        let now = self.monotonic;
        let policies = self.policies.clone();
        let task = self.held(lease)?;
        let after = match policies.get(&task.spec.task_type).copied() {
            policy if failure.by_policy => {
                Some(policy.unwrap_or_default().delay(task.attempt, 0.5))
            }
            _ => failure.retry_after,
        };
        let retry = after.filter(|_| task.attempt < task.spec.max_attempts);
        task.state = match retry {
            Some(Duration::ZERO) => State::Ready,
            Some(_) => State::Scheduled,
            None => State::Dead,
        };
        task.run_at = now + retry.map_or(0, micros);
        task.error = Some(failure.text.clone());
        task.record(Some(&failure.text));
        let (state, queue, cancel) = (task.state, task.spec.queue.clone(), task.cancel);
        self.queue(&queue).failed += 1;
        if cancel {
            self.end_cancelled(lease.task);
            return Ok(State::Cancelled);
        }
        Ok(state)
    }

    fn extend(&mut self, lease: &Claimed, by: Duration) -> Answer<i64> {
        bounds::lease(by)?;
        let expires_at = self.monotonic + micros(by);
        self.held(lease)?.expires_at = expires_at;
        Ok(self.shown(expires_at))
    }

    fn release(&mut self, lease: &Claimed) -> Answer<()> {
        let task = self.held(lease)?;
        task.state = State::Ready;
        task.attempt -= 1;
        if task.cancel {
            self.end_cancelled(lease.task);
        }
        Ok(())
    }

    fn snooze(&mut self, lease: &Claimed, delay: Duration) -> Answer<State> {
        bounds::delay(delay)?;
        let now = self.monotonic;
        let task = self.held(lease)?;
        task.state = if delay.is_zero() { State::Ready } else { State::Scheduled };
        task.run_at = now + micros(delay);
        task.attempt -= 1;
        // It has started.
        task.start_by = None;
        let (state, cancel) = (task.state, task.cancel);
        if cancel {
            self.end_cancelled(lease.task);
            return Ok(State::Cancelled);
        }
        Ok(state)
    }

    fn set_order(&mut self, queue: &str, order: Order) -> Answer<()> {
        bounds::name(queue)?;
        bounds::order(order)?;
        let lives = |task: &Task| task.spec.queue == queue && task.state != State::Dead;
        let empty = !self.tasks.values().any(lives);
        if self.order(queue) != order && !empty {
            return Err(Refusal::NotEmpty);
        }
        self.queue(queue).order = order;
        Ok(())
    }

    fn set_paused(&mut self, queue: &str, paused: bool) -> Answer<()> {
        bounds::name(queue)?;
        self.queue(queue).paused = paused;
        Ok(())
    }

    fn set_history(&mut self, queue: &str, keep: u32) -> Answer<()> {
        bounds::name(queue)?;
        bounds::history(keep)?;
        let queue = self.queue(queue);
        queue.keep = keep;
        queue.trim();
        Ok(())
    }

    fn set_depth_limit(&mut self, queue: &str, limit: Option<u32>) -> Answer<()> {
        bounds::name(queue)?;
        bounds::depth(limit)?;
        self.queue(queue).depth_limit = limit;
        Ok(())
    }

    fn set_retry(&mut self, task_type: &str, policy: Option<RetryPolicy>) -> Answer<()> {
        bounds::name(task_type)?;
        match policy {
            Some(policy) => {
                bounds::policy(&policy)?;
                self.policies.insert(task_type.to_owned(), policy);
            }
            None => drop(self.policies.remove(task_type)),
        }
        Ok(())
    }

    fn set_limit(&mut self, name: &str, limit: &LimitSpec) -> Answer<()> {
        bounds::name(name)?;
        bounds::limit(limit)?;
        self.limits.set(name, *limit, self.monotonic);
        Ok(())
    }

    fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answer<()> {
        bounds::name(queue)?;
        bounds::concurrency(tasks)?;
        self.queue(queue).concurrency = tasks;
        Ok(())
    }

    fn cancel(&mut self, id: i64) -> Answer<CancelOutcome> {
        let Some(task) = self.tasks.get_mut(&id).filter(|task| task.state != State::Dead) else {
            return Ok(CancelOutcome::NotActive);
        };
        if task.state == State::Leased {
            task.cancel = true;
            return Ok(CancelOutcome::Requested);
        }
        self.end_cancelled(id);
        Ok(CancelOutcome::Cancelled)
    }

    fn delete(&mut self, filter: &FilterSpec) -> Answer<u64> {
        bounds::filter(filter)?;
        let mut deleted = 0;
        for id in self.list(filter)? {
            if self.tasks.get(&id).is_some_and(|task| task.state == State::Leased) {
                continue;
            }
            deleted += 1;
            if let Some(task) = self.tasks.remove(&id) {
                self.queue(&task.spec.queue).deleted += 1;
            }
            for queue in self.queues.values_mut() {
                queue.kept.retain(|(kept, _)| *kept != id);
            }
        }
        Ok(deleted)
    }

    fn redrive(&mut self, filter: &FilterSpec, keep_attempts: bool) -> Answer<u64> {
        bounds::filter(filter)?;
        let mut redriven = 0;
        for id in self.list(filter)? {
            let Some(task) = self.tasks.get(&id).filter(|task| task.state == State::Dead) else {
                continue;
            };
            let order = self.order(&task.spec.queue);
            let now = self.monotonic;
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            task.state = State::Ready;
            task.token += 1;
            task.run_at = now;
            task.place = place(id, task.spec.priority, now, order);
            if keep_attempts {
                task.spec.max_attempts = task.spec.max_attempts.max(task.attempt + 1);
            } else {
                task.attempt = 0;
            }
            redriven += 1;
        }
        Ok(redriven)
    }

    fn list(&mut self, filter: &FilterSpec) -> Answer<Vec<i64>> {
        bounds::filter(filter)?;
        let kept = self.queues.values().flat_map(|queue| &queue.kept).map(|(id, task)| (*id, task));
        let all = self.tasks.iter().map(|(id, task)| (*id, task)).chain(kept);
        let mut ids: Vec<i64> =
            all.filter(|(_, task)| self.means(filter, task)).map(|(id, _)| id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn set_schedule(&mut self, schedule: &ScheduleSpec) -> Answer<()> {
        bounds::schedule(schedule)?;
        self.set(schedule);
        Ok(())
    }

    fn pause_schedule(&mut self, name: &str, paused: bool) -> Answer<()> {
        self.pause(name, paused).ok_or(Refusal::NoSchedule)
    }

    fn remove_schedule(&mut self, name: &str) -> Answer<bool> {
        Ok(self.schedules.remove(name).is_some())
    }

    fn run_schedule(&mut self, name: &str) -> Answer<Option<i64>> {
        self.run_now(name).ok_or(Refusal::NoSchedule)
    }

    fn stats(&mut self, queue: &str) -> Answer<Stats> {
        let of = |state: State| {
            let tasks = self.tasks.values().filter(|task| task.spec.queue == queue);
            tasks.filter(|task| task.state == state).count() as u64
        };
        let Some(counted) = self.queues.get(queue) else {
            return Ok(Stats::default());
        };
        Ok(Stats {
            ready: of(State::Ready),
            scheduled: of(State::Scheduled),
            leased: of(State::Leased),
            dead: of(State::Dead),
            kept: counted.kept.len() as u64,
            paused: counted.paused,
            enqueued: counted.enqueued,
            completed: counted.completed,
            failed: counted.failed,
            reclaimed: counted.reclaimed,
            cancelled: counted.cancelled,
            deleted: counted.deleted,
            expired: counted.expired,
        })
    }

    fn task(&mut self, id: i64) -> Answer<Option<StoredTask>> {
        let kept = self.queues.values().flat_map(|queue| &queue.kept);
        let kept = kept.filter(|(kept, _)| *kept == id).map(|(_, task)| task);
        let task = self.tasks.get(&id).into_iter().chain(kept).next();
        Ok(task.map(|task| task.stored(|time| self.shown(time))))
    }

    fn now(&mut self) -> i64 {
        self.now
    }

    fn set_clock(&mut self, by: i64) {
        self.now += by;
        self.monotonic += by.max(0);
    }

    /// Nothing is kept outside of memory: a restart changes nothing.
    fn reopen(&mut self) {}
}
