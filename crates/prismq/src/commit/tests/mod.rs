//! Group commit in front of an engine that the test holds up and answers for. Every wait is bounded.

mod claimer;
mod failures;
mod futures;
mod groups;
mod parallel;

use std::path::Path;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::engine::{Claimed, Found, Reader, Search, Watch};
use crate::model::{
    BackupReport, Claim, Contention, Ending, Lease, LimitInfo, NewTask, Payload, Position,
    QueueInfo, QueueStats, RetryInfo, ScheduleInfo, TaskId, TaskInfo, TypeInfo,
};
use crate::time::{Clock, SystemClock};

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends the size of each group that it is given, and waits for what to answer.
#[derive(Debug)]
struct GatedEngine {
    groups: Sender<usize>,
    answers: Mutex<Receiver<Result<()>>>,
    /// What groups of claims are answered, where these are applied in parallel.
    claim_answers: Option<Mutex<Receiver<Claimed>>>,
    clock: Arc<dyn Clock>,
}

impl Engine for GatedEngine {
    fn apply(&self, batch: &[Operation]) -> Result<Answers> {
        self.groups.send(batch.len()).unwrap();
        if let Some(answers) = &self.claim_answers
            && !batch.iter().any(Operation::must_be_durable)
        {
            let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            let claimed = answers.recv_timeout(PATIENCE).expect("the test answers");
            let Claimed { no_slot, .. } = claimed;
            let claimed = || Claimed { no_slot, ..Claimed::default() };
            return Ok(batch.iter().map(|_| Ok(Answer::Claimed(claimed()))).collect());
        }
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        // Panics once the test has dropped its end.
        answers.recv_timeout(PATIENCE).expect("the test answers")?;
        Ok(batch.iter().map(|_| Ok(Answer::Claimed(Claimed::default()))).collect())
    }

