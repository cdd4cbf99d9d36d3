use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq::{Outcome, WorkerPool};

use crate::support::{Fixture, task, wait_until};

#[test]
fn a_pool_completes_every_task_once() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let mut ids = queue.enqueue_all(&vec![task("before"); 500]).unwrap();
    let runs: Arc<Mutex<HashMap<_, u32>>> = Arc::default();
    let completed = Arc::new(Mutex::new(Vec::new()));
    let (counted, told) = (runs.clone(), completed.clone());
    let pool = WorkerPool::builder(queue)
        .workers(8)
        .prefetch(50)
        .handler("job", move |task| {
            *counted.lock().unwrap().entry(task.id()).or_default() += 1;
            Ok(())
        })
        .on_event(move |event| {
            assert_eq!(event.outcome, Outcome::Completed);
            told.lock().unwrap().push(event.id);
        })
        .start()
        .unwrap();
    for _ in 0..500 {
        ids.push(fixture.enqueue("while it runs"));
    }
    wait_until(|| queue.stats("default").unwrap().completed == 1000);
    let report = pool.shutdown(Duration::from_secs(60));

    assert_eq!(report.stats.completed, 1000);
    assert_eq!(report.stats.per_worker.iter().sum::<u64>(), 1000);
    assert!(report.abandoned.is_empty() && report.error.is_none());
    let runs = runs.lock().unwrap();
    assert_eq!(runs.len(), 1000);
    assert!(runs.values().all(|count| *count == 1));
    let mut completed = completed.lock().unwrap().clone();
    completed.sort();
    assert_eq!(completed, ids);
}
