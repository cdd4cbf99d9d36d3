//! Handlers and callers that are futures do the same work as threads.

use std::time::Duration;

use prismq_bench::scenario::asynchronous::{By, enqueue, wait};
use prismq_bench::subject::SubjectKind;

use crate::support::stage::stage;

const TASKS: usize = 60;

#[test]
fn every_task_is_run_once_by_futures_and_by_threads() {
    let (_folder, on) = stage(SubjectKind::Prismq).unwrap();
    for by in [By::Futures, By::Threads] {
        let waited = wait(&on, by, 20, TASKS, Duration::from_millis(1)).unwrap();
        let mut ids: Vec<i64> = waited.runs.iter().map(|run| run.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), waited.runs.len()), (TASKS, TASKS), "{by:?}");
        assert!(waited.runs.iter().all(|run| run.worked >= Duration::from_millis(1)), "{by:?}");
    }
}

#[test]
fn futures_and_threads_enqueue_all_tasks() {
    let (_folder, on) = stage(SubjectKind::Prismq).unwrap();
    for by in [By::Futures, By::Threads] {
        assert!(enqueue(&on, by, 4, TASKS).unwrap() > Duration::ZERO, "{by:?}");
    }
}
