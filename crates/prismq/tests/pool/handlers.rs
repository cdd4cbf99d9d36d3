use std::time::Duration;

use prismq::{NewTask, WorkerPool};

use crate::support::{Fixture, wait_until};

#[test]
fn types_without_a_handler_are_left_alone() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&NewTask::new("other", []).priority(0)).unwrap();
    fixture.enqueue("mine");
    let pool =
        WorkerPool::builder(&fixture.queue).workers(2).handler("job", |_| Ok(())).start().unwrap();
    wait_until(|| fixture.queue.stats("default").unwrap().completed == 1);
    pool.shutdown(Duration::from_secs(60));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (1, 0));
}
