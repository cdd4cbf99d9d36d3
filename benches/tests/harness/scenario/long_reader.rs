//! A reader that keeps a snapshot is there for the whole load: it shows in the WAL, which then grows with every task.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::fault::long_reader::{LongReader, long_reader};
use prismq_bench::scenario::open::{OpenLoop, open_loop};
use prismq_bench::subject::{SubjectKind, Work};

use crate::support::stage::stage;

const NONE: Vec<String> = Vec::new();
/// The queue keeps its WAL below this where nobody reads.
const BOUND_BYTES: u64 = 12 << 20;

#[test]
fn the_snapshot_is_kept_for_the_whole_load() {
    let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
    let load = OpenLoop {
        workers: 2,
        generators: 2,
        tasks: 4_000,
        warm_up: 0,
        settle: 0,
        interval: Duration::from_micros(200),
        arrivals: ArrivalProcess::Constant,
        work: Work::None,
    };
    let wal = |course: prismq_record::Round| -> Vec<u64> {
        course.intervals.iter().filter_map(|interval| interval.wal_bytes).collect()
    };
    let alone = open_loop(&stage, &load).unwrap();
    let read = long_reader(&stage, &LongReader { load, claims: 20 }).unwrap();
    assert_eq!((alone.faults, &read.offered.faults), (NONE, &NONE));
    assert_eq!(read.offered.audit.completed, 4_000);
    assert!(read.claim > 0.0 && read.claim_in_new > 0.0, "{read:?}");
    let (alone, read) = (wal(alone.course), wal(read.offered.course));
    assert!(alone.iter().all(|bytes| *bytes < BOUND_BYTES), "{alone:?}");
    assert!(read.is_sorted() && read.last() > Some(&BOUND_BYTES), "{read:?}");
}
