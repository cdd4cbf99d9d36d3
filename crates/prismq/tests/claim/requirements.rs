//! Requirements of tasks and capabilities of workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prismq::WorkerPool;

use crate::support::{Fixture, claim, task, text, wait_until};

#[test]
fn a_task_is_claimed_only_with_all_required_capabilities() {
    let fixture = Fixture::new();
    let requires = |payload: &str, names: &[&str]| {
        fixture.queue.enqueue(task(payload).requires(names.iter().copied())).unwrap().id()
    };
    requires("gpu and eu", &["gpu", "eu", "gpu"]);
    requires("eu", &["eu"]);
    let plain = requires("plain", &[]);
    requires("mars", &["mars"]);
    let claimed = |capabilities: &[&str]| {
        let claim = claim().max(9).capabilities(capabilities.iter().copied());
        let leases = fixture.queue.claim(&claim).unwrap();
        let texts: Vec<String> = leases.iter().map(text).collect();
        leases.iter().for_each(|lease| fixture.queue.release(lease).unwrap());
        texts
    };
    assert_eq!(claimed(&[]), ["plain"]);
    assert_eq!(claimed(&["gpu"]), ["plain"]);
    assert_eq!(claimed(&["eu"]), ["eu", "plain"]);
    assert_eq!(claimed(&["eu", "gpu", "spare"]), ["gpu and eu", "eu", "plain"]);
    let first = fixture.queue.task(prismq::TaskId::from_i64(plain.as_i64() - 2)).unwrap().unwrap();
    assert_eq!(first.requirements, ["eu", "gpu"]);
}

#[test]
fn a_requirement_first_named_by_another_handle_is_respected() {
    let fixture = Fixture::new();
    fixture.enqueue("plain");
    assert_eq!(fixture.claimed(9), ["plain"]);
    fixture.another_handle().enqueue(task("gpu").requires(["gpu"])).unwrap();
    assert_eq!(fixture.claimed(9), Vec::<String>::new());
    let with_gpu = claim().capabilities(["gpu"]);
    assert_eq!(fixture.queue.claim(&with_gpu).unwrap().len(), 1);
}

#[test]
fn a_pool_runs_only_tasks_its_capabilities_satisfy() {
    let fixture = Fixture::new();
    let done = Arc::new(AtomicUsize::new(0));
    let ran = done.clone();
    let pool = WorkerPool::builder(&fixture.queue)
        .capabilities(["gpu"])
        .handle_bytes("job", move |_, _| {
            ran.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
        .start()
        .unwrap();
    let never = fixture.queue.enqueue(task("b").requires(["mars"])).unwrap().id();
    fixture.queue.enqueue(task("a").requires(["gpu"])).unwrap();
    wait_until!(done.load(Ordering::SeqCst) == 1);
    drop(pool);
    let left = fixture.queue.task(never).unwrap().unwrap();
    assert_eq!((left.state, left.attempt), (prismq::State::Ready, 0));
}
