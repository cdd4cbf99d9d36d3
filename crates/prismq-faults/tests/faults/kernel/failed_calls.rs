//! A process that enqueues tasks and runs them in a worker pool, and whose system calls fail, by the kernel
//! through `strace`: the nth of each of its threads, or all from the nth on, counted from the start of the
//! program or once its pool is at work. Nothing acknowledged is lost and
//! every other promise is kept, by the history that it recorded and the file it left; the pool goes on, or reports why
//! it does not; and its shutdown returns in time.
//!
//! The quick part takes as many points of the matrix as fit its time, always in the same order; a soak takes
//! all of them.
//!
//! Failure mode: disk: system calls fail with EIO, ENOSPC, EDQUOT, EINTR or ENOLCK, under a pool | nothing acknowledged is lost; the pool goes on or reports why not; shutdown in time

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use prismq::{Claim, NewTask, Queue};
use prismq_check::{History, Rules, Snapshot, check, soak};
use prismq_faults::{Repeat, Scratch};

use crate::kernel::strace::ended;
use crate::support::FILE;

const QUICK: Duration = Duration::from_secs(20);
/// Which calls the quick part lets fail.
const QUICK_CALLS: [u32; 9] = [1, 2, 3, 5, 9, 15, 25, 50, 100];
/// More than any thread makes of any call.
const CALLS_MAX: u32 = 2_000;
/// What the program allows the shutdown is a second; the rest is a busy machine's.
const SHUTDOWN: Duration = Duration::from_secs(4);
/// Long enough for a pool to report why it does not go on.
const PATIENCE: Duration = Duration::from_secs(15);

const VICTIM: &str = env!("CARGO_BIN_EXE_prismq-pool-victim");
/// The output of the program, and that of `strace`.
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";
const LOG: &str = "strace.log";
const ATTACHED: &str = "strace.stderr";

