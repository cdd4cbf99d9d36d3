//! A file system of a few hundred kilobytes: full is a typed error, nothing of what was refused is kept, and the queue
//! goes on by itself once there is room.
//!
//! Failure mode: disk: full | `Full`, nothing of the operation is kept, and the queue goes on once there is room

use std::fs;
use std::path::Path;
use std::process::Command;

use prismq::{Claim, NewTask, Queue};
use prismq_faults::Scratch;

use crate::kernel::child::Part;
use crate::support::{FILE, sound};

/// Before the number of tasks that were acknowledged.
const ACKNOWLEDGED: &str = "acknowledged ";
/// Takes room, and is removed to make some.
const BALLAST: &str = "ballast";

/// Fills the file system and makes room, not by the queue.
pub(crate) fn fill(folder: &Path) {
    let path = folder.join(FILE);
    let queue = Queue::open(&path).unwrap();
    let mut stored = 0;
    let error = loop {
        match queue.enqueue(NewTask::new("job", vec![1; 3_000])) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_full() || error.to_string().contains("I/O"), "{error:?}");
    fs::remove_file(folder.join(BALLAST)).unwrap();
    queue.enqueue(NewTask::new("job", vec![2; 3_000])).unwrap();
    queue.complete(&queue.claim(&Claim::new(["job"])).unwrap()[0]).unwrap();
    drop(queue);
    assert_eq!(sound(&path).tasks.len(), stored);
    println!("{ACKNOWLEDGED}{stored}");
}

pub(crate) fn a_full_file_system_is_an_error_and_the_queue_goes_on_with_room() {
    let folder = Scratch::new().unwrap();
    let script = "mount -t tmpfs -o size=600k none \"$1\" && head -c 200000 /dev/zero > \"$1/$2\" && exec \"$3\"";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(BALLAST)
        .arg(std::env::current_exe().unwrap())
        .envs(Part::Fill.environment(folder.path()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stored = stdout.lines().find_map(|line| line.strip_prefix(ACKNOWLEDGED)).unwrap();
    println!("full after {stored} tasks; resumed");
    assert!(stored.parse::<usize>().unwrap() > 0);
}
