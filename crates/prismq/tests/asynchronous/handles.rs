//! Handles of tasks, awaited: by an executor of the test's, and in a Tokio runtime.

use prismq::{CancelOutcome, Ending, Error, State, TaskError, WorkerPool};

use crate::support::{DEADLINE, Fixture, block_on, poll_once, task};

/// Its output is the square; none of zero.
#[derive(prismq::Task, serde::Serialize, serde::Deserialize)]
#[task(output = u64)]
struct Square {
    of: u64,
}

fn pool(fixture: &Fixture) -> WorkerPool {
    WorkerPool::builder(&fixture.queue)
        .handle(|task: Square, _| match task.of {
            0 => Err(TaskError::permanent("zero")),
            of => Ok(of * of),
        })
        .start()
        .unwrap()
}

#[test]
fn a_wait_resolves_with_the_output_of_the_task() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let (square, zero) = block_on(async {
        let square = fixture.queue.enqueue_async(Square { of: 3 }).await?;
        assert_eq!(square.result_async().await?, None, "it has not ended");
        assert_eq!(square.info_async().await?.unwrap().state, State::Ready);
        let zero = fixture.queue.enqueue_async(Square { of: 0 }).await?;
        Ok::<_, Error>((square, zero))
    })
    .unwrap();
    let _pool = pool(&fixture);
    block_on(async {
        let nine = Ending::Completed(Some(9));
        assert_eq!(square.wait_async().await?, nine);
        assert_eq!(square.result_async().await?, Some(nine));
        assert_eq!(square.cancel_async().await?, CancelOutcome::NotActive);
        assert_eq!(zero.wait_async().await?, Ending::Dead("zero".to_owned()));
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn a_wait_resolves_when_the_task_is_cancelled_or_another_handle_completes_it() {
    let fixture = Fixture::new();
    let first = fixture.queue.enqueue(task("first")).unwrap();
    let mut waits = Box::pin(first.wait_async());
    assert!(poll_once(waits.as_mut()).is_pending());
    assert_eq!(block_on(first.cancel_async()).unwrap(), CancelOutcome::Cancelled);
    assert_eq!(block_on(waits).unwrap(), Ending::NotKept);

    fixture.queue.set_history("default", 10).unwrap();
    let second = fixture.queue.enqueue(task("second")).unwrap();
    let mut waits = Box::pin(second.wait_async());
    assert!(poll_once(waits.as_mut()).is_pending());
    fixture.another_handle().complete_with(&fixture.claim_one(), *b"there").unwrap();
    assert_eq!(block_on(waits).unwrap(), Ending::Completed(Some(b"there".to_vec())));
    assert_eq!(block_on(second.info_async()).unwrap().unwrap().state, State::Completed);
}

#[test]
fn hundreds_of_waits_share_one_thread_of_a_runtime_and_occupy_none_of_the_queue() {
    const WAITS: u64 = 200;
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 1000).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut waits = Vec::new();
        for of in 1..=WAITS {
            let square = fixture.queue.enqueue_async(Square { of }).await.unwrap();
            waits.push(tokio::spawn(async move { square.wait_async().await.unwrap() }));
        }
        tokio::task::yield_now().await;
        // All wait; a call that needs a thread gets one.
        let ready = fixture.queue.blocking(|queue| queue.stats("default")).await.unwrap().ready;
        assert_eq!(ready, WAITS);
        let pool = pool(&fixture);
        for (wait, of) in waits.into_iter().zip(1..) {
            let ending = tokio::time::timeout(DEADLINE, wait).await.unwrap().unwrap();
            assert_eq!(ending, Ending::Completed(Some(of * of)));
        }
        pool.shutdown_async(DEADLINE).await
    });
}

#[test]
fn a_wait_may_be_dropped() {
    let fixture = Fixture::new();
    let handle = fixture.queue.enqueue(task("work")).unwrap();
    for _ in 0..3 {
        assert!(poll_once(handle.wait_async()).is_pending());
    }
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    assert_eq!(block_on(handle.wait_async()).unwrap(), Ending::NotKept);
}

/// Failure mode: file: moved while a future waits for a task | the future resolves with the error
#[test]
fn a_wait_resolves_with_the_error_once_the_file_cannot_be_used() {
    let fixture = Fixture::new();
    let handle = fixture.queue.enqueue(task("work")).unwrap();
    let mut waits = Box::pin(handle.wait_async());
    assert!(poll_once(waits.as_mut()).is_pending());
    let path = fixture.path();
    std::fs::rename(&path, path.with_extension("moved")).unwrap();
    let error = block_on(waits).unwrap_err();
    assert!(matches!(error, Error::Moved { .. }), "{error:?}");
}
