//! Claims that are committed before results.

use super::*;

#[test]
fn a_claim_for_a_free_worker_goes_before_results_once() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.run(0, 50 * MS);
    let first = pool.batch();
    assert_eq!((first.settle.len(), first.claim.is_some()), (0, true), "the claim goes ahead");
    pool.claimed([]);
    let second = pool.batch();
    assert_eq!((second.settle.len(), second.claim.is_some()), (1, true));
}

#[test]
fn no_claim_goes_before_results_after_an_outage_or_once_their_leases_expired() {
    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.run(0, 50 * MS);
    pool.scheduler.back_off(Side::Leader, pool.now);
    pool.now += Duration::from_secs(1);
    let batch = pool.batch();
    assert_eq!((batch.settle.len(), batch.claim.is_some()), (1, true));

    let mut pool = Pool::with_times(1, 50 * MS);
    pool.claimed([lease(1)]);
    pool.run(0, 50 * MS);
    let expired = CLOCK.after(LEASE);
    let LeaderAction::Submit(batch) = pool.scheduler.next_leader_action(pool.now, expired, 0)
    else {
        panic!("it settles")
    };
    assert_eq!((batch.settle.len(), batch.claim.is_some()), (1, true));
}