/// A row of the matrix: calls, for how long they fail, and of what. An interruption is answered by trying
/// again, of most calls by SQLite itself, and never lasts.
type Row = (&'static str, Repeat, &'static [&'static str]);

const MATRIX: [Row; 10] = [
    ("pwrite64", Repeat::Once, &["EIO", "ENOSPC", "EDQUOT", "EINTR"]),
    ("fdatasync,fsync", Repeat::Once, &["EIO", "ENOSPC", "EDQUOT", "EINTR"]),
    ("pread64", Repeat::Once, &["EIO", "EINTR"]),
    ("ftruncate", Repeat::Once, &["EIO", "ENOSPC", "EDQUOT", "EINTR"]),
    ("pwrite64", Repeat::Always, &["ENOSPC", "EIO", "EDQUOT"]),
    ("fdatasync,fsync", Repeat::Always, &["EIO", "ENOSPC", "EDQUOT"]),
    ("pread64", Repeat::Always, &["EIO"]),
    ("ftruncate", Repeat::Always, &["EIO", "ENOSPC"]),
    ("fcntl", Repeat::Always, &["EIO", "ENOLCK"]),
    ("fcntl", Repeat::Once, &["EIO", "EINTR", "ENOLCK"]),
];

#[derive(Debug, Clone, Copy)]
struct Point {
    calls: &'static str,
    error: &'static str,
    repeat: Repeat,
    nth: u32,
    from: From,
}

/// From when on calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Start,
    PoolAtWork,
}

pub(crate) fn pools_survive_system_calls_that_fail() {
    let mut became = BTreeMap::new();
    if soak().is_some() {
        for from in [From::Start, From::PoolAtWork] {
            for (calls, repeat, errors) in MATRIX {
                for error in errors {
                    let point = |nth| Point { calls, error, repeat, nth, from };
                    let injected = |nth| Some((point(nth), inject(point(nth))?));
                    // Until no thread makes that many calls.
                    for (point, what) in (1..=CALLS_MAX).map_while(injected) {
                        count(&mut became, point, &what);
                    }
                }
            }
        }
    } else {
        let until = Instant::now() + QUICK;
        for (round, nth) in QUICK_CALLS.into_iter().enumerate() {
            // Most threads' first calls come once the file is open, and once is enough for that.
            let from = if round % 4 == 3 { From::Start } else { From::PoolAtWork };
            for (calls, repeat, errors) in MATRIX {
                let error = errors[round % errors.len()];
                let point = Point { calls, error, repeat, nth, from };
                if Instant::now() < until
                    && let Some(what) = inject(point)
                {
                    count(&mut became, point, &what);
                }
            }
        }
    }
    println!("outcomes of pools whose calls failed: {became:#?}");
    let points: u32 = became.values().sum();
    assert!(points >= 10, "{points} points");
}

fn count(became: &mut BTreeMap<String, u32>, point: Point, what: &str) {
    let Point { calls, error, repeat, from, .. } = point;
    *became.entry(format!("{from:?} {calls} {error} {repeat:?}: {what}")).or_default() += 1;
}

/// The outcome of a pool at one point of the matrix; `None` if no call failed.
fn inject(point: Point) -> Option<String> {
    let patience = match (point.repeat, point.calls) {
        (Repeat::Always, _) => Duration::from_millis(400),
        (Repeat::Once, "fcntl") => Duration::from_secs(4),
        (Repeat::Once, _) => Duration::from_secs(15),
    };
    // A busy machine may need longer than that to show anything.
    match run(point, patience) {
        Ended::Silently(_) if patience < PATIENCE => match run(point, PATIENCE) {
            Ended::Silently(context) => panic!("{context}\nit does not go on, and reports nothing"),
            Ended::As(what) => what,
        },
        Ended::Silently(context) => panic!("{context}\nit does not go on"),
        Ended::As(what) => what,
    }
}

/// How the program ended.
enum Ended {
    /// The outcome of its pool, if a call failed.
    As(Option<String>),
    /// Its pool had not done all tasks, and had not reported why.
    Silently(String),
}

fn run(point: Point, patience: Duration) -> Ended {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    drop(Queue::open(&path).unwrap());
    let status = match point.from {
        From::Start => run_traced(point, patience, &folder),
        From::PoolAtWork => run_and_attach(point, patience, &folder),
    };
    let read = |name| fs::read_to_string(folder.file(name)).unwrap_or_default();
    let (log, said) = (read(LOG), read(STDERR));
    let failed: Vec<&str> = log.lines().filter(|line| line.contains("INJECTED")).collect();
    let first = failed.get(..failed.len().min(20)).unwrap_or_default().join("\n");
    let context = format!("{point:?}, {patience:?}:\n{first}\n{said}");
    // Its first calls are the loader's.
    if said.contains("error while loading shared libraries") {
        return Ended::As(Some("not loaded".to_owned()));
    }
    assert!(status.success(), "{context}: {status:?}");
    let ended = ended(&said).unwrap_or_else(|| panic!("{context}: no line `ended:`"));
    let (what, shutdown) = ended.split_once("; shut down in ").unwrap_or((ended, "0 ms"));
    let took: u64 = shutdown.split(' ').next().unwrap().parse().unwrap();
    assert!(Duration::from_millis(took) <= SHUTDOWN, "{context}");
    judge(&path, &read(STDOUT), &context);
    let what = what.split(':').next().unwrap();
    let lasts = matches!(point.repeat, Repeat::Always);
    let logged = said.lines().any(|line| line.starts_with("log: "));
    match what {
        "worked" => {}
        "stopped" | "not opened" | "not started" => assert!(!failed.is_empty(), "{context}"),
        // SQLite goes on trying to lock, for longer than the program waits.
        "stuck" if point.calls == "fcntl" && (lasts || unlocks(&failed)) => {}
        // What cannot be read again and again is reported as damage by SQLite.
        "ended tasks" if point.calls == "pread64" && lasts && logged => {}
        // It keeps trying, and reports why.
        "stuck" if lasts && logged => {}
        "stuck" => return Ended::Silently(context),
        _ => panic!("{context}"),
    }
    Ended::As((!failed.is_empty()).then(|| what.to_owned()))
}

/// Whether the release of a lock failed, which no local file system does. SQLite does not notice it of all its
/// locks: the process then locks itself out until the queue is closed, and reports that after a wait of its own of
/// five to ten seconds.
fn unlocks(failed: &[&str]) -> bool {
    failed.iter().any(|call| call.contains("F_UNLCK"))
}

/// Runs the program, its calls counted from its start.
fn run_traced(point: Point, patience: Duration, folder: &Scratch) -> ExitStatus {
    let mut strace = strace(point, folder);
    strace.args(["-qq", "--seccomp-bpf"]);
    start(strace.arg(VICTIM), patience, folder, Stdio::null()).wait().unwrap()
}

/// Starts the program, has its calls counted once its pool is at work, and lets it go on.
fn run_and_attach(point: Point, patience: Duration, folder: &Scratch) -> ExitStatus {
    let mut victim = start(&mut Command::new(VICTIM), patience, folder, Stdio::piped());
    wait_for(folder, STDERR, "ready", &mut victim);
    let mut strace = strace(point, folder);
    let out = fs::File::create(folder.file(ATTACHED)).unwrap();
    let mut strace = strace.args(["-p", &victim.id().to_string()]).stderr(out).spawn().unwrap();
    wait_for(folder, ATTACHED, "attached", &mut strace);
    victim.stdin.take().unwrap().write_all(b"go\n").unwrap();
    strace.wait().unwrap();
    victim.wait().unwrap()
}

fn strace(point: Point, folder: &Scratch) -> Command {
    let Point { calls, error, repeat, nth, .. } = point;
    let ever = if matches!(repeat, Repeat::Always) { "+" } else { "" };
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(folder.file(LOG)).args(["-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:error={error}:when={nth}{ever}")]);
    strace
}

fn start(command: &mut Command, patience: Duration, folder: &Scratch, stdin: Stdio) -> Child {
    let file = |name| fs::File::create(folder.file(name)).unwrap();
    command.arg("recorded").arg(folder.file(FILE)).arg(patience.as_millis().to_string());
    command.stdin(stdin).stdout(file(STDOUT)).stderr(file(STDERR)).spawn().unwrap()
}

/// Waits until a program has printed a word.
fn wait_for(folder: &Scratch, file: &str, word: &str, program: &mut Child) {
    let said = || fs::read_to_string(folder.file(file)).unwrap();
    while !said().contains(word) {
        let ended = program.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?} without `{word}`: {}", said());
        thread::sleep(Duration::from_millis(1));
    }
}

fn judge(path: &Path, recorded: &str, context: &str) {
    let recorded = History::read(recorded.as_bytes()).unwrap();
    let queue = Queue::open(path).unwrap_or_else(|error| panic!("{context}, then {error}"));
    let rules = Rules { complete_history: true, ..Rules::PLAIN };
    let verdict = check(&recorded, &[Snapshot::take(path).unwrap()], &rules);
    assert!(verdict.is_sound(), "{context}\n{verdict}");
    // And it is as good as new.
    queue.enqueue(NewTask::new("after", Vec::new())).unwrap();
    let lease = queue.claim(&Claim::new(["after"])).unwrap().pop().unwrap();
    queue.complete(&lease).unwrap();
}
