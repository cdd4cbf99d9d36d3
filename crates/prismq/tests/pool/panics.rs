use std::sync::mpsc::channel;

use prismq::{Outcome, WorkerPool};

use crate::support::Fixture;

#[test]
fn a_panic_fails_its_own_task_only() {
    let fixture = Fixture::new();
    let bad = fixture.enqueue("bad");
    let good = fixture.enqueue("good");
    let (events, told) = channel();
    let _pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handler("job", |task| {
            assert_ne!(task.payload(), b"bad", "this one is broken");
            Ok(())
        })
        .on_event(move |event| events.send((event.id, event.outcome)).unwrap())
        .start()
        .unwrap();
    assert_eq!(told.recv().unwrap(), (bad, Outcome::Retried));
    assert_eq!(told.recv().unwrap(), (good, Outcome::Completed));
    let error = fixture.queue.task(bad).unwrap().unwrap().error.unwrap();
    assert!(error.contains("panicked") && error.contains("this one is broken"), "{error}");
}
