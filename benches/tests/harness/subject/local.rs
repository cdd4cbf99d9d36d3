//! The subjects under test do the same work, or their figures could not be compared.

use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::{PAYLOAD_BYTES, fill, sized};
use prismq_bench::scenario::drain::{Drain, drain, run};
use prismq_bench::scenario::open::{OpenLoop, open_loop};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Work;

use crate::support::stage::{SUBJECTS, stage};

#[test]
fn a_backlog_is_drained() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let load = Drain { workers: 3, tasks: 250, payload_bytes: PAYLOAD_BYTES, work: Work::None };
        let drained = drain(&stage, &load).unwrap();
        assert_eq!(drained.faults, Vec::<String>::new(), "{subject:?}");
        assert_eq!((drained.audit.completed, drained.errors()), (250, 0), "{subject:?}");
        assert_eq!(drained.pool.per_worker.iter().sum::<u64>(), 250, "{subject:?}");
        assert!(drained.tasks_per_s() > 0.0 && drained.enqueued_per_s() > 0.0);
    }
}

/// As `PRISMQ_BENCH_DIR` may name a link to another disk.
#[cfg(unix)]
#[test]
fn a_backlog_is_drained_in_a_linked_folder() {
    for subject in SUBJECTS {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::fs::create_dir(directory.path().join("disk")).unwrap();
        std::os::unix::fs::symlink("disk", &link).unwrap();
        let stage = Stage::new(subject, BenchDir::at(link.join("db")), Scale::Trial);
        let load = Drain { workers: 1, tasks: 20, payload_bytes: PAYLOAD_BYTES, work: Work::None };
        let drained = drain(&stage, &load).unwrap();
        assert_eq!((drained.audit.completed, drained.errors()), (20, 0), "{subject:?}");
    }
}

/// A yardstick that rewrites payloads which prismq does not would be beaten by that alone.
#[test]
fn large_payloads_are_stored_out_of_line_and_removed() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let database = stage.database(1).unwrap();
        let rows = |sql: &str| -> i64 {
            let connection = rusqlite::Connection::open(database.path()).unwrap();
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let large = sized("large", 3, 16 * 1024);
        fill(database.subject(), &large, large.len()).unwrap();
        let out_of_line = "SELECT count(*) FROM prismq_task JOIN prismq_payload ON prismq_payload.task = prismq_task.id
                           WHERE prismq_task.payload IS NULL AND length(data) = 16384";
        assert_eq!(rows(out_of_line), 3, "{subject:?}");
    }
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let load = Drain { workers: 2, tasks: 20, payload_bytes: 16 * 1024, work: Work::None };
        let database = stage.database(2).unwrap();
        let drained = run(database.subject(), &load).unwrap();
        // A handler that is given other bytes fails its task.
        assert_eq!((drained.audit.completed, drained.errors()), (20, 0), "{subject:?}");
        let connection = rusqlite::Connection::open(database.path()).unwrap();
        let left =
            connection.query_row("SELECT count(*) FROM prismq_payload", [], |row| row.get(0));
        assert_eq!(left, Ok(0_i64), "{subject:?}");
    }
}

#[test]
fn arriving_tasks_are_completed() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let load = OpenLoop {
            workers: 2,
            generators: 3,
            tasks: 30,
            warm_up: 6,
            settle: 0,
            interval: Duration::from_millis(5),
            arrivals: ArrivalProcess::Poisson { seed: 1 },
            work: Work::None,
        };
        let offered = open_loop(&stage, &load).unwrap();
        assert_eq!(offered.audit.completed, 36, "{subject:?}");
        // The warm-up is done and not measured.
        let latencies = &offered.latencies;
        for histogram in [&latencies.end_to_end, &latencies.wait, &latencies.publish] {
            assert_eq!(histogram.len(), 30, "{subject:?}");
        }
        // A completion cannot be known before the call that enqueued it was made.
        assert!(latencies.end_to_end.max() >= latencies.schedule_lag.min());
    }
}

#[test]
fn settings_are_read_back_with_full_durability() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let settings = stage.database(1).unwrap().subject().settings().unwrap();
        let value = |name: &str| {
            settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        assert_eq!(value("synchronous").as_deref(), Some("2"), "{subject:?}");
        assert_eq!(value("journal_mode").as_deref(), Some("wal"), "{subject:?}");
        assert!(value("sqlite_version").is_some(), "{subject:?}");
    }
}
