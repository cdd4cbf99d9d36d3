use std::time::Duration;

use prismq::WorkerPool;

use crate::support::{Fixture, wait_until};

#[test]
fn an_idle_pool_writes_nothing() {
    let fixture = Fixture::new();
    fixture.enqueue("one");
    let pool =
        WorkerPool::builder(&fixture.queue).workers(10).handler("job", |_| Ok(())).start().unwrap();
    wait_until(|| fixture.queue.stats("default").unwrap().completed == 1);
    // One transaction claimed it, one completed it, one enqueued it: looking for more takes none.
    pool.shutdown(Duration::from_secs(60));
    assert_eq!(fixture.queue.contention().write_transactions, 3);
}
