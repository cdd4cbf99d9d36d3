use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::clock::SystemClock;
use crate::store::Claimed;
use crate::task::NewTask;

/// Answers every enqueue; says what group it was given and waits to be let on.
struct Gate {
    groups: Sender<usize>,
    go: Receiver<Result<()>>,
}

impl Store for Gate {
    fn apply(&mut self, _: &dyn Clock, batch: &[Operation]) -> Result<Answers> {
        self.groups.send(batch.len()).unwrap();
        // Told nothing any more, it panics.
        self.go.recv().expect("the test goes on")?;
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
        while self.committer.pending().operations != operations {
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
    assert!(!scene.committer.pending().leading);
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
    second.join().unwrap();
}

#[test]
fn a_failed_sync_fails_its_group_and_everyone_after_it() {
    let scene = scene(Duration::ZERO);
    let first = scene.caller(1);
    scene.groups.recv().unwrap();
    let second = scene.caller(1);
    scene.wait_for_pending(1);
    scene.go.send(Err(poisoned("fsync failed"))).unwrap();
    for caller in [first, second] {
        let answers = caller.join().unwrap();
        assert!(matches!(answers.as_slice(), [Err(Error::Poisoned { .. })]), "{answers:?}");
    }
    let later = scene.committer.submit(vec![enqueue()]);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
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
}

impl Idle {
    fn new(queue: &crate::Queue, room: usize) -> Arc<Self> {
        let idle = Arc::new(Self { claim: Claim::new(["t"]), room, given: Mutex::default() });
        let claimer: Arc<dyn Claimer> = idle.clone();
        queue.add_claimer(Arc::downgrade(&claimer));
        idle
    }

    fn given(&self) -> usize {
        self.given.lock().unwrap().len()
    }
}

impl Claimer for Idle {
    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn promise(&self, _: i32) -> usize {
        self.room
    }

    fn keep_promise(&self, room: usize, leases: Vec<Lease>) {
        assert_eq!(room, self.room);
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
        let idle = Arc::new(Idle { claim: Claim::new(["t"]), room: 1, given: Mutex::default() });
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
