use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use super::*;
use crate::clock::SystemClock;
use crate::lease::{Claim, Lease};
use crate::limits::{GROUP_BYTES_MAX, GROUP_OPERATIONS_MAX, PENDING_OPERATIONS_MAX};
use crate::store::Claimed;
use crate::task::NewTask;

/// Longer than anything takes that is waited for here.
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers every enqueue; says what group it was given and waits to be let on.
struct Gate {
    groups: Sender<usize>,
    go: Receiver<Result<()>>,
}

impl Store for Gate {
    fn apply(&mut self, _: &dyn Clock, batch: &[Operation]) -> Result<Answers> {
        self.groups.send(batch.len()).unwrap();
        // Told nothing any more, it panics.
        self.go.recv_timeout(PATIENCE).expect("the test goes on")?;
        Ok(batch.iter().map(|_| Ok(Answer::Claimed(Claimed::default()))).collect())
    }

    fn version(&self) -> Result<i64> {
        Ok(0)
    }

    fn changing_file(&self) -> Option<PathBuf> {
        None
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

struct Scene {
    committer: Arc<Committer<Gate>>,
    groups: Receiver<usize>,
    go: Sender<Result<()>>,
}

fn scene(overload_wait: Duration) -> Scene {
    let ((groups_in, groups), (go, go_out)) = (channel(), channel());
    let gate = Gate { groups: groups_in, go: go_out };
    let committer = Committer::new(gate, Arc::default(), Arc::new(SystemClock), overload_wait);
    Scene { committer: Arc::new(committer), groups, go }
}

fn enqueue() -> Operation {
    Operation::Enqueue(vec![NewTask::new("t", [])])
}

impl Scene {
    fn caller(&self, operations: usize) -> thread::JoinHandle<Answers> {
        let committer = self.committer.clone();
        thread::spawn(move || committer.submit(vec![enqueue(); operations]))
    }

    fn wait_for_pending(&self, operations: usize) {
        while self.committer.pending.lock().operations != operations {
            thread::yield_now();
        }
    }
}

#[test]
fn what_arrives_during_a_commit_is_the_next_group() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    assert_eq!(scene.groups.recv().unwrap(), 1);
    let followers: Vec<_> = (0..5).map(|_| scene.caller(2)).collect();
    scene.wait_for_pending(10);
    scene.go.send(Ok(())).unwrap();
    assert_eq!(scene.groups.recv().unwrap(), 10);
    scene.go.send(Ok(())).unwrap();
    assert_eq!(first.join().unwrap().len(), 1);
    for follower in followers {
        let answers = follower.join().unwrap();
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(Result::is_ok));
    }
    assert!(!scene.committer.pending.lock().leading);
}

#[test]
fn a_group_is_bounded() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let followers: Vec<_> = (0..3).map(|_| scene.caller(GROUP_OPERATIONS_MAX / 2)).collect();
    scene.wait_for_pending(GROUP_OPERATIONS_MAX / 2 * 3);
    for expected in [GROUP_OPERATIONS_MAX / 2 * 2, GROUP_OPERATIONS_MAX / 2] {
        scene.go.send(Ok(())).unwrap();
        assert_eq!(scene.groups.recv().unwrap(), expected);
    }
    scene.go.send(Ok(())).unwrap();
    first.join().unwrap();
    followers.into_iter().for_each(|follower| drop(follower.join().unwrap()));
}

#[test]
fn a_full_queue_answers_overloaded_and_never_grows() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(PENDING_OPERATIONS_MAX);
    scene.wait_for_pending(PENDING_OPERATIONS_MAX);
    let refused = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(refused.as_slice(), [Err(Error::Overloaded { .. })]), "{refused:?}");
    scene.go.send(Ok(())).unwrap();
    scene.go.send(Ok(())).unwrap();
    first.join().unwrap();
    // Larger than a group, it went alone.
    assert_eq!(second.join().unwrap().len(), PENDING_OPERATIONS_MAX);
    assert!(!scene.committer.pending.lock().leading);
}

#[test]
fn what_is_larger_than_all_the_room_goes_when_nothing_waits() {
    let scene = scene(Duration::ZERO);
    scene.go.send(Ok(())).unwrap();
    let answers = scene.committer.submit(vec![enqueue(); PENDING_OPERATIONS_MAX + 1]);
    assert!(answers.iter().all(Result::is_ok));
}

