//! The kills of `process::kill`, made by the kernel: `strace` kills the process at its nth write, sync, truncation or
//! deletion of any file, from the start of the program on.
//!
//! Failure mode: process: killed at every write, sync, truncation and deletion

use std::process::Command;

use prismq::Queue;
use prismq_faults::Step;

use crate::support::{Found, StepFixture};

const CALLS_MAX: u32 = 400;
const STEPS: [Step; 3] = [Step::Create, Step::Enqueue, Step::Complete];

pub(crate) fn a_killed_system_call_leaves_the_old_state_or_the_new() {
    for step in STEPS {
        let fixture = StepFixture::new(step);
        let mut points = 0;
        let mut lost = 0;
        for call in ["pwrite64", "fdatasync", "fsync", "ftruncate", "unlink"] {
            for nth in 1..=CALLS_MAX {
                let (_folder, path) = fixture.copy();
                let output = Command::new("strace")
                    .args(["-f", "-qq", "-o", "/dev/null", "-e"])
                    .arg(format!("inject={call}:signal=SIGKILL:when={nth}"))
                    .arg(env!("CARGO_BIN_EXE_prismq-victim"))
                    .args([format!("{step:?}").as_ref(), path.as_os_str()])
                    .output()
                    .unwrap();
                let acknowledged = String::from_utf8_lossy(&output.stdout).contains("done");
                let created = (step == Step::Create && path.exists())
                    .then(|| fixture.state_of_creation(&path));
                drop(Queue::open(&path).unwrap());
                let found = created.unwrap_or_else(|| fixture.state(&path));
                // Before the step itself, a lease it needs may not have been claimed.
                let ready = String::from_utf8_lossy(&output.stdout).contains("ready");
                assert!(!ready || found != Found::Neither, "{step:?} at {call} {nth}");
                lost += u32::from(acknowledged && found != Found::After);
                if acknowledged {
                    break;
                }
                points += 1;
            }
        }
        println!("{step:?}: {points} system calls, {lost} acknowledged lost");
        assert!(points > 0 && lost == 0);
    }
}
