//! Histories of pools written by hand, for the tests of invariants.

use std::time::Duration;

use super::{Rules, check};
use crate::audit::{Snapshot, StoredTask, Totals};
use crate::checker::Invariant;
use crate::conformance::Hold;
use crate::history::History;
use crate::history::{Event, Op, Phase, Refusal};

pub(super) const LEASE: Duration = Duration::from_secs(60);

/// What clients recorded, with one clock for all in milliseconds.
#[derive(Default)]
pub(super) struct SyntheticHistory {
    events: Vec<Event>,
    stored: Vec<StoredTask>,
}

impl SyntheticHistory {
    fn record(&mut self, millis: u64, event: Event) {
        let seq = self.events.len() as u64;
        let t_db = i64::try_from(millis * 1000).unwrap();
        self.events.push(Event { seq, t_mono_ns: millis * 1_000_000, t_db, ..event });
    }

    /// A task whose id is its key, enqueued in time.
    pub(super) fn task(&mut self, key: u64, deadly: bool) {
        let begun = Event { deadly, ..enqueue(key) };
        self.record(0, begun.clone());
        let task = Some(i64::try_from(key).unwrap());
        self.record(0, Event { phase: Phase::Ok, task, ..begun });
    }

    /// A pool at work from one time to another.
    pub(super) fn pool(&mut self, client_id: u32, workers: u32, (from, until): (u64, u64)) {
        let begun = Event {
            queue: Some("default".to_owned()),
            task_type: Some("job,other".to_owned()),
            count: Some(workers),
            micros: i64::try_from(LEASE.as_micros()).ok(),
            ..Event::new(client_id, Op::RunPool, Phase::Invoke)
        };
        self.record(from, begun.clone());
        self.stall(client_id, from, 0);
        self.record(until, Event { phase: Phase::Ok, ..begun });
    }

    /// A thread of a pool's process that woke up at this time, too late by so much.
    pub(super) fn stall(&mut self, client_id: u32, at: u64, late: u64) {
        let micros = i64::try_from(late * 1000).ok();
        self.record(at, Event { micros, ..Event::new(client_id, Op::Stall, Phase::Ok) });
    }

    /// A claim that is called, reads the time, and is answered with a task for a second.
    fn claim(&mut self, client_id: u32, run: Run, [called, read, answered]: [u64; 3]) {
        let micros = |millis: u64| i64::try_from(millis * 1000).unwrap();
        self.record(called, Event::new(client_id, Op::Claim, Phase::Invoke));
        self.record(
            answered,
            Event {
                phase: Phase::Ok,
                count: Some(0),
                expires_at: Some(micros(read + 1000)),
                ..self.run(client_id, run, Op::Claim)
            },
        );
        if let Some(answer) = self.events.last_mut() {
            answer.t_db = micros(read);
        }
    }

    /// A handler that begins, of a task that was claimed `held` before.
    pub(super) fn begin(&mut self, client_id: u32, (key, token, attempt): Run, at: u64, held: u64) {
        let claimed = i64::try_from((at - held) * 1000).unwrap();
        let lease = i64::try_from(LEASE.as_micros()).unwrap();
        let begun = self.run(client_id, (key, token, attempt), Op::RunHandler);
        self.record(at, Event { expires_at: Some(claimed + lease), ..begun });
    }

    /// A handler that ends, and whose result the pool reports at once.
    pub(super) fn end(&mut self, client_id: u32, run: Run, at: u64, op: Op) {
        let dead = (op == Op::Fail).then_some(false);
        let begun = Event { dead, ..self.run(client_id, run, op) };
        self.record(at, Event { phase: Phase::Ok, ..self.run(client_id, run, Op::RunHandler) });
        self.record(at, begun.clone());
        self.record(at, Event { phase: Phase::Ok, ..begun });
    }

    /// A handler that fails for good, which the pool reports later.
    fn die(&mut self, client_id: u32, run: Run, at: u64, reported: u64) {
        let begun = Event { dead: Some(true), ..self.run(client_id, run, Op::Fail) };
        self.record(at, Event { phase: Phase::Ok, ..self.run(client_id, run, Op::RunHandler) });
        self.record(at, begun.clone());
        self.record(reported, Event { phase: Phase::Ok, ..begun });
    }

