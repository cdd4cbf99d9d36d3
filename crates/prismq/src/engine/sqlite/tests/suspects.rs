//! Proof of which tasks are suspects, and that claims take as many of them as they may.

use std::time::Duration;

use tempfile::TempDir;

use crate::engine::sqlite::schema::state::stored;
use crate::engine::sqlite::tests::{NOW, writer};
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AfterFailure, Answer, Operation};
use crate::model::{Claim, Failure, Lease, LeaseKey, NewTask, State};
use crate::time::{ManualClock, Timestamp};

const LEASE: Duration = Duration::from_secs(1);

/// A claim as a pool makes it: its tasks have not begun.
fn pool_claim() -> Claim {
    Claim::new(["job"]).lease(LEASE).max(10).begun_max(0)
}

struct Scene {
    _folder: TempDir,
    writer: Writer,
    now: Timestamp,
}

/// A queue with tasks of these priorities, whose ids rise from 1.
fn scene(priorities: &[i32]) -> Scene {
    let (folder, writer) = writer();
    let mut scene = Scene { _folder: folder, writer, now: NOW };
    scene.enqueue(priorities);
    scene
}

impl Scene {
    fn apply(&mut self, operations: &[Operation]) -> Vec<Answer> {
        let answers = self.writer.apply(&ManualClock::new(self.now), operations).unwrap();
        answers.into_iter().map(Result::unwrap).collect()
    }

    fn enqueue(&mut self, priorities: &[i32]) {
        let task = |priority: &i32| NewTask::new("job", []).priority(*priority).max_attempts(3);
        self.apply(&[Operation::Enqueue(priorities.iter().map(task).collect())]);
    }

    fn claim(&mut self, claim: Claim) -> Vec<Lease> {
        leases(self.apply(&[Operation::Claim(claim)]).remove(0))
    }

    /// Reclaims all leases, by a claim of another type.
    fn expire(&mut self) {
        self.now = self.now.after(LEASE);
        assert_eq!(self.claim(Claim::new(["none"])), []);
    }

    fn release(&mut self, key: LeaseKey) {
        self.apply(&[Operation::Release(key)]);
    }

    fn fail(&mut self, key: LeaseKey, delay: Duration) {
        let next = AfterFailure::Retry(delay);
        let failure =
            Failure { error: "no".to_owned(), error_type: None, began_at: NOW, worker: None };
        self.apply(&[Operation::Fail { key, failure, next }]);
    }

    /// Id, state, whether begun and whether a suspect, of each task.
    fn tasks(&self) -> Vec<(i64, i64, bool, bool)> {
        let connection = &self.writer.connection;
        let mut select = connection
            .prepare("SELECT id, state, begun, suspect FROM prismq_task ORDER BY id")
            .unwrap();
        let tasks = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap();
        tasks.collect::<Result<_, _>>().unwrap()
    }

    /// Ready tasks, suspects among them, and leased ones, as the queue counts them.
    fn counters(&self) -> (i64, i64, i64) {
        let select = "SELECT ready, suspects, leased FROM prismq_queue";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        self.writer.connection.query_row(select, [], read).unwrap()
    }
}

fn leases(answer: Answer) -> Vec<Lease> {
    match answer {
        Answer::Claimed(claimed) => claimed.leases,
        other => panic!("{other:?}"),
    }
}

fn ids(leases: &[Lease]) -> Vec<(i64, bool)> {
    leases.iter().map(|lease| (lease.id().as_i64(), lease.is_suspect())).collect()
}