#[test]
fn a_group_is_bounded_in_bytes_and_what_was_applied_leaves_its_room() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let large = || Operation::Enqueue(vec![NewTask::new("t", vec![0; GROUP_BYTES_MAX / 2 + 1])]);
    let followers: Vec<_> = (0..2)
        .map(|_| {
            let (committer, operation) = (scene.committer.clone(), large());
            thread::spawn(move || committer.submit(vec![operation]))
        })
        .collect();
    scene.wait_for_pending(2);
    for _ in 0..2 {
        scene.go.send(Ok(())).unwrap();
        assert_eq!(scene.groups.recv().unwrap(), 1);
    }
    scene.go.send(Ok(())).unwrap();
    first.join().unwrap();
    followers.into_iter().for_each(|follower| drop(follower.join().unwrap()));
    let pending = scene.committer.pending.lock();
    assert_eq!((pending.operations, pending.bytes), (0, 0));
}

/// A caller that waits for room while the queue is full: first and second are what fills it.
fn waits_for_room(scene: &Scene) -> [thread::JoinHandle<Answers>; 3] {
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(PENDING_OPERATIONS_MAX);
    scene.wait_for_pending(PENDING_OPERATIONS_MAX);
    let third = scene.caller(1);
    // It is about to wait; should it come later, it finds the same.
    (0..1000).for_each(|_| thread::yield_now());
    [first, second, third]
}

/// What a caller is answered, within a bounded time.
fn answers_of(caller: thread::JoinHandle<Answers>) -> Answers {
    let started = Instant::now();
    while !caller.is_finished() {
        assert!(started.elapsed() < PATIENCE, "a caller is not answered");
        thread::yield_now();
    }
    caller.join().unwrap()
}

#[test]
fn a_caller_that_waits_for_room_goes_on_when_there_is_some() {
    let scene = scene(Duration::from_secs(3600));
    let callers = waits_for_room(&scene);
    (0..3).for_each(|_| scene.go.send(Ok(())).unwrap());
    for caller in callers {
        assert!(answers_of(caller).iter().all(Result::is_ok));
    }
}

#[test]
fn a_caller_that_waits_for_room_is_answered_when_the_queue_is_poisoned() {
    let scene = scene(Duration::from_secs(3600));
    let work = scene.committer.work.count();
    let callers = waits_for_room(&scene);
    scene.go.send(Err(poisoned("fsync failed"))).unwrap();
    for caller in callers {
        let answers = answers_of(caller);
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))));
    }
    assert!(scene.committer.work.count() > work, "idle pools learn of it");
}

#[test]
fn a_busy_group_is_not_applied_one_by_one() {
    let scene = scene(Duration::ZERO);
    let busy = Err(Error::Busy { waited: Duration::ZERO });
    for answer in [busy, Ok(()), Ok(()), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue(); 3]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [3]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Busy { .. }))));
}

#[test]
fn a_failed_sync_fails_its_group_and_everyone_after_it() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(1);
    scene.wait_for_pending(1);
    scene.go.send(Err(poisoned("a write failed"))).unwrap();
    for caller in [first, second] {
        let answers = caller.join().unwrap();
        assert!(matches!(answers.as_slice(), [Err(Error::Poisoned { .. })]), "{answers:?}");
    }
    let later = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
    assert_eq!(scene.groups.try_iter().count(), 0, "nothing more is applied");
}

#[test]
fn a_panic_of_the_engine_answers_its_group_and_all_who_wait() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    // More than one group holds.
    let followers: Vec<_> = (0..5).map(|_| scene.caller(GROUP_OPERATIONS_MAX / 2)).collect();
    scene.wait_for_pending(GROUP_OPERATIONS_MAX / 2 * 5);
    drop(scene.go);
    for caller in [first].into_iter().chain(followers) {
        let answers = caller.join().unwrap();
        let poisoned = |answer| matches!(answer, &Err(Error::Poisoned { .. }));
        assert!(answers.iter().all(poisoned), "{answers:?}");
    }
    let later = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
    assert_eq!(scene.groups.try_iter().count(), 0, "nothing more is applied");
}

#[test]
fn a_refused_group_is_applied_again_one_by_one() {
    let scene = scene(Duration::ZERO);
    let full = || Err(Error::Full { reason: "disk".to_owned() });
    for answer in [full(), Ok(()), full(), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue(); 3]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [3, 1, 1, 1]);
    assert!(matches!(answers.as_slice(), [Ok(_), Err(Error::Full { .. }), Ok(_)]));
}

#[test]
fn a_failed_sync_stops_the_rest_of_a_group_that_is_applied_one_by_one() {
    let scene = scene(Duration::ZERO);
    let full = Err(Error::Full { reason: "disk".to_owned() });
    for answer in [full, Ok(()), Err(poisoned("fsync failed")), Ok(()), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue(); 4]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [4, 1, 1], "nothing more is applied");
    let [Ok(_), rest @ ..] = answers.as_slice() else { panic!("{answers:?}") };
    assert!(rest.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))), "{answers:?}");
}

