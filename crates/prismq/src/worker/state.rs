//! Who does what next: the pool's state and its decisions, without a thread, a clock's sleep or a
//! database in it.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::event::{Outcome, PoolStats};
use crate::clock::{Moment, Timestamp};
use crate::error::{Error, Result};
use crate::failure::TaskError;
use crate::lease::{Lease, LeaseKey, Payload};
use crate::limits::{PAYLOAD_BYTES_INLINE_MAX, PREFETCH_TIME, READ_BYTES_MAX, SETTLE_DELAY};

/// A handler that takes less is quick: less than it takes to wake another thread. Its completions are
/// gathered rather than committed at once, and who is awake runs what they have done by the time another
/// would be.
const QUICK: Duration = Duration::from_micros(50);
/// How long a handler believed to be quick may keep others from what waits for it.
const STUCK: Duration = Duration::from_millis(1);
const BACKOFF_FIRST: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A task that waits to be settled.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) lease: Lease,
    pub(super) worker: Option<usize>,
    pub(super) end: End,
}

/// How an attempt ended, before it is committed.
#[derive(Debug, Clone)]
pub(super) enum End {
    Complete,
    Fail(TaskError),
    Release,
}

/// What a worker is to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Run this task's handler.
    Run(Lease),
    /// Read the payloads of these tasks, as far as they are to be read at once.
    Read(Vec<LeaseKey>),
    /// Settle what is finished and claim up to `room` tasks, for which `idle` workers wait.
    Lead { finished: Vec<Finished>, room: usize, idle: usize },
    /// Wait until there may be something to claim again, with a claim for this many left waiting.
    Watch { drained: Drained, room: usize },
    /// Wait to be told.
    Wait(Option<Duration>),
    /// End the thread.
    Exit,
}

/// Which of the waiting workers are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    Nobody,
    One,
    All,
}

/// What the last claim that came back short had seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drained {
    /// Where the signal of new work stood.
    pub(super) seen: u64,
    /// What the clock's monotonic time was.
    pub(super) clock: Timestamp,
    /// The store's version.
    pub(super) version: i64,
    /// When the next task is due or the next lease expires.
    pub(super) next_due: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Claims nothing more; settles what is held.
    Draining,
}

/// One worker's place.
#[derive(Debug, Default)]
struct Post {
    /// The task in hand.
    key: Option<LeaseKey>,
    /// Tells the handler in hand that its lease was lost.
    lost: Arc<AtomicBool>,
}

/// The state of a pool.
#[derive(Debug)]
pub(super) struct State {
    phase: Phase,
    ready: VecDeque<Lease>,
    posts: Vec<Post>,
    finished: Vec<Finished>,
    /// When the oldest of `finished` came in.
    finished_since: Option<Instant>,
    /// When a worker last took a task in hand.
    begun_at: Option<Instant>,
    /// When the attendant looks again; it need not be told of what is due later.
    attended_at: Option<Instant>,
    /// Whether the attendant is at the database and looks after nothing.
    attendant_away: bool,
    leading: bool,
    watching: bool,
    /// Whether a worker reads payloads of what is ready.
    reading: bool,
    drained: Option<Drained>,
    prefetch_max: usize,
    /// Workers that wait to be told.
    waiting: usize,
    /// Moving average of a handler's time in seconds; `None` until one has run.
    handler_seconds: Option<f64>,
    backoff: Option<Backoff>,
    /// Why the pool gave up.
    halted: Option<Error>,
    /// Whether the attendant may go.
    dismissed: bool,
    stats: PoolStats,
}

#[derive(Debug, Clone, Copy)]
struct Backoff {
    wait: Duration,
    until: Instant,
}

impl State {
    pub(super) fn new(workers: usize, prefetch_max: usize) -> Self {
        Self {
            phase: Phase::Running,
            ready: VecDeque::new(),
            posts: (0..workers).map(|_| Post::default()).collect(),
            finished: Vec::new(),
            finished_since: None,
            begun_at: None,
            attended_at: None,
            attendant_away: false,
            leading: false,
            watching: false,
            reading: false,
            drained: None,
            prefetch_max,
            waiting: 0,
            handler_seconds: None,
            backoff: None,
            halted: None,
            dismissed: false,
            stats: PoolStats { per_worker: vec![0; workers], ..PoolStats::default() },
        }
    }

