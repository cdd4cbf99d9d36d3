//! The queues and types of a file.

use std::time::Duration;

use prismq::{Keep, NewTask, Order, Retention};

use super::dead_in;
use crate::support::Fixture;

#[test]
fn queues_are_listed_with_their_settings_and_counters() {
    let fixture = Fixture::new();
    assert_eq!(fixture.queue.queues().unwrap(), []);
    let order = Order::Ageing { step: Duration::from_secs(3) };
    fixture.queue.set_order("second", order).unwrap();
    let keep = Retention {
        completed: Keep::last(5),
        cancelled: Keep::ALL,
        dead: Keep::last(7).for_at_most(Duration::from_secs(9)),
    };
    fixture.queue.set_retention("second", keep).unwrap();
    fixture.queue.pause("first").unwrap();
    fixture.queue.set_concurrency("first", Some(3)).unwrap();
    dead_in(&fixture, "second", "mail", "no");
    let [first, second] = fixture.queue.queues().unwrap().try_into().unwrap();
    assert_eq!(
        (first.name.as_str(), first.order, first.stats.paused),
        ("first", Order::Priority, true)
    );
    assert_eq!(first.retention, Retention::default());
    assert_eq!((first.concurrency, second.concurrency), (Some(3), None));
    assert_eq!((second.name.as_str(), second.order, second.stats.dead), ("second", order, 1));
    assert_eq!(second.retention, keep);
    assert_eq!(second.stats, fixture.queue.stats("second").unwrap());
}

#[test]
fn types_are_listed_by_queue_with_what_they_require() {
    let fixture = Fixture::new();
    for (queue, task_type, needs) in [
        ("b", "mail", vec![]),
        ("a", "render", vec!["gpu"]),
        ("a", "render", vec![]),
        ("b", "mail", vec![]),
    ] {
        fixture.queue.enqueue(NewTask::new(task_type, []).queue(queue).requires(needs)).unwrap();
    }
    let types = fixture.queue.types().unwrap();
    let types: Vec<_> = types
        .iter()
        .map(|of| (of.queue.as_str(), of.task_type.as_str(), of.requirements.join(",")))
        .collect();
    let expected = [("a", "render", ""), ("a", "render", "gpu"), ("b", "mail", "")];
    assert_eq!(types, expected.map(|(queue, of, needs)| (queue, of, needs.to_owned())));
}