    fn claims_in_parallel(&self) -> bool {
        self.claim_answers.is_some()
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn version(&self) -> Result<i64> {
        Ok(0)
    }

    fn watch(&self, _claims: &[Claim]) -> Watch {
        Watch { changes: None, poll_interval: PATIENCE, poll_interval_alone: PATIENCE }
    }

    fn after_call(&self) {}

    #[cfg(feature = "testing")]
    fn fail_next_commit(&self, _: Error) {}

    fn contention(&self) -> Contention {
        Contention::default()
    }

    fn backup(&self, _: &Path) -> Result<BackupReport> {
        Err(Error::unanswered())
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

impl Reader for GatedEngine {
    fn task(&self, _: TaskId) -> Result<Option<TaskInfo>> {
        Ok(None)
    }

    fn ending(&self, _: TaskId) -> Result<Option<Ending>> {
        Ok(None)
    }

    fn checkpoint(&self, _: TaskId) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn payloads(&self, _: &[TaskId], _: usize) -> Result<Vec<Result<Payload>>> {
        Ok(Vec::new())
    }

    fn limits(&self) -> Result<Vec<LimitInfo>> {
        Ok(Vec::new())
    }

    fn retry_policies(&self) -> Result<Vec<RetryInfo>> {
        Ok(Vec::new())
    }

    fn stats(&self, _: &str) -> Result<QueueStats> {
        Ok(QueueStats::default())
    }

    fn find(&self, _: &Search, _: Option<Position>) -> Result<Found> {
        Ok(Found::default())
    }

    fn last_id(&self) -> Result<TaskId> {
        Ok(TaskId::from_i64(0))
    }

    fn queues(&self) -> Result<Vec<QueueInfo>> {
        Ok(Vec::new())
    }

    fn types(&self) -> Result<Vec<TypeInfo>> {
        Ok(Vec::new())
    }

    fn cancel_requests(&self) -> Result<Vec<(TaskId, i64)>> {
        Ok(Vec::new())
    }

    fn schedules(&self, _: Option<&str>) -> Result<Vec<ScheduleInfo>> {
        Ok(Vec::new())
    }
}

/// A committer, and the test's ends of its engine.
struct Fixture {
    committer: Arc<Committer>,
    /// The sizes of the groups that the engine was given.
    groups: Receiver<usize>,
    /// What the engine answers next.
    answers: Sender<Result<()>>,
    /// What it answers the next claims, where these are applied in parallel.
    claim_answers: Sender<Claimed>,
}

/// What a caller on a thread of its own is answered.
struct Caller(Receiver<Answers>);

fn fixture(overload_wait: Duration) -> Fixture {
    fixture_of(overload_wait, false)
}

/// One whose engine applies claims in parallel, or does not.
fn fixture_of(overload_wait: Duration, in_parallel: bool) -> Fixture {
    let ((groups_in, groups), (answers, answers_out)) = (channel(), channel());
    let (claim_answers, claim_answers_out) = channel();
    let engine = GatedEngine {
        groups: groups_in,
        answers: Mutex::new(answers_out),
        claim_answers: in_parallel.then(|| Mutex::new(claim_answers_out)),
        clock: Arc::new(SystemClock),
    };
    let committer = Committer::new(Arc::new(engine), overload_wait);
    Fixture { committer: Arc::new(committer), groups, answers, claim_answers }
}

fn enqueue() -> Operation {
    Operation::Enqueue(vec![NewTask::new("t", [])])
}

impl Fixture {
    /// Submits this many operations on a thread of its own.
    fn caller(&self, operations: usize) -> Caller {
        self.caller_of(vec![enqueue(); operations])
    }

    fn caller_of(&self, operations: Vec<Operation>) -> Caller {
        let committer = self.committer.clone();
        let (answers, received) = channel();
        thread::spawn(move || answers.send(committer.submit(operations)));
        Caller(received)
    }

    /// Submits this many operations and waits for their answers.
    fn submit(&self, operations: usize) -> Answers {
        self.caller(operations).answers()
    }

    /// The size of the next group that the engine is given.
    fn next_group(&self) -> usize {
        self.groups.recv_timeout(PATIENCE).expect("the engine is given a group")
    }

    /// The sizes of all groups that the engine was given since.
    fn groups(&self) -> Vec<usize> {
        self.groups.try_iter().collect()
    }

    /// Answers the next group.
    fn answer(&self, answer: Result<()>) {
        self.answers.send(answer).unwrap();
    }

    fn wait_for_pending(&self, operations: usize) {
        wait_for(&self.committer.pending, operations);
    }
}

fn wait_for(pending: &Pending, operations: usize) {
    let started = Instant::now();
    while pending.lock().operations != operations {
        assert!(started.elapsed() < PATIENCE, "{operations} operations do not become pending");
        thread::yield_now();
    }
}

impl Caller {
    fn answers(self) -> Answers {
        self.0.recv_timeout(PATIENCE).expect("the caller is answered")
    }
}

/// A pool that reserves this many tasks in each transaction of this committer.
fn idle_pool(fixture: &Fixture, reserves: usize) -> Arc<IdlePool> {
    let pool = IdlePool::new(reserves);
    let claimer: Arc<dyn Claimer> = pool.clone();
    fixture.committer.add_claimer(Arc::downgrade(&claimer));
    pool
}

/// An idle pool that reserves this many tasks in each transaction.
#[derive(Debug)]
pub(crate) struct IdlePool {
    claim: Claim,
    reserves: usize,
    pub(crate) delivered: Mutex<Vec<Lease>>,
    /// How many reservations have ended.
    deliveries: Mutex<usize>,
    /// How often work arrived for it.
    arrivals: AtomicUsize,
}

impl IdlePool {
    pub(crate) fn new(reserves: usize) -> Arc<Self> {
        let claim = Claim::new(["t"]);
        let (delivered, deliveries) = (Mutex::default(), Mutex::default());
        let arrivals = AtomicUsize::new(0);
        Arc::new(Self { claim, reserves, delivered, deliveries, arrivals })
    }

    /// How many tasks it was delivered.
    pub(crate) fn delivered(&self) -> usize {
        self.delivered.lock().unwrap().len()
    }

    /// How often work has arrived for it since this was asked for.
    pub(crate) fn take_arrivals(&self) -> usize {
        self.arrivals.swap(0, Ordering::SeqCst)
    }
}

impl Claimer for IdlePool {
    fn claims(&self) -> &[Claim] {
        slice::from_ref(&self.claim)
    }

    fn reserve(&self, _: usize, _: i32) -> usize {
        self.reserves
    }

    fn deliver(&self, reserved: usize, leases: Vec<Lease>) {
        assert_eq!(reserved, self.reserves);
        *self.deliveries.lock().unwrap() += 1;
        self.delivered.lock().unwrap().extend(leases);
    }

    fn work_arrived(&self) {
        self.arrivals.fetch_add(1, Ordering::SeqCst);
    }

    fn cancel_requested(&self, _: &[(TaskId, i64)]) {}

    fn paused(&self, _: &str) {}
}
