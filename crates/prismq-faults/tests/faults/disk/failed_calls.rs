//! Calls of every step fail in turn, once or from then on. What was answered `Ok` is stored, what was answered an error
//! is not, unless the answer was that the outcome is unknown; after a failed sync the queue writes nothing more; and the
//! file opens again once the disk works.

use std::collections::BTreeMap;
use std::path::Path;

use prismq::{Error, NewTask, Queue, Result};
use prismq_check::{Snapshot, soak};
use prismq_faults::{Call, Disk, Effect, Fault, Repeat, Stage, Step};

use crate::support::{Found, StepFixture, sound};

/// More calls than any step makes.
const CALLS_MAX: u64 = 2_000;

/// The number of answers of each kind in a sweep.
type Answers = BTreeMap<&'static str, u64>;

fn kind(step: Step, answer: &Result<()>) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(Error::Poisoned { .. }) => "poisoned",
        Err(Error::Full { .. }) => "full",
        Err(Error::Io { .. }) => "io",
        Err(Error::Unusable { .. }) => "unusable",
        Err(Error::Corrupt { .. } | Error::NotADatabase { .. }) => "corrupt",
        // The caller's transaction was rolled back, and with it the task.
        Err(Error::TransactionRolledBack { .. })
            if matches!(step, Step::EnqueueIn | Step::CompleteIn | Step::Transaction) =>
        {
            "rolled back"
        }
        // Of a connection of the caller's own, which these steps use.
        Err(Error::Database { .. })
            if matches!(step, Step::EnqueueIn | Step::CompleteIn | Step::Checkpoint) =>
        {
            "callers"
        }
        Err(_) => "other",
    }
}

/// The quick part makes every fourth call of a step fail, with another first one for each step; a soak makes every one.
fn stride() -> usize {
    if soak().is_some() { 1 } else { 4 }
}

fn sweep(calls: &'static [Call], effect: Effect) -> Answers {
    let mut answers = Answers::new();
    let stride = stride();
    for (number, step) in Step::ALL.into_iter().enumerate() {
        let fixture = StepFixture::new(step);
        // Of many commits in a row, those calls count that only a checkpoint makes.
        let files = match (effect, step) {
            (Effect::ShortRead, _) => "-wal",
            (_, Step::AutoCheckpoint) => ".db",
            _ => "",
        };
        for (way, repeat) in [Repeat::Once, Repeat::Always].into_iter().enumerate() {
            // A device that can never be read is not tested.
            if effect == Effect::ShortRead && repeat == Repeat::Always {
                continue;
            }
            let first = 1 + (number + 2 * way) as u64 % stride as u64;
            for nth in (first..=CALLS_MAX).step_by(stride) {
                let fault = Fault { calls, files, nth, repeat, effect };
                let (injected, answer) = inject(&fixture, fault);
                if injected == 0 {
                    break;
                }
                *answers.entry(answer).or_default() += 1;
            }
        }
    }
    println!("{effect:?} of {calls:?}: {answers:?}");
    answers
}

/// Runs a step under a fault; how many calls failed, and what it answered.
fn inject(fixture: &StepFixture, fault: Fault) -> (u64, &'static str) {
    let step = fixture.step;
    let (folder, path) = fixture.copy();
    let disk = Disk::watch(folder.path()).unwrap();
    let mut stage = step.prepare(&path).unwrap();
    disk.arm(fault);
    let answer = step.run(&path, &mut stage);
    let said = kind(step, &answer);
    let context = format!("{step:?} under {fault:?}: {answer:?}");
    assert_ne!(said, "other", "{context}");
    let poisoned = step != Step::Create && answer_after(&stage);
    // A handle that is poisoned stays so.
    if said == "poisoned" && step != Step::Create {
        assert!(poisoned, "{context}");
    }
    drop(stage);
    let injected = disk.disarm();
    drop(disk);
    drop(Queue::open(&path).unwrap_or_else(|error| panic!("{context}, then {error}")));
    judge(fixture, &path, said, poisoned, &context);
    (injected, said)
}

/// Whether a read is answered that the queue is poisoned. Any operation might fire a schedule.
fn answer_after(stage: &Stage) -> bool {
    let answer = |queue: &Queue| queue.stats("default");
    stage.queue().is_some_and(|queue| matches!(answer(queue), Err(Error::Poisoned { .. })))
}

fn judge(fixture: &StepFixture, path: &Path, said: &str, poisoned: bool, context: &str) {
    if fixture.step == Step::AutoCheckpoint {
        sound(path);
        return;
    }
    let found = fixture.state(path);
    assert_ne!(found, Found::Neither, "{context}");
    fixture.judge_backup(path, Some(said == "ok"), context);
    let unchanged = fixture.changes_nothing();
    match said {
        "ok" => assert!(found == Found::After || unchanged, "{context}: lost"),
        "poisoned" | "callers" => {}
        _ => assert!(
            found == Found::Before || unchanged || fixture.before.is_none() || poisoned,
            "{context}: answered an error, and is stored"
        ),
    }
}

