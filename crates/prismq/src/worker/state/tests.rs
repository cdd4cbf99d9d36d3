use super::*;
use crate::task::TaskId;

const WORKERS: usize = 4;

fn lease(id: i64) -> Lease {
    let key = LeaseKey { id: TaskId::from_i64(id), token: 1, queue: 1, payload_apart: false };
    Lease {
        key,
        task_type: "t".into(),
        payload: Payload::part(Arc::default(), 0..0),
        priority: 0,
        attempt: 1,
        max_attempts: 1,
        enqueued_at: Timestamp::from_micros(0),
        expires_at: Moment::default(),
    }
}

/// A pool of which one worker is awake and has just taken a task in hand, with so many more ready,
/// whose handlers take so long.
fn one_awake(ready: i64, handler: Duration) -> State {
    let mut state = State::new(WORKERS, 100);
    (1..WORKERS).for_each(|_| state.waits(true));
    state.handler_seconds = Some(handler.as_secs_f64());
    state.claimed((1..=ready).map(lease).collect(), None);
    state.begin(0, lease(0).key, Instant::now());
    state
}

#[test]
fn nobody_is_woken_for_what_is_done_sooner() {
    assert_eq!(one_awake(50, QUICK / 50).wake(), Wake::Nobody);
    assert_eq!(one_awake(51, QUICK / 50).wake(), Wake::One);
    assert_eq!(one_awake(0, QUICK / 50).wake(), Wake::Nobody, "nobody must watch yet");
}

#[test]
fn another_is_woken_while_a_handler_takes_its_time() {
    assert_eq!(one_awake(1, QUICK * 2).wake(), Wake::One);
    assert_eq!(one_awake(0, QUICK * 2).wake(), Wake::One, "to watch");
}

#[test]
fn the_attendant_is_told_once_of_what_nobody_was_woken_for() {
    let mut state = one_awake(3, QUICK / 50);
    let due = state.stuck_at().unwrap();
    assert!(state.must_attend(false));
    assert!(!state.must_attend(false));
    assert!(!state.frees_stuck(due - STUCK / 2));
    assert!(state.frees_stuck(due));
    assert!(!one_awake(3, QUICK * 2).must_attend(true), "another was woken");
    (1..WORKERS).for_each(|_| state.waits(false));
    assert_eq!(state.overdue_at(), None, "nobody waits");
}

#[test]
fn the_attendant_is_told_again_of_what_is_due_sooner() {
    let mut state = one_awake(3, QUICK / 50);
    state.back_off(Instant::now() + STUCK * 1000);
    state.put_finished(
        Finished { lease: lease(9), worker: None, end: End::Complete },
        Instant::now(),
    );
    assert!(state.must_attend(true), "what is finished is settled after the backoff");
    assert!(state.must_attend(false), "what is stuck is sooner");
}

#[test]
fn nobody_is_relied_on_while_the_attendant_is_away() {
    let mut state = one_awake(3, QUICK / 50);
    state.attendant_is_away(true);
    assert_eq!(state.wake(), Wake::One);
}

#[test]
fn the_attendant_sleeps_while_the_pool_backs_off_and_after_it_halted() {
    let mut state = one_awake(0, QUICK / 50);
    let later = Instant::now() + STUCK * 1000;
    state.back_off(later);
    assert!(state.overdue_at().unwrap() > later, "no sooner than the next try");
    state.halt(Error::unanswered());
    state.put_finished(Finished { lease: lease(9), worker: None, end: End::Complete }, later);
    assert_eq!(state.overdue_at(), None);
}

#[test]
fn of_what_one_worker_does_at_once_only_the_first_counts_as_begun() {
    let idle = |handler| match one_awake(0, handler).lead() {
        Step::Lead { idle, .. } => idle,
        other => panic!("{other:?}"),
    };
    assert_eq!(idle(QUICK / 50), 1);
    assert_eq!(idle(QUICK * 2), WORKERS - 1);
}
