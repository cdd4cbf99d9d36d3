//! A listener that is far behind.

use super::*;

#[test]
fn claims_wait_for_a_listener_that_is_far_behind() {
    let mut pool = Pool::new(settings(1));
    pool.scheduler.events_sent(EVENTS_MAX);
    assert_eq!(pool.request(), None);
    assert!(pool.scheduler.event_handled(), "the leader is called");
    assert!(pool.request().is_some());
}