#[test]
fn a_task_is_a_suspect_from_lease_expiry_until_an_attempt_is_settled() {
    // Begun or not: a direct claim begins what it takes.
    for (claim, attempt) in [(pool_claim(), 1), (pool_claim().begun_max(usize::MAX), 2)] {
        let mut scene = scene(&[1]);
        assert_eq!(ids(&scene.claim(claim.clone())), [(1, false)]);
        scene.expire();
        assert_eq!(scene.counters(), (1, 1, 0));
        assert!(scene.tasks().iter().all(|(_, state, _, suspect)| (*state, *suspect) == (5, true)));
        let lease = scene.claim(pool_claim()).remove(0);
        assert_eq!((lease.is_suspect(), lease.attempt()), (true, attempt));
        assert_eq!(scene.counters(), (0, 0, 1));

        scene.fail(lease.key, Duration::ZERO);
        assert_eq!((scene.tasks()[0].3, scene.counters()), (false, (1, 0, 0)));
        let lease = scene.claim(pool_claim()).remove(0);
        assert!(!lease.is_suspect());
        scene.apply(&[Operation::complete(lease.key)]);
        assert_eq!(scene.counters(), (0, 0, 0));
    }
}

#[test]
fn a_due_retry_is_no_suspect() {
    let mut scene = scene(&[1]);
    scene.claim(pool_claim());
    scene.expire();
    let lease = scene.claim(pool_claim()).remove(0);
    scene.fail(lease.key, LEASE);
    scene.now = scene.now.after(LEASE);
    assert_eq!(ids(&scene.claim(pool_claim().suspects_max(0))), [(1, false)]);
}

#[test]
fn a_released_task_stays_what_it_was() {
    let mut scene = scene(&[1, 2]);
    let first = scene.claim(pool_claim().max(1)).remove(0);
    scene.release(first.key);
    assert_eq!(scene.counters(), (2, 0, 0));
    let first = scene.claim(pool_claim().max(1)).remove(0);
    assert_eq!(ids(&[first]), [(1, false)], "however often it was claimed");

    scene.expire();
    let both = scene.claim(pool_claim());
    assert_eq!(ids(&both), [(1, true), (2, false)]);
    both.iter().for_each(|lease| scene.release(lease.key));
    assert_eq!(scene.counters(), (2, 1, 0));
    assert_eq!(scene.tasks().iter().map(|task| task.1).collect::<Vec<_>>(), [5, 0]);
    let again = scene.claim(pool_claim());
    assert_eq!(ids(&again), [(1, true), (2, false)]);
    let attempts = |leases: &[Lease]| leases.iter().map(Lease::attempt).collect::<Vec<_>>();
    assert_eq!(attempts(&again), attempts(&both), "without counting an attempt");
}

#[test]
fn a_suspect_without_attempts_left_is_dead() {
    let mut scene = scene(&[1]);
    for _ in 0..3 {
        assert_eq!(scene.claim(pool_claim().begun_max(usize::MAX)).len(), 1);
        scene.expire();
    }
    let dead = stored(State::Dead);
    assert_eq!(scene.tasks(), [(1, dead, true, false)]);
    assert_eq!(scene.counters(), (0, 0, 0));
}

