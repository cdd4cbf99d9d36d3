//! An audit finds every task that was lost, done twice or never enqueued.

use prismq_bench::observe::audit::Audit;

#[test]
fn a_clean_workload_balances() {
    let audit = Audit::balance(&[1, 2, 3], &[3, 1, 2], &[1, 2, 3]);
    assert_eq!(audit, Audit { enqueued: 3, completed: 3, ..Audit::default() });
    assert!(audit.faults().is_empty());
}

#[test]
fn a_task_without_a_completion_is_lost() {
    let audit = Audit::balance(&[1, 2, 3], &[1, 3], &[1, 2, 3]);
    assert_eq!((audit.completed, audit.lost), (2, 1));
    assert_eq!(audit.faults(), ["1 of 3 tasks were lost"]);
}

#[test]
fn a_task_completed_or_run_twice_is_a_duplicate() {
    assert_eq!(Audit::balance(&[1, 2], &[1, 2, 2], &[]).duplicated, 1);
    assert_eq!(Audit::balance(&[1, 2], &[1, 2], &[1, 1, 1, 2]).duplicated, 2);
}

#[test]
fn one_id_for_two_tasks_is_a_loss() {
    assert_eq!(Audit::balance(&[1, 1], &[1], &[1]).lost, 1);
}

#[test]
fn a_completion_of_a_task_that_was_not_enqueued_is_unknown() {
    let audit = Audit::balance(&[1], &[1, 9, 9], &[]);
    assert_eq!(audit.unknown, 2);
    assert_eq!(audit.faults().len(), 1);
}
