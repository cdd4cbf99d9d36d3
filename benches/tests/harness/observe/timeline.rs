//! A round's intervals hold every task once, leave none of its time out, and carry what was sampled.

use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::scenario::drain::{Drain, drain};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use prismq_bench::subject::Work;
use prismq_record::Interval;

use crate::support::fake::Misdeed;
use crate::support::theory::offer;

fn are_without_gap(intervals: &[Interval]) {
    for pair in intervals.windows(2) {
        assert!((pair[0].from_s + pair[0].seconds - pair[1].from_s).abs() < 1e-9, "{pair:?}");
    }
}

#[test]
fn an_open_load_has_its_warm_up_before_zero() {
    let work = Work::sleep(Duration::from_millis(2));
    let interval = Duration::from_millis(10);
    let offered = offer(Misdeed::None, ArrivalProcess::Constant, interval, 1_000, work);
    let course = offered.course;
    are_without_gap(&course.intervals);
    // 100 tasks of warm-up, the first 10 ms after the start.
    assert!((course.warm_up_seconds - 1.01).abs() < 1e-6, "{}", course.warm_up_seconds);
    assert!((course.seconds - 9.992).abs() < 1e-6, "{}", course.seconds);
    let first = &course.intervals[0];
    assert!((first.from_s + 1.01).abs() < 1e-6, "{first:?}");
    let sum = |read: fn(&Interval) -> Option<u64>| -> u64 {
        course.intervals.iter().filter_map(read).sum()
    };
    assert_eq!(sum(|interval| interval.enqueued), 1_100);
    assert_eq!(sum(|interval| interval.completed), 1_100);
    // Each interval's latencies are those of its own tasks.
    for interval in &course.intervals {
        let histogram = interval.end_to_end.as_ref().unwrap().decode().unwrap();
        assert_eq!(Some(histogram.len()), interval.completed);
        assert!(histogram.max().abs_diff(2_000_000) < 20_000);
    }
    // Nothing was sampled of what has no file, and that is not 0.
    assert!(course.intervals.iter().all(|interval| interval.rss_bytes.is_none()));
    assert_eq!(course.counters.get("completed"), Some(&1_100));
    assert_eq!(course.counters.get("lost"), Some(&0));
}

#[test]
fn a_drain_has_memory_and_files_in_each_interval() {
    let directory = tempfile::tempdir().unwrap();
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(directory.path()), Scale::Trial);
    let work = Work::sleep(Duration::from_millis(5));
    let load = Drain { workers: 2, tasks: 120, payload_bytes: PAYLOAD_BYTES, work };
    let course = drain(&stage, &load).unwrap().course;
    are_without_gap(&course.intervals);
    // 300 ms at least, cut every 100 ms.
    assert!(course.intervals.len() >= 2, "{course:?}");
    let completed: u64 = course.intervals.iter().filter_map(|interval| interval.completed).sum();
    assert_eq!(completed, 120);
    assert_eq!(course.intervals.last().unwrap().depth, Some(0));
    for interval in &course.intervals {
        assert!(interval.rss_bytes.is_some_and(|bytes| bytes > 0), "{interval:?}");
        assert!(interval.database_bytes.is_some() && interval.wal_bytes.is_some());
        assert!(interval.busy_waits.is_some());
    }
    assert_eq!(course.per_worker.iter().sum::<u64>(), 120);
}