    /// What a worker that has nothing in hand is to do. `signalled` is where the signal of new work
    /// stands.
    pub(super) fn next(&mut self, now: Instant, clock: Timestamp, signalled: u64) -> Step {
        if self.halted.is_some() {
            return Step::Exit;
        }
        self.forget_drained(clock, signalled);
        let held_back = self.backoff.map(|backoff| backoff.until.saturating_duration_since(now));
        let may_lead = !self.leading && held_back.is_none_or(|wait| wait.is_zero());
        if may_lead && self.must_settle(now) {
            return self.lead();
        }
        match self.ready.front() {
            Some(lease) if !lease.payload.is_unread() => {
                return self.ready.pop_front().map_or(Step::Wait(None), Step::Run);
            }
            Some(_) if self.reading => return Step::Wait(None),
            Some(_) => return self.read(),
            None => {}
        }
        if self.phase == Phase::Draining {
            return match (self.finished.is_empty(), may_lead) {
                (true, _) => Step::Exit,
                (false, true) => self.lead(),
                (false, false) if self.leading => Step::Wait(None),
                (false, false) => Step::Wait(held_back),
            };
        }
        match self.drained {
            _ if self.leading => Step::Wait(None),
            _ if !may_lead => Step::Wait(held_back),
            // The watcher sees the same and is on its way back, perhaps with tasks.
            _ if self.watching => Step::Wait(None),
            None => self.lead(),
            Some(drained) => {
                self.watching = true;
                Step::Watch { drained, room: self.waiting_room() }
            }
        }
    }

    /// The payloads that are read next: no more than can fit, as each is larger than one that stands in
    /// its task's row.
    fn read(&mut self) -> Step {
        self.reading = true;
        let unread = self.ready.iter().take_while(|lease| lease.payload.is_unread());
        let most = READ_BYTES_MAX / PAYLOAD_BYTES_INLINE_MAX;
        Step::Read(unread.take(most).map(|lease| lease.key).collect())
    }

    /// A worker is back with payloads, in the order they were asked for. A task that is no longer ready
    /// was lost or given back meanwhile; one whose payload cannot be had has failed.
    pub(super) fn end_read(&mut self, read: Vec<(LeaseKey, Result<Payload>)>, now: Instant) {
        self.reading = false;
        let mut place = 0;
        for (key, payload) in read {
            let Some(lease) = self.ready.get_mut(place).filter(|lease| lease.key == key) else {
                continue;
            };
            match payload {
                Ok(payload) => {
                    lease.payload = payload;
                    place += 1;
                }
                Err(error) => {
                    let lease = lease.clone();
                    self.ready.remove(place);
                    let end = End::Fail(error.into());
                    self.put_finished(Finished { lease, worker: None, end }, now);
                }
            }
        }
    }

    /// The attendant's question: must something be settled that no worker comes to settle?
    pub(super) fn next_overdue(&mut self, now: Instant) -> Option<Step> {
        let waits = self.backoff.is_some_and(|backoff| backoff.until > now);
        let may_lead = self.halted.is_none() && !self.leading && !waits;
        if !may_lead || !self.must_settle(now) {
            return None;
        }
        self.attendant_away = true;
        Some(self.lead())
    }

    /// The attendant goes to the database or is back from it.
    pub(super) const fn attendant_is_away(&mut self, away: bool) {
        self.attendant_away = away;
    }

    /// The attendant's other question: must workers be woken, since a handler is not as quick as it was
    /// believed to be?
    pub(super) fn frees_stuck(&mut self, now: Instant) -> bool {
        let stuck = self.stuck_at().is_some_and(|at| at <= now);
        if stuck {
            self.begun_at = Some(now);
        }
        stuck
    }

    /// When the attendant must ask again, if it must before it is told to.
    pub(super) fn overdue_at(&mut self) -> Option<Instant> {
        self.attended_at = self.settle_at().into_iter().chain(self.stuck_at()).min();
        self.attended_at
    }

    /// Whether the attendant must be told of something that is left to it while the asking worker does
    /// what it was told to, which is to wake another too if `woken`.
    pub(super) fn must_attend(&mut self, woken: bool) -> bool {
        let stuck_at = self.stuck_at().filter(|_| !woken);
        let Some(due) = self.settle_at().into_iter().chain(stuck_at).min() else {
            return false;
        };
        let sooner = self.attended_at.is_none_or(|at| due < at);
        if sooner {
            self.attended_at = Some(due);
        }
        sooner
    }

    /// When what is finished must be settled; while somebody leads, that one sees to it.
    fn settle_at(&self) -> Option<Instant> {
        if self.leading || self.halted.is_some() {
            return None;
        }
        let due = self.finished_since? + SETTLE_DELAY;
        Some(self.backoff.map_or(due, |backoff| backoff.until.max(due)))
    }

    /// When workers must be woken for what those awake did not come to.
    fn stuck_at(&self) -> Option<Instant> {
        if self.halted.is_some() || self.waiting == 0 {
            return None;
        }
        let at = self.begun_at? + STUCK;
        match self.ready.front() {
            Some(lease) if lease.payload.is_unread() && self.reading => None,
            Some(_) => Some(at),
            None if self.watching || self.leading || self.phase == Phase::Draining => None,
            None => Some(self.backoff.map_or(at, |backoff| backoff.until.max(at))),
        }
    }

