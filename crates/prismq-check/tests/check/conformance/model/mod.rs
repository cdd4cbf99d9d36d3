//! A queue as one would describe it: the whole of it in memory, one call at a time.

use std::collections::{BTreeMap, BTreeSet};

use prismq::State;

/// How a queue orders its tasks here; its number stands for it in an operation.
pub(crate) const ORDERS: usize = 5;
pub(crate) const PRIORITY: usize = 0;
pub(crate) const FIRST_OUT: usize = 1;
pub(crate) const LAST_OUT: usize = 2;
pub(crate) const AGEING: usize = 3;
pub(crate) const WEIGHTED: usize = 4;
/// Microseconds a priority number is worth under ageing.
pub(crate) const AGEING_STEP: i64 = 1_000_000;
pub(crate) const QUEUES: [&str; 2] = ["first", "second"];

/// What names one lease: a task and its token.
pub(crate) type Key = (i64, i64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) queue: usize,
    pub(crate) state: State,
    pub(crate) place: (i64, i64),
    pub(crate) needs_gpu: bool,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) token: i64,
    pub(crate) run_at: i64,
    pub(crate) expires_at: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) enqueued: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) reclaimed: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    pub(crate) order: usize,
    pub(crate) paused: bool,
    pub(crate) keep: usize,
    /// Completed tasks that are kept, by the number of their completion and their id.
    pub(crate) kept: BTreeSet<(i64, i64)>,
    pub(crate) counters: Counters,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// What the wall clock shows.
    pub(crate) now: i64,
    /// What leases and delays go by: the same, but never set back.
    pub(crate) monotonic: i64,
    pub(crate) next_id: i64,
    pub(crate) tasks: BTreeMap<i64, Task>,
    pub(crate) queues: [Lane; 2],
    /// Every lease ever given, the live ones among them.
    pub(crate) leases: Vec<Key>,
    /// What the last operation must answer.
    pub(crate) answer: Answer,
}

/// What an operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Refused,
    Enqueued(i64),
    Claimed(Vec<(Key, u32)>),
    Now(State),
    ExpiresAt(i64),
}

impl Model {
    pub(crate) fn new(now: i64) -> Self {
        Self {
            now,
            monotonic: now,
            next_id: 1,
            tasks: BTreeMap::new(),
            queues: Default::default(),
            leases: Vec::new(),
            answer: Answer::Done,
        }
    }

    pub(crate) fn enqueue(&mut self, queue: usize, priority: i64, delay: i64, max: u32, gpu: bool) {
        let id = self.next_id;
        let run_at = self.monotonic + delay;
        let place = match self.queues[queue].order {
            PRIORITY => (priority, id),
            FIRST_OUT | WEIGHTED => (id, id),
            LAST_OUT => (-id, id),
            _ => (run_at + priority * AGEING_STEP, id),
        };
        let state = if delay > 0 { State::Scheduled } else { State::Ready };
        let task = Task {
            queue,
            state,
            place,
            needs_gpu: gpu,
            attempt: 0,
            max_attempts: max,
            token: 0,
            run_at,
            expires_at: 0,
        };
        self.tasks.insert(id, task);
        self.next_id += 1;
        self.queues[queue].counters.enqueued += 1;
        self.answer = Answer::Enqueued(id);
    }

