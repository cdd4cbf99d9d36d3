//! The example `periodic`, on two handles as two processes have them.

#[path = "../../examples/periodic.rs"]
mod periodic;

use std::sync::Mutex;
use std::time::Duration;

use prismq::Clock as _;

use crate::support::{Fixture, wait_until};

static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn printed() -> Vec<String> {
    PRINTED.lock().unwrap().clone()
}

#[test]
fn of_two_processes_one_writes_the_report_of_each_night() {
    let fixture = Fixture::new();
    let another = fixture.another_handle();
    let print = |line| PRINTED.lock().unwrap().push(line);
    let pools = [&fixture.queue, &another].map(|queue| periodic::serve(queue, print).unwrap());
    let task = another.schedules().run_now("nightly").unwrap().unwrap();
    wait_until!(fixture.queue.task(task).unwrap().is_none());
    let at_once = format!("report of the night of {}", fixture.clock.now());
    assert_eq!(printed(), [at_once]);
    for night in 1..=3 {
        let next = fixture.queue.schedules().list().unwrap()[0].next_run.unwrap();
        fixture.clock.set(next);
        wait_until!(
            printed().len() == 1 + night && fixture.queue.stats("default").unwrap().leased == 0
        );
        assert_eq!(printed()[night], format!("report of the night of 1970-01-0{night}T01:30:00Z"));
        fixture.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 4);
    drop(pools);
}
