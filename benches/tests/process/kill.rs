//! What a killed process had acknowledged must be in the file: a subject that keeps its word passes, and ones that
//! answer before they commit are caught.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::observe::metrics::{ACKNOWLEDGED, LOST, UNDONE};
use prismq_bench::process::{self, Report, Role, acknowledge};
use prismq_bench::scenario::fault::kill::{Acknowledged, Kill, round};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::local::{Attempt, HandlerFn, LocalError, LocalPool, LocalQueue};
use prismq_bench::subject::{
    Census, Counters, Ending, OpenOptions, RunningPool, Settled, SubjectKind, TaskSpec,
};
use prismq_probe::{Failed, Trial};

/// Folders whose databases are opened by a fake.
const HASTY_ENQUEUE: &str = "hasty_enqueue";
const HASTY_COMPLETION: &str = "hasty_completion";
/// How long after its answer a fake commits: longer than its process lives.
const LATE: Duration = Duration::from_secs(60);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("an_engine_that_keeps_its_word_passes", keeps_its_word),
        Trial::test("an_enqueue_that_answers_before_it_commits_is_caught", hasty_enqueue),
        Trial::test("a_completion_that_answers_before_it_commits_is_caught", hasty_completion),
        Trial::test("what_was_never_acknowledged_may_be_there_or_not", unacknowledged),
    ]
}

/// In the child: a process of these tests with a fake, or any other.
pub(crate) fn child(role: &Role) -> ExitCode {
    let Role::Acknowledge(of) = role else { return process::run(role) };
    let within = |folder: &str| of.path.iter().any(|part| part == folder);
    let hasty = if within(HASTY_ENQUEUE) {
        Hasty::Enqueue(AtomicI64::new(1))
    } else if within(HASTY_COMPLETION) {
        Hasty::Completion
    } else {
        return process::run(role);
    };
    let opened = of.subject.open_local(&of.path, OpenOptions::durable(2));
    match opened.and_then(|inner| acknowledge(&Fake { inner, hasty })) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// A subject that answers before it commits.
struct Fake {
    inner: Box<dyn LocalQueue>,
    hasty: Hasty,
}

enum Hasty {
    /// An enqueue, with the next id.
    Enqueue(AtomicI64),
    /// A completion.
    Completion,
}

impl LocalQueue for Fake {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
        let Hasty::Enqueue(next) = &self.hasty else { return self.inner.enqueue(task) };
        // About as fast as a disk would be.
        thread::sleep(Duration::from_micros(200));
        Ok(next.fetch_add(1, Ordering::Relaxed))
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        self.inner.enqueue_all(tasks)
    }

    fn hold(&self, of: &'static str, max: usize, lease: Duration) -> Result<Vec<i64>, LocalError> {
        self.inner.hold(of, max, lease)
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        if !matches!(self.hasty, Hasty::Completion) {
            return self.inner.start(pool);
        }
        let listener = pool.listener;
        let answering = |handler: HandlerFn| -> HandlerFn {
            let listener = listener.clone();
            Arc::new(move |attempt: &Attempt<'_>| {
                handler(attempt)?;
                let ending = Ending::Completed;
                listener(&Settled { id: attempt.id, attempt: attempt.number, ending });
                thread::sleep(LATE);
                Ok(())
            })
        };
        let handlers =
            pool.handlers.into_iter().map(|(name, handler)| (name, answering(handler))).collect();
        self.inner.start(LocalPool { handlers, listener: Arc::new(|_| {}), ..pool })
    }

    fn counters(&self) -> Counters {
        self.inner.counters()
    }

    fn census(&self) -> Result<Census, LocalError> {
        self.inner.census()
    }

    fn settings(&self) -> Result<Vec<(String, String)>, LocalError> {
        self.inner.settings()
    }
}

/// What two kills in this folder show: acknowledged operations, lost and undone tasks, and the faults.
fn killed(kind: SubjectKind, folder: &Path) -> Result<([f64; 3], Vec<String>), Failed> {
    let stage = Stage::new(kind, BenchDir::at(folder), Scale::Trial);
    let life = (Duration::from_millis(200), Duration::from_millis(300));
    let load = Kill { kills: 2, life, seed: 7 };
    let (_, round) = round(&stage, &load)?;
    let read = [ACKNOWLEDGED, LOST, UNDONE].map(|spec| {
        round.readings.iter().filter(|reading| reading.spec == spec).map(|read| read.value).sum()
    });
    Ok((read, round.faults))
}

fn expect(holds: bool, found: impl std::fmt::Debug) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(Failed::from(format!("{found:?}"))) }
}

fn keeps_its_word() -> Result<(), Failed> {
    for kind in [SubjectKind::Prismq, SubjectKind::Pooled, SubjectKind::Mutex] {
        let directory = tempfile::tempdir()?;
        let ([acknowledged, lost, undone], faults) = killed(kind, directory.path())?;
        expect(acknowledged >= 20.0 && lost == 0.0 && undone == 0.0, (kind, acknowledged, lost))?;
        expect(faults.is_empty(), faults)?;
    }
    Ok(())
}

fn hasty_enqueue() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let (read, faults) = killed(SubjectKind::Prismq, &directory.path().join(HASTY_ENQUEUE))?;
    let [acknowledged, lost, undone] = read;
    expect(lost >= 1.0 && lost <= acknowledged && undone == 0.0, read)?;
    let said = |fault: &String| fault.ends_with("enqueue was acknowledged are gone after a kill");
    expect(faults.len() == 1 && faults.iter().all(said), &faults)
}

fn hasty_completion() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let (read, faults) = killed(SubjectKind::Prismq, &directory.path().join(HASTY_COMPLETION))?;
    let [_, lost, undone] = read;
    expect(lost == 0.0 && undone >= 1.0, read)?;
    let said =
        |fault: &String| fault.ends_with("completion was acknowledged are back after a kill");
    expect(faults.len() == 1 && faults.iter().all(said), &faults)
}

fn unacknowledged() -> Result<(), Failed> {
    let mut acknowledged = Acknowledged::default();
    acknowledged.add(&[
        Report::Enqueued(1),
        Report::Enqueued(2),
        Report::Ended(2),
        Report::Ended(3),
    ]);
    for held in [vec![1], vec![1, 2], vec![1, 3], vec![1, 4]] {
        let broken = acknowledged.check(&HashSet::from_iter(held));
        expect(broken.lost.is_empty() && broken.undone.is_empty(), broken)?;
    }
    let broken = acknowledged.check(&HashSet::from([2]));
    expect(broken.lost == HashSet::from([1]), broken)?;
    acknowledged.add(&[Report::Completed(2)]);
    let broken = acknowledged.check(&HashSet::from([1, 2]));
    expect(broken.undone == HashSet::from([2]) && broken.lost.is_empty(), broken)
}