    /// All dead tasks are put back.
    fn redrive(&mut self, at: u64) {
        let task_type = Some("job".to_owned());
        let begun = Event { task_type, ..Event::new(0, Op::Redrive, Phase::Invoke) };
        self.record(at, begun.clone());
        self.record(at + 1, Event { phase: Phase::Ok, ..begun });
    }

    /// A task with a unique key, whose id is its key, enqueued between these times unless the key is held by another.
    fn unique(&mut self, key: u64, held_by: Option<i64>, (from, until): (u64, u64)) {
        let unique = Some(("k".to_owned(), Hold::WhileWaiting));
        let begun = Event { unique, ..enqueue(key) };
        self.record(from, begun.clone());
        let end = match held_by {
            None => Event { phase: Phase::Ok, task: i64::try_from(key).ok(), ..begun },
            task => Event { phase: Phase::Fail, refusal: Some(Refusal::KeyTaken), task, ..begun },
        };
        self.record(until, end);
    }

    /// What is stored of a task at the end.
    pub(super) fn stores(&mut self, key: u64, state: prismq::State, attempt: u32) {
        let task = i64::try_from(key).unwrap();
        self.stored.push(StoredTask {
            task,
            key: Some(key),
            slot: None,
            state,
            attempt,
            max_attempts: 3,
        });
    }

    fn run(&self, client_id: u32, (key, token, attempt): Run, op: Op) -> Event {
        Event {
            key: Some(key),
            task: i64::try_from(key).ok(),
            token: Some(token),
            attempt: Some(attempt),
            task_type: Some("job".to_owned()),
            ..Event::new(client_id, op, Phase::Invoke)
        }
    }

    /// The promises that are broken.
    pub(super) fn broken(self, rules: &Rules) -> Vec<Invariant> {
        let snapshot = Snapshot {
            t_mono_ns: u64::MAX,
            tasks: self.stored,
            totals: Totals::default(),
            digest: 0,
            problems: Vec::new(),
        };
        let verdict = check(&History::new(self.events), &[snapshot], rules);
        let mut broken: Vec<Invariant> =
            verdict.violations.iter().map(|violation| violation.invariant).collect();
        broken.dedup();
        broken
    }
}

/// A call that enqueues a task.
fn enqueue(key: u64) -> Event {
    Event {
        key: Some(key),
        queue: Some("default".to_owned()),
        task_type: Some("job".to_owned()),
        priority: Some(100),
        max_attempts: Some(3),
        ..Event::new(0, Op::Enqueue, Phase::Invoke)
    }
}

/// A task's key, the token it is run under, and which attempt it is.
pub(super) type Run = (u64, i64, u32);

#[test]
fn two_pools_that_run_a_task_at_once_share_a_lease() {
    let mut synthetic = SyntheticHistory::default();
    synthetic.task(1, false);
    synthetic.pool(1, 1, (1, 900));
    synthetic.pool(2, 1, (1, 900));
    synthetic.begin(1, (1, 1, 1), 10, 0);
    synthetic.begin(2, (1, 2, 2), 20, 0);
    synthetic.end(2, (1, 2, 2), 30, Op::Complete);
    assert_eq!(synthetic.broken(&Rules::PLAIN), [Invariant::Exclusion]);
}

#[test]
fn a_pool_that_runs_a_lease_twice_runs_a_token_twice() {
    let mut synthetic = SyntheticHistory::default();
    synthetic.task(1, false);
    synthetic.pool(1, 2, (1, 900));
    synthetic.begin(1, (1, 1, 1), 10, 0);
    synthetic.begin(1, (1, 1, 1), 20, 0);
    synthetic.end(1, (1, 1, 1), 30, Op::Complete);
    let broken = synthetic.broken(&Rules::PLAIN);
    assert!(broken.contains(&Invariant::Fencing), "{broken:?}");
}

#[test]
fn a_pool_that_runs_what_was_completed_gives_a_task_a_second_life() {
    let mut synthetic = SyntheticHistory::default();
    synthetic.task(1, false);
    synthetic.pool(1, 1, (1, 900));
    synthetic.begin(1, (1, 1, 1), 10, 0);
    synthetic.end(1, (1, 1, 1), 20, Op::Complete);
    synthetic.begin(1, (1, 2, 2), 30, 0);
    let broken = synthetic.broken(&Rules::PLAIN);
    assert!(broken.contains(&Invariant::Finality), "{broken:?}");
}