    fn must_settle(&self, now: Instant) -> bool {
        let Some(since) = self.finished_since else {
            return false;
        };
        // Before a task that may kill the process, what is finished is brought to safety.
        let may_gather =
            self.ready.front().is_some_and(|next| !next.is_suspect()) && self.is_quick();
        !may_gather
            || now.saturating_duration_since(since) >= SETTLE_DELAY
            || self.finished.len() * 2 >= self.prefetch_max
    }

    fn lead(&mut self) -> Step {
        self.leading = true;
        self.finished_since = None;
        let finished = mem::take(&mut self.finished);
        let wanted = self.prefetch();
        let running = self.phase == Phase::Running && self.drained.is_none();
        let coming = self.ready.len() + if self.watching { self.waiting_room() } else { 0 };
        let room = if running && coming * 2 <= wanted { wanted - coming } else { 0 };
        let idle = self.posts.len().saturating_sub(self.in_hand().count() + coming);
        // Where one does them all before another is woken, only the first of them is begun at once.
        let idle = if self.done_meanwhile(1) > 0 { idle.min(1) } else { idle };
        Step::Lead { finished, room, idle }
    }

    /// How many tasks a claim that is left waiting may be given: one a worker.
    fn waiting_room(&self) -> usize {
        self.posts.len().min(self.prefetch_max)
    }

    /// How many tasks to hold: one a worker, and what they finish within [`PREFETCH_TIME`].
    fn prefetch(&self) -> usize {
        let workers = self.posts.len();
        let ahead = self.handler_seconds.map_or(0.0, |seconds| {
            PREFETCH_TIME.as_secs_f64() / seconds.max(1e-9) * workers as f64
        });
        workers.saturating_add(ahead as usize).min(self.prefetch_max)
    }

    fn is_quick(&self) -> bool {
        self.handler_seconds.is_some_and(|seconds| seconds < QUICK.as_secs_f64())
    }

    /// Forgets the last short claim once it no longer tells that there is nothing to take.
    fn forget_drained(&mut self, clock: Timestamp, signalled: u64) {
        let holds = self.drained.is_some_and(|drained| {
            drained.seen == signalled && drained.next_due.is_none_or(|due| due > clock)
        });
        if !holds {
            self.drained = None;
        }
    }

    /// A worker took a task in hand.
    pub(super) fn begin(&mut self, worker: usize, key: LeaseKey, now: Instant) {
        self.begun_at = Some(now);
        if let Some(post) = self.posts.get_mut(worker) {
            post.key = Some(key);
            post.lost.store(false, Ordering::Relaxed);
        }
    }

    /// A worker's flag of a lost lease.
    pub(super) fn lost_flag(&self, worker: usize) -> Arc<AtomicBool> {
        self.posts.get(worker).map(|post| post.lost.clone()).unwrap_or_default()
    }

    /// Who should be woken while the asking worker does what it was told to: another to take a task in
    /// hand or to watch, unless those awake will have come to it sooner.
    pub(super) fn wake(&self) -> Wake {
        let away = [self.leading, self.watching, self.reading];
        let away = away.into_iter().filter(|away| *away).count();
        let awake = self.posts.len().saturating_sub(self.waiting + away);
        let ahead = self.done_meanwhile(awake);
        let another = match self.ready.get(ahead) {
            Some(lease) => !lease.payload.is_unread() || (ahead == 0 && !self.reading),
            None => ahead == 0 && !(self.watching || self.leading),
        };
        if self.waiting > 0 && another { Wake::One } else { Wake::Nobody }
    }

    /// How many tasks so many workers do while another is woken.
    fn done_meanwhile(&self, awake: usize) -> usize {
        // Without the attendant, nobody would notice that they do not.
        let each = self.handler_seconds.filter(|_| awake > 0 && !self.attendant_away);
        each.map_or(0, |seconds| (awake as f64 * QUICK.as_secs_f64() / seconds.max(1e-9)) as usize)
    }

    /// A worker begins or ends to wait.
    pub(super) const fn waits(&mut self, waits: bool) {
        if waits {
            self.waiting += 1;
        } else {
            self.waiting -= 1;
        }
    }

    /// A worker is done with its task after `took`.
    pub(super) fn finish(&mut self, finished: Finished, took: Duration, now: Instant) {
        if let Some(worker) = finished.worker {
            if let Some(post) = self.posts.get_mut(worker) {
                post.key = None;
            }
            if let Some(count) = self.stats.per_worker.get_mut(worker) {
                *count += 1;
            }
        }
        let took = took.as_secs_f64();
        self.handler_seconds =
            Some(self.handler_seconds.map_or(took, |average| average * 0.9 + took * 0.1));
        self.put_finished(finished, now);
    }

