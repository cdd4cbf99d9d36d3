//! How many tasks a claim asks for.

use super::*;

#[test]
fn a_new_pool_claims_one_task_for_each_worker() {
    let mut pool = Pool::new(settings(4));
    let quotas = vec![Quota { queue: 0, max: 4, share: 4, begun: 4, limited: 4 }];
    let request = ClaimRequest { tasks: 4, begun: 4, suspects: 1, limited: 4, quotas };
    assert_eq!(pool.request(), Some(request));
    pool.claimed((1..=4).map(lease));
    (0..4).for_each(|worker| drop(pool.begin(worker)));
    assert_eq!(pool.request(), None, "nothing more while all run");
}

#[test]
fn one_task_begins_at_once_if_handlers_are_quick_and_one_for_each_free_worker_if_not() {
    let begun = |handler| Pool::with_times(4, handler).request().unwrap().begun;
    assert_eq!((begun(MS / 1000), begun(MS)), (1, 4));
}
