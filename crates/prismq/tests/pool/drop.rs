use std::sync::mpsc::channel;

use prismq::WorkerPool;

use crate::support::Fixture;

#[test]
fn dropping_a_pool_shuts_it_down() {
    let fixture = Fixture::new();
    fixture.enqueue("last");
    let (begun, begins) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", move |_| {
            begun.send(()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    begins.recv().unwrap();
    drop(pool);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.leased), (1, 0));
    fixture.enqueue("for nobody");
    assert_eq!(fixture.claimed(1), ["for nobody"]);
}