/// PostgreSQL shows a claim what another transaction made ready after the claim had read the time.
#[test]
fn a_claim_that_reads_the_time_first_may_be_given_what_became_ready_up_to_its_answer() {
    // The first lease ends at 1010.
    for (answered, sees_later, broken) in [
        (1015, false, vec![Invariant::Exclusion]),
        (1015, true, vec![]),
        (1009, true, vec![Invariant::Exclusion]),
    ] {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, false);
        synthetic.claim(1, (1, 1, 1), [9, 10, 11]);
        synthetic.claim(2, (1, 2, 2), [1004, 1005, answered]);
        synthetic.stores(1, prismq::State::Leased, 2);
        let rules = Rules { claims_read_time_first: sees_later, ..Rules::PLAIN };
        assert_eq!(synthetic.broken(&rules), broken, "answered at {answered}");
    }
}

/// Which of two pools reports first says nothing of the order of what they did.
#[test]
fn a_redriven_task_may_die_again_before_its_first_death_is_reported() {
    for (redriven, broken) in [(30, None), (70, Some(Invariant::Finality))] {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, false);
        synthetic.pool(1, 1, (1, 900));
        synthetic.pool(2, 1, (1, 900));
        synthetic.begin(1, (1, 1, 1), 10, 0);
        synthetic.die(1, (1, 1, 1), 20, 60);
        synthetic.redrive(redriven);
        synthetic.begin(2, (1, 2, 1), 40, 0);
        synthetic.die(2, (1, 2, 1), 50, 51);
        synthetic.stores(1, prismq::State::Dead, 1);
        assert_eq!(
            synthetic.broken(&Rules::PLAIN).into_iter().find(|found| *found == Invariant::Finality),
            broken
        );
    }
}

/// A redrive has it hold its key again, also while another is being enqueued.
#[test]
fn a_key_may_be_taken_by_a_dead_task_that_is_redriven_before_the_answer() {
    for (redriven, broken) in [(25, false), (40, false), (60, true)] {
        let mut synthetic = SyntheticHistory::default();
        synthetic.unique(1, None, (0, 0));
        synthetic.pool(1, 1, (1, 900));
        synthetic.begin(1, (1, 1, 1), 10, 0);
        synthetic.die(1, (1, 1, 1), 20, 21);
        let redrives_first = redriven < 30;
        if redrives_first {
            synthetic.redrive(redriven);
        }
        synthetic.unique(2, Some(1), (30, 50));
        if !redrives_first {
            synthetic.redrive(redriven);
        }
        synthetic.stores(1, prismq::State::Ready, 0);
        let found = synthetic.broken(&Rules::PLAIN);
        assert_eq!(found.contains(&Invariant::Unique), broken, "redriven at {redriven}: {found:?}");
    }
}

#[test]
fn a_result_that_a_pool_reports_and_forgets_is_a_loss() {
    let mut synthetic = SyntheticHistory::default();
    synthetic.task(1, false);
    synthetic.pool(1, 1, (1, 900));
    synthetic.begin(1, (1, 1, 1), 10, 0);
    synthetic.end(1, (1, 1, 1), 20, Op::Complete);
    synthetic.stores(1, prismq::State::Ready, 1);
    assert_eq!(synthetic.broken(&Rules::PLAIN), [Invariant::NoLoss]);
}

/// A task that a pool had claimed ahead loses no attempt when the process dies; the record of its handler's beginning
/// does not show which case it was.
#[test]
fn a_task_whose_process_died_may_be_given_as_the_same_attempt() {
    for attempt in [1, 2] {
        let mut synthetic = SyntheticHistory::default();
        synthetic.task(1, false);
        synthetic.pool(1, 1, (1, 900));
        synthetic.begin(1, (1, 1, 1), 10, 0);
        synthetic.pool(2, 1, (70_000, 80_000));
        synthetic.begin(2, (1, 2, attempt), 71_000, 0);
        synthetic.end(2, (1, 2, attempt), 71_010, Op::Complete);
        assert_eq!(synthetic.broken(&Rules::PLAIN), []);
    }
    let mut synthetic = SyntheticHistory::default();
    synthetic.task(1, false);
    synthetic.pool(1, 1, (1, 900));
    synthetic.begin(1, (1, 1, 1), 10, 0);
    synthetic.end(1, (1, 1, 1), 20, Op::Fail);
    synthetic.begin(1, (1, 2, 1), 30, 0);
    synthetic.end(1, (1, 2, 1), 40, Op::Complete);
    assert_eq!(synthetic.broken(&Rules::PLAIN), [Invariant::Attempts]);
}
