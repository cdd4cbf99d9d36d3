//! Every write, truncation, sync and deletion of every step in turn: the process is killed just before it.
//! What was acknowledged is stored, what was not is stored completely or not at all, and the queue opens.
//!
//! Failure mode: process: killed at every write, sync, truncation and deletion | the old state or the new; what was acknowledged is there

use std::process::{Command, Output};

use prismq::Queue;
use prismq_faults::Step;

use crate::support::{Found, StepFixture, sound};

const SIGKILL: i32 = 9;
/// More changes than any step makes.
const CHANGES_MAX: u64 = 2_000;

/// The counts of a sweep.
#[derive(Debug, Default)]
struct Sweep {
    points: u64,
    acknowledged: u64,
    /// Not acknowledged, and stored.
    recovered: u64,
}

#[test]
fn a_kill_at_any_write_leaves_the_old_state_or_the_new() {
    let mut total = Sweep::default();
    for step in Step::ALL {
        let sweep = sweep(step);
        println!("{step:?}: {sweep:?}");
        assert!(sweep.acknowledged == 1, "the sweep of {step:?} ended before the step completed");
        // Opening writes nothing but the shared memory, even where it recovers a WAL.
        let writes = !matches!(step, Step::Open | Step::Recover);
        assert_eq!(sweep.points > 0, writes, "{step:?}");
        total.points += sweep.points;
        total.acknowledged += sweep.acknowledged;
        total.recovered += sweep.recovered;
    }
    println!("in all: {total:?}, 0 acknowledged lost");
}

fn sweep(step: Step) -> Sweep {
    let fixture = StepFixture::new(step);
    // Of many commits in a row, those changes count that only a checkpoint makes.
    let files = if step == Step::AutoCheckpoint { ".db" } else { "" };
    let mut sweep = Sweep::default();
    for nth in 1..=CHANGES_MAX {
        let (_folder, path) = fixture.copy();
        let output = Command::new(env!("CARGO_BIN_EXE_prismq-victim"))
            .args([format!("{step:?}").as_ref(), path.as_os_str()])
            .args([nth.to_string().as_str(), files])
            .output()
            .unwrap();
        let acknowledged = said(&output).contains("done");
        assert_eq!(acknowledged, !was_killed(&output), "{step:?} at {nth}: {output:?}");
        judge(&fixture, &path, nth, acknowledged, &mut sweep);
        if acknowledged {
            break;
        }
    }
    sweep
}

fn judge(
    fixture: &StepFixture,
    path: &std::path::Path,
    nth: u64,
    acknowledged: bool,
    sweep: &mut Sweep,
) {
    let step = fixture.step;
    let created = (step == Step::Create).then(|| fixture.state_of_creation(path));
    // The queue itself recovers the file, not SQLite alone.
    drop(Queue::open(path).unwrap_or_else(|error| panic!("{step:?} at {nth}: {error}")));
    if step == Step::AutoCheckpoint {
        sound(path);
    } else {
        let opened = fixture.state(path);
        let found = created.unwrap_or(opened);
        assert!(created.is_none() || opened == Found::After, "opening goes on with a creation");
        assert_ne!(found, Found::Neither, "{step:?} killed at change {nth}");
        assert!(!acknowledged || found == Found::After, "{step:?} killed at change {nth}: lost");
        let context = format!("{step:?} killed at change {nth}");
        fixture.judge_backup(path, acknowledged.then_some(true), &context);
        let changes = !fixture.changes_nothing();
        sweep.recovered += u64::from(!acknowledged && changes && found == Found::After);
    }
    sweep.acknowledged += u64::from(acknowledged);
    sweep.points += u64::from(!acknowledged);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn was_killed(output: &Output) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    output.status.signal() == Some(SIGKILL)
}