fn queue() -> (tempfile::TempDir, crate::Queue) {
    let folder = tempfile::tempdir().unwrap();
    let queue = crate::Queue::open(folder.path().join("queue.db")).unwrap();
    (folder, queue)
}

/// Stands for an idle pool that has room for so many tasks.
#[derive(Debug)]
struct Idle {
    claim: Claim,
    room: usize,
    given: Mutex<Vec<Lease>>,
    /// How many reservations were kept.
    kept: Mutex<usize>,
}

impl Idle {
    fn new(queue: &crate::Queue, room: usize) -> Arc<Self> {
        let idle = Self::with_room(room);
        let claimer: Arc<dyn Claimer> = idle.clone();
        queue.add_claimer(Arc::downgrade(&claimer));
        idle
    }

    fn with_room(room: usize) -> Arc<Self> {
        let claim = Claim::new(["t"]);
        Arc::new(Self { claim, room, given: Mutex::default(), kept: Mutex::default() })
    }

    fn given(&self) -> usize {
        self.given.lock().unwrap().len()
    }
}

impl Claimer for Idle {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn reserve(&self, _: i32) -> usize {
        self.room
    }

    fn deliver(&self, room: usize, leases: Vec<Lease>) {
        assert_eq!(room, self.room);
        *self.kept.lock().unwrap() += 1;
        self.given.lock().unwrap().extend(leases);
    }

    fn work_arrived(&self) {}

    fn paused(&self, _: &str) {}
}

#[test]
fn an_idle_pool_is_served_in_the_transaction_that_enqueues() {
    let (_folder, queue) = queue();
    let idle = Idle::new(&queue, 2);
    queue.enqueue_all(&["t", "t", "t"].map(|name| NewTask::new(name, []))).unwrap();
    assert_eq!(idle.given(), 2);
    assert_eq!(queue.contention().write_transactions, 1);
    assert_eq!(queue.stats("default").unwrap().leased, 2);
}

#[test]
fn an_idle_pool_is_given_nothing_it_did_not_ask_for() {
    let (_folder, queue) = queue();
    let idle = Idle::new(&queue, 1);
    queue.enqueue(&NewTask::new("other", [])).unwrap();
    queue.enqueue(&NewTask::new("t", []).queue("other")).unwrap();
    queue.enqueue(&NewTask::new("t", []).delay(Duration::from_secs(9))).unwrap();
    assert_eq!(idle.given(), 0);
}

#[test]
fn a_pool_without_room_and_one_that_is_gone_take_nothing() {
    let (_folder, queue) = queue();
    let busy = Idle::new(&queue, 0);
    drop(Idle::new(&queue, 1));
    queue.enqueue(&NewTask::new("t", [])).unwrap();
    assert_eq!(busy.given(), 0);
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}

/// A queue with one task, of type `bad`, whose file was changed behind its back.
fn damaged(sql: &str) -> (tempfile::TempDir, crate::Queue) {
    let (folder, queue) = queue();
    queue.enqueue(&NewTask::new("bad", [])).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("queue.db")).unwrap();
    other.execute_batch(sql).unwrap();
    (folder, queue)
}

#[test]
fn a_damaged_row_fails_nothing_of_its_group() {
    let (_folder, queue) = damaged("UPDATE task SET attempt = -5");
    let answers = queue.submit_all(vec![
        Operation::Enqueue(vec![NewTask::new("good", [])]),
        Operation::Claim(Claim::new(["bad"])),
    ]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(queue.stats("default").unwrap().dead, 1);
}

#[test]
fn an_operation_that_meets_damage_fails_alone() {
    let (_folder, queue) = damaged("DELETE FROM file");
    let claim = || Operation::Claim(Claim::new(["bad"]));
    let answers = queue.submit_all(vec![
        claim(),
        Operation::Enqueue(vec![NewTask::new("good", [])]),
        claim(),
    ]);
    assert!(
        matches!(answers.as_slice(), [Ok(_), Err(Error::Corrupt { .. }), Ok(_)]),
        "{answers:?}"
    );
    assert_eq!(queue.stats("default").unwrap().leased, 1);
}

#[test]
fn a_claim_that_fails_does_not_fail_the_enqueue_it_rides_on() {
    let scene = scene(Duration::ZERO);
    for error in [
        Error::Corrupt { path: PathBuf::new(), reason: "a row".to_owned() },
        Error::Full { reason: "disk".to_owned() },
        Error::InvalidInput { what: "any", reason: "error".to_owned() },
    ] {
        let idle = Idle::with_room(1);
        let claimer: Arc<dyn Claimer> = idle.clone();
        scene.committer.add_claimer(Arc::downgrade(&claimer));
        scene.go.send(Err(error)).unwrap();
        scene.go.send(Ok(())).unwrap();
        let answers = scene.committer.submit(vec![enqueue()]);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(idle.given(), 0);
    }
}

/// One that claims in the transactions of this scene.
fn idle(scene: &Scene) -> Arc<Idle> {
    let idle = Idle::with_room(1);
    let claimer: Arc<dyn Claimer> = idle.clone();
    scene.committer.add_claimer(Arc::downgrade(&claimer));
    idle
}

#[test]
fn a_claim_for_an_idle_pool_that_fails_fails_nobody_else() {
    let scene = scene(Duration::ZERO);
    let idle = idle(&scene);
    for answer in [Err(Error::Full { reason: "disk".to_owned() }), Ok(())] {
        scene.go.send(answer).unwrap();
    }
    let answers = scene.committer.submit(vec![enqueue()]);
    assert_eq!(scene.groups.try_iter().collect::<Vec<_>>(), [2, 1], "again without the claim");
    assert!(matches!(answers.as_slice(), [Ok(_)]), "{answers:?}");
    assert_eq!(*idle.kept.lock().unwrap(), 1);
}

#[test]
fn a_reservation_ends_where_the_transaction_fails() {
    let scene = scene(Duration::ZERO);
    let idle = idle(&scene);
    scene.go.send(Err(Error::Busy { waited: Duration::ZERO })).unwrap();
    let answers = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(answers.as_slice(), [Err(Error::Busy { .. })]), "{answers:?}");
    assert_eq!((*idle.kept.lock().unwrap(), idle.given()), (1, 0));
}

