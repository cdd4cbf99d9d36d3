//! An operation takes the same number of syncs, write calls and bytes each time it is counted and, where
//! valgrind is installed, of instructions.

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::process::Operation;
use prismq_bench::scenario::cost::instructions::per_operation;
use prismq_bench::scenario::cost::writes::by_operation;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use prismq_probe::{Failed, Requirement, Trial, trial};

const TIMES: usize = 32;
/// Largest difference of two counts that are the same, as a share.
const TOLERANCE: f64 = 0.001;
/// How often is counted until two are the same: on a busy machine, a process that looks now and then looks once more.
const COUNTS_MAX: usize = 4;

pub(crate) fn trials() -> Vec<Trial> {
    let instructions = Operation::ALL.map(|operation| {
        let name = format!("{}_takes_as_many_instructions_as_before", operation.name());
        trial(name, || Requirement::Valgrind.probe(), move || twice(operation))
    });
    let writes = Operation::ALL.map(|operation| {
        let name = format!("{}_writes_as_much_as_before", operation.name());
        Trial::test(name, move || written_twice(operation))
    });
    instructions.into_iter().chain(writes).collect()
}

fn written_twice(operation: Operation) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(directory.path()), Scale::Trial);
    let first = by_operation(&stage, operation, TIMES)?;
    let second = by_operation(&stage, operation, TIMES)?;
    eprintln!("{}: {first:?} and {second:?}", operation.name());
    // What must outlive a power cut waits for the disk; a lease need not.
    let syncs = match operation {
        Operation::Enqueue
        | Operation::Complete
        | Operation::Fail
        | Operation::Transaction
        | Operation::Inbox
        | Operation::Unique
        | Operation::CompleteIn => 1.0,
        Operation::Claim | Operation::Extend | Operation::Release => 0.0,
    };
    // Where they are counted, a page of SQLite at least is written.
    let written = first.calls.is_none_or(|calls| calls >= 1.0)
        && first.bytes.is_none_or(|bytes| bytes >= 4096.0);
    if first != second || first.syncs != syncs || !written {
        return Err(format!("{first:?}, then {second:?}").into());
    }
    Ok(())
}

fn twice(operation: Operation) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(directory.path()), Scale::Trial);
    let mut counts: Vec<f64> = Vec::new();
    for _ in 0..COUNTS_MAX {
        let count = per_operation(&stage, operation, TIMES)??;
        eprintln!("{}: {count} instructions", operation.name());
        if count < 1_000.0 {
            return Err(format!("{count} instructions cannot be a whole operation").into());
        }
        if counts.iter().any(|before| (before - count).abs() / before <= TOLERANCE) {
            return Ok(());
        }
        counts.push(count);
    }
    Err(format!("no two of these counts are the same: {counts:?}").into())
}
