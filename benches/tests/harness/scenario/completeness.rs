//! What an experiment counts must be what the subject did, for every subject.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::reference::switch::switches;
use prismq_bench::reference::{Turns, disk, raw};
use prismq_bench::scenario::backlog::{BATCH, Backlog};
use prismq_bench::scenario::cost::claim::{BacklogKind, fill, fill_with_keys};
use prismq_bench::scenario::cost::feature::{Feature, side_by_side};
use prismq_bench::scenario::drain::Drain;
use prismq_bench::scenario::drain::overhead::bare_drain;
use prismq_bench::scenario::drain::pipeline::{Pipeline, pipeline};
use prismq_bench::scenario::enqueue::{Enqueue, enqueue};
use prismq_bench::scenario::idle::idle;
use prismq_bench::scenario::open::surge::{Surge, surge};
use prismq_bench::scenario::wake::{From, wake};
use prismq_bench::subject::SubjectKind;
use prismq_bench::subject::Work;

use crate::support::stage::{SUBJECTS, stage};

const NONE: Vec<String> = Vec::new();

#[test]
fn callers_enqueue_all_they_are_given() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let enqueued = enqueue(&stage, Enqueue { callers: 3, tasks: 50 }).unwrap();
        assert_eq!((enqueued.tasks, enqueued.faults), (50, NONE), "{subject:?}");
    }
}

#[test]
fn a_pipeline_completes_what_its_producers_enqueue() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let load = Pipeline { producers: 2, workers: 2, batch: 7, tasks: 61, work: Work::None };
        let through = pipeline(&stage, &load).unwrap();
        assert_eq!((through.audit.completed, through.faults), (61, NONE), "{subject:?}");
    }
}

#[test]
fn a_backlog_is_drained_while_more_arrive() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let load = Surge {
            backlog: 40,
            workers: 2,
            generators: 2,
            arriving: 20,
            interval: Duration::from_millis(1),
            arrivals: ArrivalProcess::Constant,
            work: Work::None,
        };
        let subsided = surge(&stage, &load).unwrap();
        assert_eq!((subsided.audit.completed, subsided.audit.lost), (60, 0), "{subject:?}");
        let arrived = subsided.latencies.end_to_end.len() + subsided.afterwards.len();
        assert_eq!(arrived, 20, "{subject:?}");
        assert!(subsided.completed_meanwhile >= 40, "{subject:?}");
    }
}

#[test]
fn a_bare_drain_completes_its_backlog() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let load = Drain { workers: 2, tasks: 70, payload_bytes: PAYLOAD_BYTES, work: Work::None };
        let took = bare_drain(&stage, &load).unwrap();
        assert!(took.time > Duration::ZERO && took.processor > Duration::ZERO, "{subject:?}");
    }
}

#[test]
fn every_task_wakes_a_handler() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let woken = wake(&stage, 2, 5, From::Here).unwrap();
        assert_eq!((woken.wake.len(), woken.faults), (5, NONE), "{subject:?}");
        assert_eq!((woken.started.len(), woken.publish.len()), (5, 5), "{subject:?}");
    }
}

#[test]
fn only_a_subject_that_polls_writes_while_idle() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let idled = idle(&stage, 2, Duration::from_millis(100), Duration::from_millis(50)).unwrap();
        assert_eq!(idled.faults, NONE, "{subject:?}");
        let writes = idled.counted.write_transactions > 0;
        assert_eq!(writes, subject != SubjectKind::Prismq, "{subject:?}");
    }
}

#[test]
fn a_backlog_grows_by_what_is_added() {
    for subject in SUBJECTS {
        let (_directory, stage) = stage(subject).unwrap();
        let mut backlog = Backlog::open(&stage).unwrap();
        backlog.grow(2 * BATCH).unwrap();
        assert_eq!((backlog.tasks(), backlog.claim(7).unwrap()), (2 * BATCH, 7), "{subject:?}");
    }
}

#[test]
fn a_claim_finds_its_task_in_any_backlog() {
    let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
    for kind in BacklogKind::ALL {
        let filled = fill(&stage, kind, 1_000).unwrap();
        filled.claim().unwrap();
        filled.claim().unwrap();
    }
}

#[test]
fn a_claim_finds_tasks_of_one_key_and_of_many() {
    let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
    for keys in [1, 100] {
        let filled = fill_with_keys(&stage, keys).unwrap();
        filled.claim().unwrap();
        filled.claim().unwrap();
    }
}

#[test]
fn every_operation_with_a_feature_and_without_takes_effect() {
    let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
    for feature in Feature::ALL {
        // More than a turn, and no multiple of one.
        let sides = side_by_side(&stage, feature, 61, &mut Turns::default()).unwrap();
        assert!(sides.with > Duration::ZERO && sides.plain > Duration::ZERO, "{feature:?}");
    }
}

#[test]
fn every_reference_ends() {
    let (_directory, stage) = stage(SubjectKind::Prismq).unwrap();
    let dir = stage.bench_dir();
    assert_eq!(disk::appends(dir, 3).unwrap().len(), 3);
    for floor in [raw::enqueue, raw::claim_and_complete, raw::life] {
        // Neither a multiple of what a transaction holds nor less than that.
        assert!(floor(dir, 1_234, 100).unwrap() > Duration::ZERO);
        // And with payloads that are stored out of line.
        assert!(floor(dir, 1_234, 2_000).unwrap() > Duration::ZERO);
    }
    assert_eq!(disk::distribution(dir, 3).unwrap().len(), 3);
    assert_eq!(switches(3, Duration::from_millis(1)).unwrap().len(), 3);
}
