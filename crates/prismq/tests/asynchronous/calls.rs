//! Each call as a future does what it does when it blocks.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use prismq::{Claim, Error, NewTask, Queue, State, TaskError};

use crate::support::{Fixture, block_on, claim, join, receive, task, text};

#[test]
fn a_task_is_enqueued_claimed_and_settled_without_blocking() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    block_on(async {
        let first = queue.enqueue_async(task("first")).await?;
        let others = queue.enqueue_all_async([task("second"), task("third")]).await?;
        assert!(queue.enqueue_all_async([] as [NewTask; 0]).await?.is_empty());
        let leases = queue.claim_async(&claim().max(10)).await?;
        assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["first", "second", "third"]);
        assert_eq!((leases[0].id(), leases[1].id()), (first.id(), others[0].id()));
        assert!(queue.claim_async(&claim()).await?.is_empty());

        let extended = queue.extend_async(&leases[0], Duration::from_secs(600)).await?;
        assert!(extended > leases[0].expires_at());
        queue.complete_async(&leases[0]).await?;
        let state = queue.fail_async(&leases[1], TaskError::permanent("no use")).await?;
        assert_eq!(state, State::Dead);
        queue.release_async(&leases[2]).await?;
        let lost = queue.complete_async(&leases[0]).await;
        assert!(matches!(lost, Err(Error::LeaseLost { .. })), "{lost:?}");
        Ok::<_, Error>(())
    })
    .unwrap();
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.dead, stats.ready), (1, 1, 1));
}

#[test]
fn arguments_outside_their_bounds_are_refused_by_the_future() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    fixture.enqueue("one");
    let lease = fixture.claim_one();
    let long = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    block_on(async {
        let refused = [
            queue.enqueue_async(NewTask::new("", [])).await.err(),
            queue.claim_async(&Claim::new(["job"]).max(0)).await.err(),
            queue.extend_async(&lease, long).await.err(),
            queue.fail_async(&lease, TaskError::new("late").retry_after(long)).await.err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(Error::InvalidInput { .. })), "{error:?}");
        }
        queue.complete_async(&lease).await.unwrap();
    });
}

#[test]
fn a_claim_reads_payloads_that_are_stored_out_of_line() {
    let fixture = Fixture::new();
    let large = "x".repeat(1 << 20);
    fixture.enqueue(&large);
    let leases = block_on(fixture.queue.claim_async(&claim())).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), [large]);
}

#[test]
fn futures_and_blocking_callers_share_a_queue() {
    const EACH: usize = 200;
    let fixture = Fixture::new();
    let (done, answers) = channel();
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (queue, done): (Queue, _) = (fixture.queue.clone(), done.clone());
            thread::spawn(move || {
                for _ in 0..EACH {
                    let task = task("work");
                    let id = match caller % 2 {
                        0 => queue.enqueue(&task),
                        _ => block_on(queue.enqueue_async(&task)),
                    };
                    done.send(id.unwrap().id()).unwrap();
                }
            })
        })
        .collect();
    let mut ids: Vec<_> = (0..4 * EACH).map(|_| receive(&answers, "an id")).collect();
    callers.into_iter().for_each(|caller| join(caller, "a caller"));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4 * EACH);
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 4 * EACH as u64);
}

#[test]
fn hundreds_of_futures_are_driven_by_one_thread() {
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ids = runtime.block_on(async {
        let tasks: Vec<_> = (0..500)
            .map(|_| {
                let queue = fixture.queue.clone();
                tokio::spawn(async move { queue.enqueue_async(task("work")).await.unwrap() })
            })
            .collect();
        let mut ids = Vec::new();
        for task in tasks {
            ids.push(task.await.unwrap());
        }
        ids
    });
    assert_eq!(ids.len(), 500);
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 500);
    assert!(fixture.queue.contention().write_transactions < 250, "they share transactions");
}