    fn put_finished(&mut self, finished: Finished, now: Instant) {
        self.finished.push(finished);
        self.finished_since.get_or_insert(now);
    }

    /// The leader is back from the database; says who is to be told.
    pub(super) fn end_lead(&mut self) -> Wake {
        self.leading = false;
        let ends = self.phase == Phase::Draining || self.halted.is_some();
        if ends || !self.is_quick() { Wake::All } else { self.wake() }
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        self.stats.count(outcome);
    }

    /// A claim gave these, and came back short if it drained the queue.
    pub(super) fn claimed(&mut self, leases: Vec<Lease>, drained: Option<Drained>) {
        self.drained = drained;
        if self.phase == Phase::Running {
            self.ready.extend(leases);
        } else {
            self.release(leases, Instant::now());
        }
    }

    /// Settling did not succeed for now: it is tried again later.
    pub(super) fn put_back(&mut self, finished: Vec<Finished>, now: Instant) {
        for finished in finished {
            self.put_finished(finished, now);
        }
    }

    /// The database refused for now.
    pub(super) fn back_off(&mut self, now: Instant) {
        let wait =
            self.backoff.map_or(BACKOFF_FIRST, |backoff| (backoff.wait * 2).min(BACKOFF_MAX));
        self.backoff = Some(Backoff { wait, until: now + wait });
    }

    /// The database is well again.
    pub(super) fn recovered(&mut self) {
        self.backoff = None;
    }

    /// The database will not be well again.
    pub(super) fn halt(&mut self, error: Error) {
        self.halted.get_or_insert(error);
    }

    /// A watcher is back with what its claim was given; it saw work that the signal knows nothing of if
    /// `found`.
    pub(super) fn end_watch(&mut self, leases: Vec<Lease>, found: bool) {
        self.watching = false;
        if !leases.is_empty() {
            self.claimed(leases, None);
        } else if found {
            self.drained = None;
        }
    }

    /// No more claims: what is prefetched goes back.
    pub(super) fn drain(&mut self, now: Instant) {
        self.phase = Phase::Draining;
        let leases = mem::take(&mut self.ready);
        self.release(leases, now);
    }

    fn release(&mut self, leases: impl IntoIterator<Item = Lease>, now: Instant) {
        for lease in leases {
            self.put_finished(Finished { lease, worker: None, end: End::Release }, now);
        }
    }

    /// Every lease the pool holds.
    pub(super) fn held(&self) -> Vec<LeaseKey> {
        let ready = self.ready.iter().map(|lease| lease.key);
        let finished = self.finished.iter().map(|finished| finished.lease.key);
        self.in_hand().chain(ready).chain(finished).collect()
    }

    /// A lease was extended.
    pub(super) fn extended(&mut self, key: LeaseKey, expires_at: Moment) {
        for lease in self.ready.iter_mut().filter(|lease| lease.key == key) {
            lease.expires_at = expires_at;
        }
    }

    /// A lease no longer holds: whoever runs the task is told; if nobody does yet, nobody will.
    /// Returns the lease in the second case.
    pub(super) fn lost(&mut self, key: LeaseKey) -> Option<Lease> {
        for post in self.posts.iter().filter(|post| post.key == Some(key)) {
            post.lost.store(true, Ordering::Relaxed);
        }
        let position = self.ready.iter().position(|lease| lease.key == key)?;
        self.ready.remove(position)
    }

    /// Tasks whose handlers still run.
    pub(super) fn in_hand(&self) -> impl Iterator<Item = LeaseKey> {
        self.posts.iter().filter_map(|post| post.key)
    }

    /// Whether everything held is settled.
    pub(super) fn is_settled(&self) -> bool {
        let held = self.ready.len() + self.finished.len() + self.in_hand().count();
        // A watcher may come back with tasks its waiting claim was given.
        self.halted.is_some() || (held == 0 && !self.leading && !self.watching)
    }

    /// Whether a worker watches for new work.
    pub(super) const fn is_watched(&self) -> bool {
        self.watching
    }

    /// Nobody waits for the pool any more.
    pub(super) const fn dismiss(&mut self) {
        self.dismissed = true;
    }

    pub(super) const fn is_dismissed(&self) -> bool {
        self.dismissed
    }

    pub(super) const fn halted(&self) -> Option<&Error> {
        self.halted.as_ref()
    }

    pub(super) fn stats(&self) -> PoolStats {
        PoolStats { ready: self.ready.len(), running: self.in_hand().count(), ..self.stats.clone() }
    }
}

#[cfg(test)]
mod tests;