#[test]
fn a_claim_takes_up_to_its_limit_of_suspects_in_the_queues_order() {
    let mut scene = scene(&[1, 3, 5, 7]);
    scene.claim(pool_claim());
    scene.expire();
    scene.enqueue(&[2, 4, 6]);
    let mut of = |claim: Claim| {
        let leases = scene.claim(claim);
        leases.iter().for_each(|lease| scene.release(lease.key));
        ids(&leases).into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(of(pool_claim()), [1, 5, 2, 6, 3, 7, 4]);
    assert_eq!(of(pool_claim().suspects_max(2)), [1, 5, 2, 6, 7]);
    assert_eq!(of(pool_claim().suspects_max(1).max(2)), [1, 5]);
    assert_eq!(of(pool_claim().suspects_max(0)), [5, 6, 7]);
    assert_eq!(of(pool_claim().max(3)), [1, 5, 2]);
}

/// More than are read from each lane at a time.
#[test]
fn many_suspects_are_merged_with_many_tasks_of_another_type() {
    let mut scene = scene(&[1; 100]);
    scene.claim(pool_claim().max(100));
    scene.expire();
    let others = vec![NewTask::new("other", []).priority(1); 100];
    scene.apply(&[Operation::Enqueue(others)]);
    let claim = Claim::new(["job", "other"]).max(200).suspects_max(90);
    let taken = scene.claim(claim);
    let suspects = (1..=90).map(|id| (id, true));
    assert_eq!(ids(&taken), suspects.chain((101..=200).map(|id| (id, false))).collect::<Vec<_>>());
    assert_eq!(scene.counters(), (10, 10, 190));
}

#[test]
fn suspects_alone_are_no_work_for_a_claim_without_them() {
    let mut scene = scene(&[1]);
    scene.claim(pool_claim());
    scene.expire();
    let written = scene.writer.contention.snapshot();
    assert_eq!(scene.claim(pool_claim().suspects_max(0)), []);
    let after = scene.writer.contention.snapshot();
    assert_eq!(after.write_transactions, written.write_transactions);
    assert_eq!(after.empty_claims, written.empty_claims + 1);
    assert_eq!(scene.claim(pool_claim().suspects_max(1)).len(), 1);
}

#[test]
fn a_direct_claim_begins_suspects_and_a_pools_claim_does_not() {
    let mut scene = scene(&[1, 2]);
    scene.claim(pool_claim().max(1));
    scene.expire();
    let begun = |scene: &Scene| scene.tasks().iter().map(|task| task.2).collect::<Vec<_>>();
    let leases = scene.claim(pool_claim().begun_max(2));
    assert_eq!(begun(&scene), [false, true]);
    scene.apply(&[Operation::Begin(leases[0].key)]);
    assert_eq!(begun(&scene), [true, true]);
    leases.iter().for_each(|lease| scene.release(lease.key));
    scene.claim(pool_claim().begun_max(usize::MAX));
    assert_eq!(begun(&scene), [true, true]);
}

/// The counter in the file is only written at the end of a transaction.
#[test]
fn a_transaction_counts_suspects_that_it_made_and_claimed_itself() {
    let mut scene = scene(&[1, 2, 3]);
    scene.claim(pool_claim());
    scene.now = scene.now.after(LEASE);
    let claim = |max| Operation::Claim(pool_claim().max(max));
    let pause = |paused| Operation::SetPaused { queue: "default".into(), paused };
    let answers = scene.apply(&[claim(1), pause(false), claim(1), claim(9), claim(9)]);
    let taken: Vec<_> = answers
        .into_iter()
        .filter(|answer| matches!(answer, Answer::Claimed(_)))
        .map(|answer| ids(&leases(answer)))
        .collect();
    assert_eq!(taken, [vec![(1, true)], vec![(2, true)], vec![(3, true)], vec![]]);
    assert_eq!(scene.counters(), (0, 0, 3));
}

#[test]
fn a_deferred_task_waits_uncounted_and_stays_what_it_was() {
    for suspect in [false, true] {
        let mut scene = scene(&[1]);
        let mut attempt = 1;
        if suspect {
            scene.claim(pool_claim().begun_max(usize::MAX));
            scene.expire();
            attempt = 2;
        }
        let key = scene.claim(pool_claim()).remove(0).key;
        scene.apply(&[Operation::Defer { key, pause: LEASE / 2 }]);
        assert_eq!((scene.tasks()[0].1, scene.counters()), (1, (0, 0, 0)));
        assert_eq!(scene.claim(pool_claim()), []);
        scene.now = scene.now.after(LEASE / 2);
        assert_eq!(scene.claim(Claim::new(["none"])), []);
        assert_eq!(scene.counters(), (1, i64::from(suspect), 0));
        let lease = scene.claim(pool_claim()).remove(0);
        assert_eq!((lease.is_suspect(), lease.attempt()), (suspect, attempt));
        assert_eq!(scene.counters(), (0, 0, 1));
        let late = Operation::Defer { key, pause: LEASE };
        let answers = scene.writer.apply(&ManualClock::new(scene.now), &[late]).unwrap();
        assert!(matches!(answers.as_slice(), [Err(error)] if error.is_lease_lost()), "{answers:?}");
    }
}
