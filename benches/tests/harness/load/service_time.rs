//! The efficiency of workers whose handlers take time, by the runs of the handlers.

use std::time::Duration;

use prismq_bench::base::clock::Time;
use prismq_bench::load::service_time::{Kind, ServiceTime, efficiency_percent};
use prismq_bench::subject::Run;

const MS: Duration = Duration::from_millis(1);

/// A handler that worked all the time between two milliseconds.
fn span(from: u32, to: u32) -> Run {
    worked(from, to, to - from)
}

/// A handler that worked for some of the time between two milliseconds.
fn worked(from: u32, to: u32, worked: u32) -> Run {
    let at = |ms: u32| Time::default() + ms * MS;
    Run { id: 0, started: at(from), ended: at(to), worked: worked * MS }
}

/// So many handlers of 10 ms one after the other, with a gap before each.
fn worker(count: u32, gap: u32) -> Vec<Run> {
    (0..count).map(|index| index * (10 + gap)).map(|from| span(from, from + 10)).collect()
}

fn is(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
}

#[test]
fn workers_that_always_work_have_full_efficiency() {
    let spans = [worker(50, 0), worker(50, 0)].concat();
    is(efficiency_percent(&spans, 2, 2), 100.0);
}

#[test]
fn workers_that_wait_as_long_as_they_work_have_half_of_it() {
    let spans = [worker(50, 10), worker(50, 10)].concat();
    is(efficiency_percent(&spans, 2, 2), 50.0);
    // A worker that never works counts like one that waits.
    is(efficiency_percent(&worker(50, 0), 2, 2), 50.0);
}

#[test]
fn neither_the_start_nor_the_end_of_the_work_counts() {
    let mut spans = [worker(50, 0), worker(50, 0)].concat();
    // The first of all came a second before the others, and the last takes ten times as long.
    for span in &mut spans {
        span.started = span.started + Duration::from_secs(1);
        span.ended = span.ended + Duration::from_secs(1);
    }
    spans.push(span(0, 10));
    spans.push(span(1490, 1590));
    let found = efficiency_percent(&spans, 2, 2).unwrap();
    assert!(found > 99.0 && found <= 101.0, "{found}");
}

#[test]
fn of_a_handler_across_a_cut_the_part_inside_counts() {
    // The state lasts from 10 to 30 ms: half of the first, all of the second.
    let spans = [span(0, 20), span(10, 20), span(30, 40)];
    is(efficiency_percent(&spans, 1, 1), 100.0);
    let idle = [span(0, 15), span(10, 15), span(30, 40)];
    is(efficiency_percent(&idle, 1, 1), 50.0);
}

#[test]
fn computing_is_compared_with_the_cores_it_can_have() {
    assert_eq!((Kind::Sleeping.slots(10, 2), Kind::Computing.slots(10, 2)), (10, 2));
    assert_eq!(Kind::Computing.slots(1, 2), 1);
    // Ten workers on two cores, each computing a fifth of the time.
    let shared = |from| worked(from, from + 50, 10);
    let spans: Vec<Run> = (0..20).flat_map(|turn| [shared(50 * turn); 10]).collect();
    is(efficiency_percent(&spans, 10, 2), 100.0);
}

#[test]
fn too_few_handlers_have_no_steady_state() {
    assert_eq!(efficiency_percent(&[], 1, 1), None);
    assert_eq!(efficiency_percent(&[span(0, 10)], 1, 1), None);
    assert_eq!(efficiency_percent(&[span(0, 10), span(10, 20)], 1, 1), None);
}

#[test]
fn one_in_twenty_of_a_mix_takes_long() {
    let mix = ServiceTime { kind: Kind::Sleeping, time: MS, long: Some(50 * MS) };
    assert_eq!((0..1000).filter(|number| mix.time_of(*number) > MS).count(), 50);
    assert_eq!(mix.mean(), (19 * MS + 50 * MS) / 20);
}