/// Failure mode: disk: write, open or read fails, also of the WAL in part | a typed error, and nothing of the operation is kept
#[test]
fn a_failed_write_is_a_typed_error_without_effect() {
    let answers = sweep(&[Call::Write, Call::Truncate, Call::Delete], Effect::InputOutput);
    assert!(answers["poisoned"] > 20 && answers["io"] > 5, "{answers:?}");
}

/// Failure mode: disk: sync of a commit or a checkpoint fails | `Poisoned` for good, and the sync is not tried again
#[test]
fn a_failed_sync_poisons_the_queue() {
    let answers = sweep(&[Call::Sync], Effect::InputOutput);
    assert!(answers["poisoned"] > 5, "{answers:?}");
}

/// Failure mode: disk: full
#[test]
fn a_full_disk_is_answered_full_without_effect() {
    let answers = sweep(&[Call::Write], Effect::NoSpace);
    assert!(answers["full"] > 50, "{answers:?}");
}

/// Failure mode: disk: write, open or read fails, also of the WAL in part
#[test]
fn a_failed_read_is_a_typed_error_without_effect() {
    let answers = sweep(&[Call::Read], Effect::InputOutput);
    assert!(answers["io"] > 20, "{answers:?}");
}

/// A frame of the WAL that is short is a failed read.
///
/// Failure mode: disk: write, open or read fails, also of the WAL in part
#[test]
fn a_short_read_of_the_wal_is_a_typed_error_without_effect() {
    let answers = sweep(&[Call::Read], Effect::ShortRead);
    assert!(answers["io"] > 0, "{answers:?}");
}

/// SQLite takes the missing part of a page for zeros, as at the end of a file: no system reads short in the middle of one.
/// Nothing can be promised then of what was read or written after it, but that every call is answered.
///
/// Failure mode: disk: page of the database is read short | an answer; nothing is promised of the file
#[test]
fn a_short_read_of_a_page_is_answered() {
    let stride = stride();
    let mut answers = Answers::new();
    let mut unsound = 0;
    for (number, step) in Step::ALL.into_iter().enumerate() {
        let fixture = StepFixture::new(step);
        let first = 1 + number as u64 % stride as u64;
        for nth in (first..=CALLS_MAX).step_by(stride) {
            let (folder, path) = fixture.copy();
            let disk = Disk::watch(folder.path()).unwrap();
            let mut stage = step.prepare(&path).unwrap();
            let (repeat, effect) = (Repeat::Once, Effect::ShortRead);
            disk.arm(Fault { calls: &[Call::Read], files: ".db", nth, repeat, effect });
            let said = kind(step, &step.run(&path, &mut stage));
            drop(stage);
            if disk.disarm() == 0 {
                break;
            }
            *answers.entry(said).or_default() += 1;
            let opened = Queue::open(&path);
            assert!(opened.as_ref().err().is_none_or(Error::is_corrupt), "{step:?}: {opened:?}");
            drop(opened);
            let sound = Snapshot::take(&path).is_ok_and(|state| state.problems.is_empty());
            unsound += u64::from(!sound);
        }
    }
    println!("pages read short: {answers:?}, {unsound} files unsound afterwards");
    assert!(answers["corrupt"] > 0, "{answers:?}");
}

/// Failure mode: disk: write, open or read fails, also of the WAL in part
#[test]
fn a_failed_open_is_refused_as_unusable() {
    let answers = sweep(&[Call::Open], Effect::InputOutput);
    assert!(answers["unusable"] > 3, "{answers:?}");
}

/// After a failure before the commit's own sync, the same handle goes on.
#[test]
fn a_handle_goes_on_after_a_full_disk() {
    let fixture = StepFixture::new(Step::EnqueueAll);
    let (folder, path) = fixture.copy();
    let disk = Disk::watch(folder.path()).unwrap();
    let queue = Queue::open(&path).unwrap();
    let fault = |nth| Fault {
        calls: &[Call::Write],
        files: "",
        nth,
        repeat: Repeat::Always,
        effect: Effect::NoSpace,
    };
    for nth in 1..8 {
        disk.arm(fault(nth));
        let refused = queue.enqueue(NewTask::new("job", vec![1; 20_000])).unwrap_err();
        assert!(refused.is_full(), "{refused}");
        disk.disarm();
        queue.enqueue(NewTask::new("job", vec![2; 20_000])).unwrap();
    }
    assert_eq!(queue.contention().busy_errors, 0);
    drop(queue);
    assert_eq!(sound(&path).tasks.len(), fixture.before.unwrap().tasks.len() + 7);
}
