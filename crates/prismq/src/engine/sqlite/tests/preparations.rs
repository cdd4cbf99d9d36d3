//! Proof that a process which uses all of a queue prepares no statement twice: the cache of a connection holds them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::{AuthContext, Authorization};
use tempfile::TempDir;

use super::{NOW, writer};
use crate::engine::sqlite::writer::Writer;
use crate::engine::{
    AfterFailure, Answer, Operation, Revival, ScheduleChange, Seen, Target, Targets,
};
use crate::model::{
    Claim, Failure, Keep, Lease, Limit, LogLine, NewTask, Note, Order, Progress, Retention,
    RetryPolicy, Schedule, TaskId, Unique,
};
use crate::time::{ManualClock, Timestamp};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// After so many rounds most has been prepared.
const WARM_UP: usize = 8;
const ROUNDS: usize = 16;

/// A writer that counts what it prepares: SQLite asks for authorization as it compiles a statement, and only then.
struct Scene {
    folder: TempDir,
    writer: Writer,
    now: Timestamp,
    compiled: Arc<AtomicUsize>,
}

fn scene() -> Scene {
    let (folder, writer) = writer();
    let compiled = Arc::new(AtomicUsize::new(0));
    let counted = compiled.clone();
    let hook = move |_: AuthContext<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        Authorization::Allow
    };
    writer.connection.authorizer(Some(hook)).unwrap();
    Scene { folder, writer, now: NOW, compiled }
}

fn failure() -> Failure {
    Failure { error: "refused".to_owned(), error_type: None, began_at: NOW, worker: Some(1) }
}

fn note() -> Note {
    Note {
        progress: Some(Progress::new(0.5, "half", NOW)),
        checkpoint: Some(Arc::from(*b"here")),
        lines: vec![LogLine::new(NOW, 1, "a line")],
    }
}

impl Scene {
    fn apply(&mut self, operations: &[Operation]) -> Vec<Answer> {
        let answers = self.writer.apply(&ManualClock::new(self.now), operations).unwrap();
        answers.into_iter().map(Result::unwrap).collect()
    }

    fn set(&mut self, operation: Operation) {
        self.apply(&[operation]);
    }

