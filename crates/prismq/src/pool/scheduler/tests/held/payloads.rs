//! Payloads stored out of line.

use super::*;

#[test]
fn a_task_whose_payload_was_not_read_is_settled_without_a_run() {
    let mut pool = Pool::with_times(1, MS);
    let out_of_line = |id| Lease { payload: Payload::unread(), ..lease(id) };
    pool.claimed([out_of_line(1), out_of_line(2), out_of_line(3)]);
    let WorkerAction::ReadPayloads(keys) = pool.action(0) else {
        panic!("payloads are to be read")
    };
    assert_eq!(keys.len(), 3);
    assert!(matches!(pool.action(0), WorkerAction::Wait), "one reads for all");
    let missing = Error::Corrupt { path: "q".into(), reason: "missing".to_owned() };
    let answers = [Err(BUSY), Err(missing), Ok(Payload::part(Arc::default(), 0..0))];
    pool.scheduler.end_read(keys.into_iter().zip(answers).collect(), pool.now);
    let ended = pool.scheduler.settling.take();
    let unread = |task: &Settlement| matches!(task.action, Settle::PayloadUnread(_));
    assert!(ended.len() == 2 && ended.iter().all(unread), "{ended:?}");
    assert_eq!(pool.scheduler.stats().unsettled, 0);
    assert_eq!(pool.action(0).task_id(), Some(3));
    pool.claimed([out_of_line(4)]);
    assert!(matches!(pool.action(0), WorkerAction::ReadPayloads(_)), "the next are read in turn");
}
