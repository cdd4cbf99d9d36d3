//! A fork shares descriptors with its parent, but neither locks nor threads.
//!
//! Failure mode: process: forked with queues and pools open | `Forked`; nothing is closed, no thread is waited for

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use prismq::{Claim, Error, NewTask, Queue, WorkerPool};
use prismq_faults::{Scratch, in_a_fork};

use crate::support::{FILE, sound, wait_until};

const FORKED: u8 = 7;

fn forked<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Forked { .. }))
}

#[test]
fn a_fork_can_use_no_queue_of_its_parent() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let queue = Queue::open(&path).unwrap();
    queue.enqueue(NewTask::new("job", [1])).unwrap();
    let mut inherited = Some(queue.clone());
    let other = folder.file("other.db");
    let status = in_a_fork(|| {
        let refused = forked(&queue.enqueue(NewTask::new("job", [2])))
            && forked(&queue.claim(&Claim::new(["job"])))
            && forked(&queue.stats("default"))
            && forked(&queue.settings())
            && forked(&Queue::open(&path))
            && forked(&Queue::open(&other));
        // It closes nothing, and waits for no thread.
        drop(inherited.take());
        if refused { FORKED } else { 1 }
    });
    assert_eq!(status.unwrap(), i32::from(FORKED));
    let lease = queue.claim(&Claim::new(["job"])).unwrap().pop().unwrap();
    queue.complete(&lease).unwrap();
    drop((queue, inherited));
    assert_eq!(sound(&path).tasks, []);
}

/// The thread that would answer it is the parent's alone.
#[test]
fn a_future_of_the_parent_is_refused_in_a_fork_and_answered_in_the_parent() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let queue = Queue::open(&path).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut submitted = pin!(queue.enqueue_async(NewTask::new("job", [1])));
    let first = submitted.as_mut().poll(&mut context);
    let status = in_a_fork(|| {
        let task = NewTask::new("job", [2]);
        let mut context = Context::from_waker(Waker::noop());
        let mut refused = |mut future: Pin<&mut dyn Future<Output = Result<_, Error>>>| matches!(future.as_mut().poll(&mut context), Poll::Ready(answer) if forked(&answer));
        let all_refused = (first.is_ready() || refused(submitted.as_mut()))
            && refused(pin!(queue.enqueue_async(&task)))
            && refused(pin!(queue.blocking(|queue| queue.enqueue(NewTask::new("job", [3])))));
        if all_refused { FORKED } else { 1 }
    });
    assert_eq!(status.unwrap(), i32::from(FORKED));
    let mut answer = first;
    wait_until("the parent's future resolves", || {
        if answer.is_pending() {
            answer = submitted.as_mut().poll(&mut context);
        }
        answer.is_ready()
    });
    assert!(matches!(answer, Poll::Ready(Ok(_))), "{answer:?}");
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}

/// Its threads are the parent's alone: there is nothing to wait for, and the parent's pool goes on.
#[test]
fn a_fork_can_drop_or_shut_down_a_pool_of_its_parent() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let queue = Queue::open(&path).unwrap();
    let pool = || {
        WorkerPool::builder(&queue).workers(2).handle_bytes("job", |_, _| Ok(())).start().unwrap()
    };
    let (mut dropped, mut shut_down) = (Some(pool()), Some(pool()));
    let status = in_a_fork(|| {
        drop(dropped.take());
        let report = shut_down.take().map(|pool| pool.shutdown(Duration::MAX));
        let error = report.and_then(|report| report.error);
        if matches!(error, Some(Error::Forked { .. })) { FORKED } else { 1 }
    });
    assert_eq!(status.unwrap(), i32::from(FORKED));
    queue.enqueue(NewTask::new("job", [1])).unwrap();
    wait_until("the parent's pool completes the task", || {
        queue.stats("default").unwrap().completed == 1
    });
    drop((dropped, shut_down, queue));
    assert_eq!(sound(&path).tasks, []);
}
