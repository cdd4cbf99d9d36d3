//! Claims that are applied in parallel with what must be durable.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::model::{EngineNote, LeaseKey};

fn claim() -> Operation {
    Operation::Claim(Claim::new(["t"]))
}

fn complete() -> Operation {
    let (id, note) = (TaskId::from_i64(1), EngineNote::default());
    Operation::complete(LeaseKey { id, token: 1, limited: false, note })
}

fn parallel() -> Fixture {
    fixture_of(Duration::ZERO, true)
}

#[test]
fn a_claim_is_answered_while_an_enqueue_is_applied() {
    let fixture = parallel();
    let enqueue = fixture.caller(1);
    assert_eq!(fixture.next_group(), 1);
    let claims = fixture.caller_of(vec![claim(), claim()]);
    assert_eq!(fixture.next_group(), 2);
    fixture.claim_answers.send(Claimed::default()).unwrap();
    assert_eq!(claims.answers().len(), 2);
    fixture.answer(Ok(()));
    assert_eq!(enqueue.answers().len(), 1);
}

#[test]
fn claims_that_arrive_during_one_are_the_next_group_of_claims() {
    let fixture = parallel();
    let first = fixture.caller_of(vec![claim()]);
    fixture.next_group();
    let others = [2, 3].map(|claims| fixture.caller_of(vec![claim(); claims]));
    wait_for(fixture.committer.pending_claims.as_ref().unwrap(), 5);
    // What must be durable is not held up, nor a claim with it.
    let durable = fixture.caller_of(vec![complete(), claim()]);
    assert_eq!(fixture.next_group(), 2);
    fixture.answer(Ok(()));
    assert_eq!(durable.answers().len(), 2);
    for _ in 0..2 {
        fixture.claim_answers.send(Claimed::default()).unwrap();
    }
    assert_eq!(fixture.next_group(), 5);
    first.answers();
    assert_eq!(others.map(|caller| caller.answers().len()), [2, 3]);
}

#[test]
fn futures_claim_in_parallel_too() {
    let fixture = parallel();
    let threads = CommitThreads::new(fixture.committer.clone());
    threads.start().unwrap();
    let enqueue = fixture.caller(1);
    fixture.next_group();
    let mut claims = Box::pin(Submission::new(fixture.committer.clone(), vec![claim()]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(claims.as_mut().poll(&mut context).is_pending());
    assert_eq!(fixture.next_group(), 1);
    fixture.claim_answers.send(Claimed::default()).unwrap();
    let started = Instant::now();
    let answers = loop {
        match claims.as_mut().poll(&mut context) {
            Poll::Ready(answers) => break answers,
            Poll::Pending => assert!(started.elapsed() < PATIENCE, "the future is not answered"),
        }
        thread::yield_now();
    };
    assert_eq!(answers.len(), 1);
    fixture.answer(Ok(()));
    enqueue.answers();
}

#[test]
fn a_failed_sync_fails_later_claims() {
    let fixture = parallel();
    fixture.answer(Err(poisoned("a write failed")));
    fixture.submit(1);
    let later = fixture.caller_of(vec![claim()]).answers();
    let is_known =
        |error: &Error| matches!(error, Error::Poisoned { cause } if cause == "a write failed");
    assert!(matches!(later.as_slice(), [Err(error)] if is_known(error)), "{later:?}");
}

/// Else a pool would wait for its next poll, as the claim may have looked before the end of the lease.
#[test]
fn a_claim_that_found_no_slot_while_a_lease_ended_brings_work() {
    let fixture = parallel();
    let pool = idle_pool(&fixture, 0);
    let no_slot = || fixture.claim_answers.send(Claimed { no_slot: true, ..Claimed::default() });
    let claims = fixture.caller_of(vec![claim()]);
    fixture.next_group();
    fixture.answer(Ok(()));
    fixture.caller_of(vec![complete()]).answers();
    assert_eq!(pool.take_arrivals(), 0, "nobody has looked for a slot");
    no_slot().unwrap();
    claims.answers();
    assert_eq!(pool.take_arrivals(), 1);

    fixture.next_group();
    let claims = fixture.caller_of(vec![claim()]);
    fixture.next_group();
    no_slot().unwrap();
    claims.answers();
    assert_eq!(pool.take_arrivals(), 0, "no lease has ended since it looked");
    fixture.answer(Ok(()));
    fixture.caller_of(vec![complete()]).answers();
    assert_eq!(pool.take_arrivals(), 1);
}
