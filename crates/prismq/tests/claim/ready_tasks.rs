use std::time::Duration;

use crate::support::{Fixture, task};

#[test]
fn a_delayed_task_never_stands_before_a_ready_one() {
    let fixture = Fixture::new();
    let delayed = task("delayed").priority(0).delay(Duration::from_secs(1));
    fixture.queue.enqueue(&delayed).unwrap();
    fixture.enqueue("ready");
    assert_eq!(fixture.claimed(10), ["ready"]);
}
