//! A filesystem of a few hundred kilobytes: full is a typed error, nothing of what was refused is there, and
//! the queue goes on by itself once there is room. The same by a process under a limit of memory.

use std::path::Path;
use std::process::Command;

use prismq::{Claim, NewTask, Queue};
use prismq_faults::{Scratch, limit_sqlite_heap};

use crate::support::{FILE, sound};

const FOLDER: &str = "PRISMQ_TEST_FOLDER";
const ACKNOWLEDGED: &str = "acknowledged ";

/// This test program, running one of its ignored tests.
fn child(name: &str, folder: &Path) -> String {
    let program = std::env::current_exe().unwrap();
    let module = module_path!().split_once("::").unwrap().1;
    format!(
        "{FOLDER}={} {} --exact {module}::{name} --ignored --nocapture --test-threads=1",
        folder.display(),
        program.display()
    )
}

fn acknowledged(output: &std::process::Output) -> usize {
    let said = String::from_utf8_lossy(&output.stdout);
    let number = said.lines().find_map(|line| line.split_once(ACKNOWLEDGED));
    number.unwrap_or_else(|| panic!("{output:?}")).1.trim().parse().unwrap()
}

#[test]
#[ignore = "started by the test below, on a small filesystem of its own"]
fn fill() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let path = Path::new(&folder).join(FILE);
    let queue = Queue::open(&path).unwrap();
    let mut there = 0;
    let error = loop {
        match queue.enqueue(&NewTask::new("job", vec![1; 3_000])) {
            Ok(_) => there += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_full() || error.to_string().contains("I/O"), "{error:?}");
    // Room is made, not by the queue.
    std::fs::remove_file(Path::new(&folder).join("ballast")).unwrap();
    queue.enqueue(&NewTask::new("job", vec![2; 3_000])).unwrap();
    queue.complete(&queue.claim(&Claim::new(["job"])).unwrap()[0]).unwrap();
    drop(queue);
    assert_eq!(sound(&path).tasks.len(), there);
    println!("{ACKNOWLEDGED}{there}");
}

/// Failure mode: disk: full | `Full`, nothing of the operation is kept, and the queue goes on once there is room
#[test]
fn a_small_filesystem() {
    let folder = Scratch::new().unwrap();
    let mount = format!(
        "mount -t tmpfs -o size=600k none {0} && head -c 200000 /dev/zero > {0}/ballast && {1}",
        folder.path().display(),
        child("fill", folder.path())
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &mount]).output();
    match output {
        Ok(output) if output.status.success() => {
            let there = acknowledged(&output);
            println!("full after {there} tasks; resumed");
            assert!(there > 0);
        }
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("ermi") => {
            println!("NOT RUN: this user may not mount a filesystem");
        }
        Err(error) => println!("NOT RUN: unshare is not there: {error}"),
        Ok(output) => panic!("{output:?}"),
    }
}

/// Operations until memory is short; each is answered, and what was acknowledged is there.
fn until_memory_is_short(path: &Path) {
    let queue = Queue::open(path).unwrap();
    let mut there = 0;
    let mut refused = 0;
    for limit in [4 << 20, 2 << 20, 1 << 20, 512 << 10, 256 << 10] {
        let _no_limit = limit_sqlite_heap(limit);
        for _ in 0..5 {
            match queue.enqueue(&NewTask::new("job", vec![1; 400_000])) {
                Ok(_) => there += 1,
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
    queue.enqueue(&NewTask::new("job", [2])).unwrap();
    drop(queue);
    assert_eq!(sound(path).tasks.len(), there + 1);
    assert!(refused > 0, "memory is never short");
    println!("{ACKNOWLEDGED}{there}");
}

#[test]
#[ignore = "started by the test below, as the limit is one of the whole process"]
fn starve() {
    until_memory_is_short(&Path::new(&std::env::var_os(FOLDER).unwrap()).join(FILE));
}

/// Failure mode: memory: exhausted | an error or the end of the process; nothing acknowledged is lost
#[test]
fn a_limit_of_sqlites_memory() {
    let folder = Scratch::new().unwrap();
    let command = child("starve", folder.path());
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    acknowledged(&output);
}

#[test]
#[ignore = "started by the test below, in a process whose memory is limited"]
fn gorge() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let queue = Queue::open(Path::new(&folder).join(FILE)).unwrap();
    let mut held = Vec::new();
    for number in 0_u64.. {
        let id = queue.enqueue(&NewTask::new("job", vec![1; 300_000])).unwrap();
        println!("{ACKNOWLEDGED}{id}");
        held.push(vec![number; 1 << 20]);
    }
}

/// The process dies of it, or is told; what it acknowledged is there.
///
/// Failure mode: memory: exhausted
#[test]
fn a_limit_of_the_processs_memory() {
    let folder = Scratch::new().unwrap();
    let command = format!("ulimit -v 300000; {}", child("gorge", folder.path()));
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(!output.status.success(), "memory is never short");
    let path = folder.file(FILE);
    drop(Queue::open(&path).unwrap());
    let state = sound(&path);
    let said = String::from_utf8_lossy(&output.stdout);
    let ids: Vec<i64> = said
        .lines()
        .filter_map(|line| line.split_once(ACKNOWLEDGED)?.1.trim().parse().ok())
        .collect();
    assert!(!ids.is_empty(), "{output:?}");
    let lost = ids.iter().filter(|id| !state.has_task(**id)).count();
    println!("{} acknowledged, {lost} lost", ids.len());
    assert_eq!(lost, 0);
}
