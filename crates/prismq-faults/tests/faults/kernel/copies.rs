//! A backup and a restore whose system calls fail or are killed, by the kernel through `strace`, those of the standard
//! library among them, which the shim VFS does not see: the nth of each, counted from the start of the program.
//!
//! Failure mode: backup and restore: a system call fails, or the process is killed at it | the file is as before or as restored, and no half copy is taken for a queue

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use prismq::Queue;
use prismq_check::soak;
use prismq_faults::{Scratch, Step};

use crate::support::{Found, StepFixture};

/// More calls than the program makes of any.
const CALLS_MAX: usize = 2_000;
/// The quick part takes one of so many calls.
const STRIDE: usize = 9;
const KILL: &str = "signal=SIGKILL";
/// Calls, and what becomes of them. What the shim VFS kills at is left to `process::kill`.
const MATRIX: [(&str, &str); 9] = [
    ("openat", "error=EMFILE"),
    ("pread64", "error=EIO"),
    ("pwrite64", "error=ENOSPC"),
    ("fdatasync,fsync", "error=EIO"),
    ("ftruncate", "error=EIO"),
    ("unlink,unlinkat", "error=EACCES"),
    ("rename", "error=EIO"),
    ("fcntl", "error=ENOLCK"),
    ("rename,unlink,fsync", KILL),
];

pub(crate) fn a_backup_or_restore_that_fails_leaves_the_file_and_no_half_copy() {
    for step in [Step::Backup, Step::Restore] {
        let fixture = StepFixture::new(step);
        let mut answers = BTreeMap::new();
        for (calls, effect) in MATRIX {
            // Few of these are made, and each matters.
            let few = !matches!(calls, "openat" | "pread64" | "pwrite64" | "fcntl");
            let stride = if few || soak().is_some() { 1 } else { STRIDE };
            for nth in (1..CALLS_MAX).step_by(stride) {
                let Some(answer) = inject(&fixture, calls, effect, nth) else { break };
                *answers.entry(format!("{calls} {effect}: {answer}")).or_insert(0) += 1;
            }
        }
        println!("{step:?}: {answers:#?}");
        assert!(answers.len() > 9, "{step:?}: {answers:?}");
    }
}

/// Runs a step one of whose calls fails; `None` if it makes fewer.
fn inject(fixture: &StepFixture, calls: &str, effect: &str, nth: usize) -> Option<&'static str> {
    let step = fixture.step;
    let (_folder, path) = fixture.copy();
    let log = Scratch::new().unwrap();
    let log = log.file("strace.log");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:{effect}:when={nth}")])
        .arg(env!("CARGO_BIN_EXE_prismq-victim"))
        .args([format!("{step:?}").as_ref(), path.as_os_str()])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let context = format!("{step:?}, {calls} {effect} at {nth}: {output:?}");
    let hit = hits(&log, effect);
    if !hit {
        assert!(printed.contains("done"), "{context}");
        return None;
    }
    drop(Queue::open(&path).unwrap_or_else(|error| panic!("{context}, then {error}")));
    if !printed.contains("ready") {
        return Some("not begun");
    }
    let acknowledged = printed.contains("done");
    judge(fixture, &path, acknowledged, effect == KILL, &context);
    Some(if acknowledged { "done" } else { "refused or killed" })
}

fn hits(log: &Path, effect: &str) -> bool {
    let log = fs::read_to_string(log).unwrap_or_default();
    if effect == KILL { log.contains("killed by SIGKILL") } else { log.contains("(INJECTED)") }
}

fn judge(fixture: &StepFixture, path: &Path, acknowledged: bool, killed: bool, context: &str) {
    let found = fixture.state(path);
    assert_ne!(found, Found::Neither, "{context}");
    assert!(!acknowledged || found == Found::After, "{context}: lost");
    fixture.judge_backup(path, (!killed).then_some(acknowledged), context);
}