#[test]
fn an_idle_pool_is_given_no_suspect_with_what_is_enqueued() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(crate::ManualClock::default());
    let path = folder.path().join("queue.db");
    let queue = crate::Queue::builder(path).clock(clock.clone()).open().unwrap();
    queue.enqueue(&NewTask::new("t", [])).unwrap();
    let lease = queue.claim(&Claim::new(["t"])).unwrap().pop().unwrap();
    clock.set(lease.expires_at());
    let idle = Idle::new(&queue, 2);
    let id = queue.enqueue(&NewTask::new("t", [])).unwrap();
    let given = idle.given.lock().unwrap();
    assert_eq!(given.iter().map(Lease::id).collect::<Vec<_>>(), [id]);
}

#[test]
fn what_gives_workers_something_to_do_raises_the_signal_of_work() {
    let (_folder, queue) = queue();
    let mut known = queue.work().count();
    let mut raised = || {
        let count = queue.work().count();
        std::mem::replace(&mut known, count) < count
    };
    let claim = || queue.claim(&Claim::new(["t"])).unwrap().pop().unwrap();
    queue.enqueue(&NewTask::new("t", [])).unwrap();
    assert!(raised());
    let lease = claim();
    assert!(!raised(), "a claim takes work");
    queue.release(&lease).unwrap();
    assert!(raised());
    queue.fail(&claim(), crate::TaskError::new("again").retry_after(Duration::ZERO)).unwrap();
    assert!(raised());
    queue.pause("default").unwrap();
    assert!(!raised());
    queue.resume("default").unwrap();
    assert!(raised());
    queue.fail(&claim(), crate::TaskError::permanent("never")).unwrap();
    assert!(!raised(), "a dead letter is no work");
}

/// A pool that goes away during a commit, and whose handlers use the queue as they are dropped.
#[derive(Debug)]
struct Leaving {
    claim: Claim,
    queue: crate::Queue,
    own: Mutex<Option<Arc<dyn Claimer>>>,
}

impl Claimer for Leaving {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn reserve(&self, _: i32) -> usize {
        self.own.lock().unwrap().take();
        0
    }

    fn deliver(&self, _: usize, _: Vec<Lease>) {}

    fn work_arrived(&self) {}

    fn paused(&self, _: &str) {}
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.queue.enqueue(&NewTask::new("farewell", [])).unwrap();
    }
}

#[test]
fn a_pool_that_goes_away_in_a_commit_may_use_the_queue_as_it_goes() {
    let (_folder, queue) = queue();
    let leaving = Leaving { claim: Claim::new(["t"]), queue: queue.clone(), own: Mutex::default() };
    let leaving = Arc::new(leaving);
    let claimer: Arc<dyn Claimer> = leaving.clone();
    queue.add_claimer(Arc::downgrade(&claimer));
    *leaving.own.lock().unwrap() = Some(claimer);
    drop(leaving);
    let (done, answered) = channel();
    let caller = queue.clone();
    thread::spawn(move || done.send(caller.enqueue(&NewTask::new("t", []))));
    let answer = answered.recv_timeout(Duration::from_secs(30)).expect("the enqueue returns");
    assert!(answer.is_ok());
    assert_eq!(queue.stats("default").unwrap().ready, 2);
}
