//! A process whose memory is limited, as a whole or that of SQLite: each call is answered or the process ends, and what
//! was acknowledged is stored.

use std::path::Path;
use std::process::{Command, Output};

use prismq::{NewTask, Queue};
use prismq_faults::{Scratch, limit_sqlite_heap};

use crate::kernel::child::Part;
use crate::support::{FILE, sound};

/// Before the number, or the ids, of the tasks that were acknowledged.
const ACKNOWLEDGED: &str = "acknowledged ";

/// This program playing a part, started by this line of a shell: `exec "$0"`, with what comes before it.
fn started(part: Part, folder: &Path, line: &str) -> Output {
    Command::new("sh")
        .args(["-c", line])
        .arg(std::env::current_exe().unwrap())
        .envs(part.environment(folder))
        .output()
        .unwrap()
}

fn acknowledged(output: &Output) -> usize {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let number = stdout.lines().find_map(|line| line.split_once(ACKNOWLEDGED));
    number.unwrap_or_else(|| panic!("{output:?}")).1.trim().parse().unwrap()
}

/// Enqueues until SQLite's memory is short; each call is answered, and what was acknowledged is stored.
pub(crate) fn exhaust_sqlite(folder: &Path) {
    let path = &folder.join(FILE);
    let queue = Queue::open(path).unwrap();
    let mut stored = 0;
    let mut refused = 0;
    for limit in [4 << 20, 2 << 20, 1 << 20, 512 << 10, 256 << 10] {
        let _no_limit = limit_sqlite_heap(limit);
        for _ in 0..5 {
            match queue.enqueue(NewTask::new("job", vec![1; 400_000])) {
                Ok(_) => stored += 1,
                Err(error) => {
                    assert!(error.to_string().contains("out of memory"), "{error:?}");
                    refused += 1;
                }
            }
        }
    }
    let _limit = limit_sqlite_heap(0);
    println!("{refused} refused");
    drop(queue);
    let queue = Queue::open(path).unwrap();
    queue.enqueue(NewTask::new("job", [2])).unwrap();
    drop(queue);
    assert_eq!(sound(path).tasks.len(), stored + 1);
    assert!(refused > 0, "memory is never short");
    println!("{ACKNOWLEDGED}{stored}");
}

/// Failure mode: memory: exhausted | an error or the end of the process; nothing acknowledged is lost
pub(crate) fn exhausted_sqlite_memory_refuses_and_loses_nothing() {
    let folder = Scratch::new().unwrap();
    let output = started(Part::ExhaustSqlite, folder.path(), "exec \"$0\"");
    assert!(output.status.success(), "{output:?}");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    acknowledged(&output);
}

/// Enqueues and takes memory until the process ends.
pub(crate) fn exhaust_process(folder: &Path) {
    let queue = Queue::open(folder.join(FILE)).unwrap();
    let mut held = Vec::new();
    for number in 0_u64.. {
        let id = queue.enqueue(NewTask::new("job", vec![1; 300_000])).unwrap().id();
        println!("{ACKNOWLEDGED}{id}");
        held.push(vec![number; 1 << 20]);
    }
}

/// The process ends of it; what it acknowledged is stored.
///
/// Failure mode: memory: exhausted
pub(crate) fn exhausted_process_memory_loses_nothing_acknowledged() {
    let folder = Scratch::new().unwrap();
    let output = started(Part::ExhaustProcess, folder.path(), "ulimit -v 300000; exec \"$0\"");
    assert!(!output.status.success(), "memory is never short");
    let path = folder.file(FILE);
    drop(Queue::open(&path).unwrap());
    let state = sound(&path);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let ids: Vec<i64> = stdout
        .lines()
        .filter_map(|line| line.split_once(ACKNOWLEDGED)?.1.trim().parse().ok())
        .collect();
    assert!(!ids.is_empty(), "{output:?}");
    let lost = ids.iter().filter(|id| !state.has_task(**id)).count();
    println!("{} acknowledged, {lost} lost", ids.len());
    assert_eq!(lost, 0);
}