    fn enqueue(&mut self, tasks: Vec<NewTask>) -> Vec<TaskId> {
        match self.apply(&[Operation::Enqueue(tasks)]).remove(0) {
            Answer::Enqueued(tasks) => tasks.iter().map(|task| task.id()).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn claim(&mut self, task_type: &str) -> Vec<Lease> {
        let claim = Claim::new([task_type]).max(50).capabilities(["gpu"]);
        match self.apply(&[Operation::Claim(claim)]).remove(0) {
            Answer::Claimed(claimed) => claimed.leases,
            other => panic!("{other:?}"),
        }
    }

    /// What is set once, and what operators change at any time.
    fn settings(&mut self) {
        let queue: Arc<str> = "default".into();
        let keep = Retention {
            completed: Keep::last(3),
            cancelled: Keep::last(3),
            dead: Keep::last(3).for_at_most(HOUR),
        };
        let limit = Limit::concurrency(40).and(Limit::rate(1000, SECOND).per_key());
        let name: Arc<str> = "api".into();
        self.set(Operation::SetRetention { queue: queue.clone(), retention: keep });
        self.set(Operation::SetLimit { name: name.clone(), limit });
        self.set(Operation::SetConcurrency { queue: queue.clone(), tasks: Some(1000) });
        self.set(Operation::SetDepth { queue: queue.clone(), limit: Some(10_000) });
        self.set(Operation::SetPaused { queue: queue.clone(), paused: true });
        self.set(Operation::SetPaused { queue, paused: false });
        self.set(Operation::SetOrder { queue: "other".into(), order: Order::FirstInFirstOut });
        let policy = Some(RetryPolicy::fixed(SECOND));
        let task_type: Arc<str> = "job".into();
        self.set(Operation::SetRetry { task_type, policy, by_operator: true });
        let tick = Schedule::every("tick", SECOND, NewTask::new("tick", []));
        self.set(Operation::SetSchedule(Box::new(tick)));
        for change in [ScheduleChange::Pause, ScheduleChange::Resume] {
            self.set(Operation::ChangeSchedule { name: "tick".into(), change });
        }
        self.set(Operation::RunSchedule("tick".into()));
        self.set(Operation::SetLimit { name: "gone".into(), limit });
        self.set(Operation::RemoveLimit("gone".into()));
    }

    /// Every way into the queue.
    fn arrivals(&mut self, round: usize) {
        let job = |payload: &str| NewTask::new("job", payload.as_bytes());
        self.enqueue(vec![
            job("plain"),
            job("limited").limit("api"),
            job("keyed").key(format!("key {}", round % 3)).limit("api"),
            job("ordered").key("one").ordered(),
            job("delayed").delay(SECOND),
            job("urgent").expires_after(SECOND).requires(["gpu"]),
            NewTask::new("job", vec![7; 100_000]),
            NewTask::new("late", []).expires_after(SECOND / 2),
        ]);
        let unique = |unique: Unique| job("unique").unique(unique);
        for _ in 0..2 {
            self.enqueue(vec![unique(Unique::key("a").while_waiting().replace())]);
            self.enqueue(vec![unique(Unique::key("b").while_waiting().push_back())]);
            self.enqueue(vec![unique(Unique::payload().for_period(SECOND))]);
        }
        let inbox = Connection::open(self.folder.path().join("queue.db")).unwrap();
        let insert = "INSERT INTO prismq_inbox (type, payload) VALUES ('job', 'from outside')";
        inbox.execute_batch(insert).unwrap();
    }

    /// Every way out of a lease.
    fn departures(&mut self) {
        for (number, lease) in self.claim("job").into_iter().enumerate() {
            let key = lease.key;
            self.set(Operation::Begin(key));
            self.set(Operation::Note { key, note: note() });
            self.set(Operation::Extend { key, lease: SECOND });
            let otherwise = SECOND;
            let fail = |next| Operation::Fail { key, failure: failure(), next };
            self.set(match number % 9 {
                0 => Operation::complete(key),
                1 => Operation::Complete { key, result: Some(Arc::from(*b"result")) },
                2 => fail(AfterFailure::Dead),
                3 => fail(AfterFailure::ByPolicy { otherwise }),
                4 => fail(AfterFailure::Cancelled),
                5 => fail(AfterFailure::Snooze(SECOND)),
                6 => Operation::Release(key),
                7 => Operation::Defer { key, pause: SECOND },
                // Its lease expires.
                _ => continue,
            });
        }
        for lease in self.claim("tick") {
            self.set(Operation::complete(lease.key));
        }
    }

    /// What an operator does with tasks.
    fn interventions(&mut self) {
        let target = |id: &TaskId| Target { id: *id, seen: Seen::Nothing };
        let targets = |ids: &[TaskId]| {
            let tasks = ids.iter().map(target).collect();
            Targets { tasks, states: Vec::new() }
        };
        let ids = self.enqueue(vec![NewTask::new("operated", []); 3]);
        self.set(Operation::Cancel(targets(&ids[..1])));
        self.set(Operation::Delete(targets(&ids[1..2])));
        for lease in self.claim("operated") {
            self.set(Operation::Cancel(targets(&[lease.key.id])));
            self.set(Operation::Release(lease.key));
        }
        let dying = self.enqueue(vec![NewTask::new("dying", [])]);
        let lease = self.claim("dying").remove(0);
        let next = AfterFailure::Dead;
        self.set(Operation::Fail { key: lease.key, failure: failure(), next });
        let revival = Revival { keep_attempts: false, due: self.now, interval: 0 };
        let tasks: Vec<Target> = dying.iter().map(target).collect();
        self.set(Operation::Redrive { tasks, revival });
        self.set(Operation::Delete(targets(&dying)));
    }

    fn round(&mut self, round: usize) -> usize {
        let before = self.compiled.load(Ordering::Relaxed);
        self.settings();
        self.arrivals(round);
        self.departures();
        self.interventions();
        self.now = self.now.after(2 * SECOND);
        self.claim("none");
        self.compiled.load(Ordering::Relaxed) - before
    }
}

/// With a cache that is too small, every round prepares hundreds of statements again.
#[test]
fn a_process_that_uses_every_feature_prepares_nothing_in_the_long_run() {
    let mut scene = scene();
    let compiled: Vec<usize> = (0..ROUNDS).map(|round| scene.round(round)).collect();
    assert!(compiled[0] > 0, "something was counted");
    // A rare case, such as what another thread prunes first, may come later for the first time.
    let without = compiled[WARM_UP..].iter().filter(|statements| **statements == 0).count();
    assert!(without > (ROUNDS - WARM_UP) / 2, "{compiled:?}");
}