    /// Under the weighted order all that is ready, as chance decides among less.
    pub(crate) fn claim(&mut self, queue: usize, max: usize, lease: i64, gpu: bool) {
        self.advance();
        let lane = &self.queues[queue];
        let mut ready: Vec<((i64, i64), i64)> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.queue == queue && task.state == State::Ready && !lane.paused)
            .filter(|(_, task)| gpu || !task.needs_gpu)
            .map(|(id, task)| (task.place, *id))
            .collect();
        ready.sort_unstable();
        if lane.order != WEIGHTED {
            ready.truncate(max);
        }
        let claimed = ready.into_iter().map(|(_, id)| {
            let task = self.tasks.get_mut(&id).unwrap();
            task.state = State::Leased;
            task.token += 1;
            task.attempt += 1;
            task.expires_at = self.monotonic + lease;
            self.leases.push((id, task.token));
            ((id, task.token), task.attempt)
        });
        self.answer = Answer::Claimed(claimed.collect());
    }

    fn advance(&mut self) {
        for task in self.tasks.values_mut() {
            if task.state == State::Scheduled && task.run_at <= self.monotonic {
                task.state = State::Ready;
            } else if task.state == State::Leased && task.expires_at <= self.monotonic {
                let left = task.attempt < task.max_attempts;
                task.state = if left { State::Ready } else { State::Dead };
                self.queues[task.queue].counters.reclaimed += 1;
            }
        }
    }

    /// The task, if this lease holds it: expired or not, until a claim takes it back.
    fn held(&mut self, (id, token): Key) -> Option<&mut Task> {
        let held = |task: &&mut Task| task.state == State::Leased && task.token == token;
        self.tasks.get_mut(&id).filter(held)
    }

    /// A monotonic time as the wall clock has it now.
    pub(crate) fn shown(&self, monotonic: i64) -> i64 {
        monotonic + self.now - self.monotonic
    }

    fn with_held(&mut self, key: Key, change: impl FnOnce(&mut Task, i64) -> Answer) {
        let now = self.monotonic;
        self.answer = self.held(key).map_or(Answer::Refused, |task| change(task, now));
    }

    pub(crate) fn complete(&mut self, key: Key) {
        self.with_held(key, |_, _| Answer::Done);
        if self.answer == Answer::Refused {
            return;
        }
        let task = self.tasks.remove(&key.0).unwrap();
        let lane = &mut self.queues[task.queue];
        lane.counters.completed += 1;
        if lane.keep > 0 {
            lane.kept.insert((i64::try_from(lane.counters.completed).unwrap(), key.0));
        }
        while lane.kept.len() > lane.keep {
            lane.kept.pop_first();
        }
    }

    pub(crate) fn fail(&mut self, key: Key, retry: Option<i64>) {
        self.with_held(key, |task, now| {
            task.state = match retry {
                Some(0) if task.attempt < task.max_attempts => State::Ready,
                Some(_) if task.attempt < task.max_attempts => State::Scheduled,
                _ => State::Dead,
            };
            task.run_at = now + retry.filter(|_| task.state != State::Dead).unwrap_or(0);
            Answer::Now(task.state)
        });
        if self.answer != Answer::Refused {
            let queue = self.tasks[&key.0].queue;
            self.queues[queue].counters.failed += 1;
        }
    }

    pub(crate) fn extend(&mut self, key: Key, by: i64) {
        let shown = self.shown(self.monotonic + by);
        self.with_held(key, |task, now| {
            task.expires_at = now + by;
            Answer::ExpiresAt(shown)
        });
    }

    pub(crate) fn release(&mut self, key: Key) {
        self.with_held(key, |task, _| {
            task.state = State::Ready;
            task.attempt -= 1;
            Answer::Done
        });
    }

    pub(crate) fn set_order(&mut self, queue: usize, order: usize) {
        let empty = self.tasks.values().all(|task| task.queue != queue);
        let lane = &mut self.queues[queue];
        self.answer = if lane.order == order || empty {
            lane.order = order;
            Answer::Done
        } else {
            Answer::Refused
        };
    }

    pub(crate) fn set_paused(&mut self, queue: usize, paused: bool) {
        self.queues[queue].paused = paused;
        self.answer = Answer::Done;
    }

    pub(crate) fn set_history(&mut self, queue: usize, keep: usize) {
        let lane = &mut self.queues[queue];
        lane.keep = keep;
        while lane.kept.len() > keep {
            lane.kept.pop_first();
        }
        self.answer = Answer::Done;
    }

    pub(crate) fn set_clock(&mut self, by: i64) {
        self.now += by;
        self.monotonic += by.max(0);
        self.answer = Answer::Done;
    }

    /// Tasks of a queue in a state.
    pub(crate) fn count(&self, queue: usize, state: State) -> u64 {
        let of = self.tasks.values().filter(|task| task.queue == queue && task.state == state);
        of.count() as u64
    }
}
