//! Groups whose transaction fails.

use std::cell::Cell;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;
use crate::commit::pending::GROUP_OPERATIONS_MAX;

thread_local! {
    /// Whether the log subscriber panics on this thread.
    static SUBSCRIBER_PANICS: Cell<bool> = const { Cell::new(false) };
}

/// A log subscriber of the whole program, as one for a thread misses lines that another thread was first to log.
struct Panicking;

impl Subscriber for Panicking {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        assert!(!SUBSCRIBER_PANICS.get(), "the subscriber panics, as this test wants");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_busy_group_is_not_applied_one_by_one() {
    let fixture = fixture(Duration::ZERO);
    let busy = Err(Error::Busy { waited: Duration::ZERO });
    for answer in [busy, Ok(()), Ok(()), Ok(())] {
        fixture.answer(answer);
    }
    let answers = fixture.submit(3);
    assert_eq!(fixture.groups(), [3]);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Busy { .. }))));
}

#[test]
fn a_failed_sync_fails_its_group_and_all_later_operations() {
    let fixture = fixture(Duration::ZERO);
    let first = fixture.caller(1);
    fixture.next_group();
    let second = fixture.caller(1);
    fixture.wait_for_pending(1);
    fixture.answer(Err(poisoned("a write failed")));
    for caller in [first, second] {
        let answers = caller.answers();
        assert!(matches!(answers.as_slice(), [Err(Error::Poisoned { .. })]), "{answers:?}");
    }
    let later = fixture.submit(1);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
    assert_eq!(fixture.groups(), [0_usize; 0], "nothing more is applied");
}

#[test]
fn a_panic_of_the_engine_fails_its_group_and_all_pending_operations() {
    let mut fixture = fixture(Duration::ZERO);
    let first = fixture.caller(1);
    fixture.next_group();
    // More than fit into one group.
    let followers: Vec<_> = (0..5).map(|_| fixture.caller(GROUP_OPERATIONS_MAX / 2)).collect();
    fixture.wait_for_pending(GROUP_OPERATIONS_MAX / 2 * 5);
    // The engine panics, as it is answered no more.
    fixture.answers = channel().0;
    for caller in [first].into_iter().chain(followers) {
        let answers = caller.answers();
        let poisoned = |answer| matches!(answer, &Err(Error::Poisoned { .. }));
        assert!(answers.iter().all(poisoned), "{answers:?}");
    }
    let later = fixture.submit(1);
    assert!(matches!(later.as_slice(), [Err(Error::Poisoned { .. })]), "{later:?}");
    assert_eq!(fixture.groups(), [0_usize; 0], "nothing more is applied");
}

#[test]
fn a_failed_group_is_applied_again_one_by_one() {
    let fixture = fixture(Duration::ZERO);
    let full = || Err(Error::Full { reason: "disk".to_owned() });
    for answer in [full(), Ok(()), full(), Ok(())] {
        fixture.answer(answer);
    }
    let answers = fixture.submit(3);
    assert_eq!(fixture.groups(), [3, 1, 1, 1]);
    assert!(matches!(answers.as_slice(), [Ok(_), Err(Error::Full { .. }), Ok(_)]));
}

#[test]
fn a_failed_sync_stops_the_rest_of_a_group_that_is_applied_one_by_one() {
    let fixture = fixture(Duration::ZERO);
    let full = Err(Error::Full { reason: "disk".to_owned() });
    for answer in [full, Ok(()), Err(poisoned("fsync failed")), Ok(()), Ok(())] {
        fixture.answer(answer);
    }
    let answers = fixture.submit(4);
    assert_eq!(fixture.groups(), [4, 1, 1], "nothing more is applied");
    let [Ok(_), rest @ ..] = answers.as_slice() else { panic!("{answers:?}") };
    assert!(rest.iter().all(|answer| matches!(answer, Err(Error::Poisoned { .. }))), "{answers:?}");
}

#[test]
fn a_log_subscriber_that_panics_keeps_no_caller_waiting() {
    let fixture = fixture(Duration::ZERO);
    let committer = fixture.committer.clone();
    tracing::subscriber::set_global_default(Panicking).unwrap();
    let first = thread::spawn(move || {
        SUBSCRIBER_PANICS.set(true);
        committer.submit(vec![enqueue()])
    });
    fixture.next_group();
    let second = fixture.caller(1);
    fixture.wait_for_pending(1);
    fixture.answer(Err(poisoned("a write failed")));
    let answers = second.answers();
    assert!(matches!(answers.as_slice(), [Err(Error::Poisoned { .. })]), "{answers:?}");
    assert!(first.join().is_err(), "its own caller gets the panic");
}
