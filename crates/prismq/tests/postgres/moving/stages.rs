//! A migration that fails at each of its steps, and is begun again each time.

use prismq::postgres::{cancel_migration, migrate};
use prismq::{Error, MigrationError, Queue};
use prismq_cluster::Cluster;

use super::{limited, migrating};
use crate::support::{cluster, file, queue, url};

/// What the server refuses to write, one after the other.
const STEPS: [&str; 19] = [
    "INSERT ON prismq.migration",
    "INSERT ON prismq.queue",
    "INSERT ON prismq.limits",
    "INSERT ON prismq.lane",
    "INSERT ON prismq.key",
    "INSERT ON prismq.line",
    "INSERT ON prismq.schedule",
    "INSERT ON prismq.retry",
    "INSERT ON prismq.type_retention",
    "INSERT ON prismq.task",
    "INSERT ON prismq.attempt",
    "INSERT ON prismq.note",
    "INSERT ON prismq.log",
    "INSERT ON prismq.unique_key",
    // The file is given up by now.
    "INSERT ON prismq.ready",
    "INSERT ON prismq.ended",
    "INSERT ON prismq.turn",
    "UPDATE ON prismq.counter",
    COMPLETE,
];
const COMPLETE: &str = "UPDATE OF complete ON prismq.migration";
/// The first step after which the queue may be in use on the server, so that the file stays refused.
const FIRST_GIVEN_UP: &str = "INSERT ON prismq.ready";

fn refuse(cluster: &Cluster, step: &str) {
    let trigger =
        format!("CREATE TRIGGER fail BEFORE {step} FOR EACH ROW EXECUTE FUNCTION public.fail()");
    cluster.sql("postgres", &[&trigger]).unwrap();
}

pub(crate) fn one_that_fails_at_each_step_moves_all_of_it() {
    let cluster = cluster(&[]);
    let (_folder, path) = file();
    let source = Queue::open(&path).unwrap();
    let mut ids = migrating::fill(&source);
    ids.extend(limited::fill(&source));
    let (before, tasks) = (limited::settings(&source), limited::shown(&source, &ids));
    drop(source);
    let url = url(&cluster);
    drop(queue(&url));
    let function = "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'";
    cluster.sql("postgres", &[function]).unwrap();
    let mut is_given_up = false;
    for step in STEPS {
        is_given_up |= step == FIRST_GIVEN_UP;
        refuse(&cluster, step);
        let error = migrate(&path, &url).unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{step}: {error}");
        let table = step.split(' ').next_back().unwrap();
        cluster.sql("postgres", &[&format!("DROP TRIGGER fail ON {table}")]).unwrap();
        let error = Queue::open(&path).unwrap_err();
        let Error::Migration { reason } = &error else { panic!("{step}: {error}") };
        match is_given_up {
            true => assert!(matches!(reason, MigrationError::Moved { .. }), "{step}: {error}"),
            false => {
                assert!(matches!(reason, MigrationError::InProgress { .. }), "{step}: {error}");
            }
        }
        // Nothing is there yet if not even its beginning could be recorded.
        assert_eq!(Queue::connect(&url).is_ok(), step == STEPS[0], "{step}");
    }
    cancel_migration(&path).unwrap_err();
    let report = migrate(&path, &url).unwrap();
    assert_eq!((report.tasks, report.resumed), (ids.len() as u64, true));
    let target = queue(&url);
    assert_eq!(limited::settings(&target), before);
    let tasks: Vec<String> = tasks.iter().map(|task| stored(task)).collect();
    assert_eq!(limited::shown(&target, &ids), tasks);
    // The same again finds it done.
    assert_eq!(migrate(&path, &url).unwrap().tasks, ids.len() as u64);
    assert_eq!(limited::settings(&target), before);
}

/// The text as a server stores it.
fn stored(text: &str) -> String {
    text.replace("\\0", "\u{fffd}")
}
