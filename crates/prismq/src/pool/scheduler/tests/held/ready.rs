//! The order of ready tasks.

use super::*;

#[test]
fn an_urgent_task_runs_before_those_claimed_sooner() {
    let mut pool = Pool::with_times(1, MS);
    pool.claimed((10..20).map(lease));
    pool.claimed([lease(1)]);
    assert_eq!(pool.begin(0).id().as_i64(), 1);
    assert_eq!(pool.action(0).task_id(), Some(10));
}
