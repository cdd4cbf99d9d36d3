//! The stages of a task: they follow each other without a gap and sum to its whole time.

use std::time::Duration;

use prismq_bench::base::clock::now;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::observe::task_times::{Latencies, TaskTrace};
use prismq_bench::subject::{Arrival, Run, Work};

use crate::support::fake::Misdeed;
use crate::support::theory::offer;

/// A task by the milliseconds of its events: intended, called, known to be committed, begun, ended,
/// completed.
fn life(at: [u64; 6]) -> TaskTrace {
    let origin = now();
    let [intended, called, committed, started, ended, completed] =
        at.map(|ms| origin + Duration::from_millis(ms));
    TaskTrace {
        arrival: Arrival { number: 0, id: 1, intended, free: intended, called, committed },
        run: Some(Run { id: 1, started, ended, worked: ended.since(started) }),
        completed: Some(completed),
    }
}

#[test]
fn each_stage_begins_where_the_one_before_ends() {
    let stages = life([0, 1, 3, 7, 12, 20]).stages().unwrap();
    let ms = [stages.lag, stages.publish, stages.wait, stages.handler, stages.settle]
        .map(|stage| stage.as_millis());
    assert_eq!(ms, [1, 2, 4, 5, 8]);
    assert_eq!(stages.sum(), Duration::from_millis(20));
}

#[test]
fn a_handler_that_begins_before_the_caller_knows_ends_the_publishing() {
    let life = life([0, 1, 9, 2, 3, 4]);
    let stages = life.stages().unwrap();
    assert_eq!((stages.publish.as_millis(), stages.wait.as_millis()), (1, 0));
    assert_eq!(Some(stages.sum()), life.end_to_end());
    let latencies = Latencies::of([&life]).unwrap();
    // What the caller waits for is all of its call.
    assert!(latencies.publish.max() >= 8_000_000 && latencies.stage_publish.max() < 2_000_000);
    assert_eq!((latencies.begun_before_known, latencies.imbalance()), (1, None));
}

#[test]
fn an_event_before_the_one_it_follows_is_a_fault() {
    // Completed before the handler had ended.
    let latencies = Latencies::of([&life([0, 1, 2, 3, 9, 5]), &life([0, 1, 2, 3, 4, 5])]).unwrap();
    let fault = latencies.imbalance().unwrap();
    assert!(fault.starts_with("the stages of 1 of 2 tasks do not sum"), "{fault}");
}

#[test]
fn the_means_of_stages_sum_to_the_mean_latency() {
    let work = Work::sleep(Duration::from_millis(3));
    let arrivals = ArrivalProcess::Poisson { seed: 7 };
    let load = offer(Misdeed::None, arrivals, Duration::from_millis(4), 2_000, work);
    let of = &load.latencies;
    let stages = [&of.schedule_lag, &of.stage_publish, &of.wait, &of.service, &of.settle];
    let sum: f64 = stages.iter().map(|stage| stage.mean()).sum();
    assert!((sum / of.end_to_end.mean() - 1.0).abs() < 0.001, "{sum} of {}", of.end_to_end.mean());
    assert!(of.wait.mean() > 1e6, "tasks that wait for no one show nothing");
}
