//! Every call of every step fails in turn, once and for ever. What was answered `Ok` is there, what was
//! answered an error is not, unless the answer was that nobody knows; after a failed sync the queue
//! writes nothing more; and the file opens again once the disk works.

use std::collections::BTreeMap;
use std::path::Path;

use prismq::{Error, NewTask, Order, Queue, Result};
use prismq_faults::{Call, Disk, Effect, Fault, Lasting, Stage, Step};

use crate::common::{Laid, Place, sound};

/// More calls than any step makes.
const CALLS_MAX: u64 = 2_000;

/// How many answers of each kind a sweep met.
type Answers = BTreeMap<&'static str, u64>;

fn kind(step: Step, answer: &Result<()>) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(Error::Poisoned { .. }) => "poisoned",
        Err(Error::Full { .. }) => "full",
        Err(Error::Io { .. }) => "io",
        Err(Error::Unusable { .. }) => "unusable",
        Err(Error::Corrupt { .. } | Error::NotADatabase { .. }) => "corrupt",
        // Of a connection of the caller's own, which these two steps use.
        Err(Error::Database { .. }) if matches!(step, Step::EnqueueIn | Step::Checkpoint) => {
            "callers"
        }
        Err(_) => "other",
    }
}

fn sweep(calls: &'static [Call], effect: Effect) -> Answers {
    let mut answers = Answers::new();
    // SQLite takes a WAL that it reads short while recovering it for one that another process is
    // writing, and tries again for fifteen seconds.
    let steps =
        Step::ALL.into_iter().filter(|step| *step != Step::Recover || effect != Effect::ShortRead);
    for step in steps {
        let laid = Laid::new(step);
        // Of many commits in a row, those calls count that only a checkpoint makes.
        let files = if step == Step::CheckpointItself { ".db" } else { "" };
        // A device that never gives what it holds is no disk.
        let for_ever = (effect != Effect::ShortRead).then_some(Lasting::ForEver);
        for lasting in [Lasting::Once].into_iter().chain(for_ever) {
            for nth in 1..=CALLS_MAX {
                let fault = Fault { calls, files, nth, lasting, effect };
                let (struck, answer) = strike(&laid, fault);
                if struck == 0 {
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
fn strike(laid: &Laid, fault: Fault) -> (u64, &'static str) {
    let step = laid.step;
    let (folder, path) = laid.copy();
    let disk = Disk::watch(folder.path()).unwrap();
    let mut stage = step.prepare(&path).unwrap();
    disk.arm(fault);
    let answer = step.run(&path, &mut stage);
    let said = kind(step, &answer);
    let context = format!("{step:?} under {fault:?}: {answer:?}");
    assert!(said != "other" || fault.effect == Effect::ShortRead, "{context}");
    let poisoned = step != Step::Create && answer_after(&stage);
    // A handle that is poisoned stays so.
    if said == "poisoned" && step != Step::Create {
        assert!(poisoned, "{context}");
    }
    drop(stage);
    let struck = disk.disarm();
    drop(disk);
    match Queue::open(&path) {
        // What was written on the word of a device that gives zeros for data may be anything.
        Ok(_) | Err(Error::Corrupt { .. }) if fault.effect == Effect::ShortRead => {
            return (struck, said);
        }
        Ok(_) => {}
        Err(error) => panic!("{context}, then {error}"),
    }
    judge(laid, &path, said, poisoned, &context);
    (struck, said)
}

/// Whether an operation that changes nothing, as the queue holds tasks, is answered that it is poisoned.
fn answer_after(stage: &Stage) -> bool {
    let answer = |queue: &Queue| queue.set_order("default", Order::LastInFirstOut);
    stage.queue().is_some_and(|queue| matches!(answer(queue), Err(Error::Poisoned { .. })))
}

fn judge(laid: &Laid, path: &Path, said: &str, poisoned: bool, context: &str) {
    if laid.step == Step::CheckpointItself {
        sound(path);
        return;
    }
    let place = laid.place(path);
    assert_ne!(place, Place::Between, "{context}");
    let unchanged = laid.before.as_ref() == Some(&laid.after);
    match said {
        "ok" => assert!(place == Place::After || unchanged, "{context}: lost"),
        "poisoned" | "callers" => {}
        _ => assert!(
            place == Place::Before || unchanged || laid.before.is_none() || poisoned,
            "{context}: answered an error, and is there"
        ),
    }
}

#[test]
fn a_device_that_fails_to_write() {
    let answers = sweep(&[Call::Write, Call::Truncate, Call::Delete], Effect::InputOutput);
    assert!(answers["poisoned"] > 20 && answers["io"] > 0, "{answers:?}");
}

#[test]
fn a_device_that_fails_to_sync() {
    let answers = sweep(&[Call::Sync], Effect::InputOutput);
    assert!(answers["poisoned"] > 20, "{answers:?}");
}

#[test]
fn a_full_disk() {
    let answers = sweep(&[Call::Write], Effect::NoSpace);
    assert!(answers["full"] > 100, "{answers:?}");
}

#[test]
fn a_device_that_fails_to_read() {
    sweep(&[Call::Read], Effect::InputOutput);
}

#[test]
fn a_device_that_reads_short() {
    sweep(&[Call::Read], Effect::ShortRead);
}

#[test]
fn a_file_that_cannot_be_opened() {
    sweep(&[Call::Open], Effect::InputOutput);
}

/// Whatever failed before the commit's own sync, the same handle goes on.
#[test]
fn a_handle_goes_on_after_a_full_disk() {
    let laid = Laid::new(Step::EnqueueAll);
    let (folder, path) = laid.copy();
    let disk = Disk::watch(folder.path()).unwrap();
    let queue = Queue::open(&path).unwrap();
    let fault = |nth| Fault {
        calls: &[Call::Write],
        files: "",
        nth,
        lasting: Lasting::ForEver,
        effect: Effect::NoSpace,
    };
    for nth in 1..8 {
        disk.arm(fault(nth));
        let refused = queue.enqueue(&NewTask::new("job", vec![1; 20_000])).unwrap_err();
        assert!(refused.is_full(), "{refused}");
        disk.disarm();
        queue.enqueue(&NewTask::new("job", vec![2; 20_000])).unwrap();
    }
    assert_eq!(queue.contention().busy_errors, 0);
    drop(queue);
    assert_eq!(sound(&path).tasks.len(), laid.before.unwrap().tasks.len() + 7);
}
