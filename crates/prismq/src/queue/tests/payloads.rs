use crate::engine::{AfterFailure, Answer, Claimed, Operation};
use crate::model::{Claim, Failure, Lease, NewTask, State, TaskId};
use crate::queue::{Handle, Queue};

fn queue() -> (tempfile::TempDir, Queue) {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path().join("queue.db")).unwrap();
    (folder, queue)
}

/// Stored out of line.
fn large(letter: u8) -> NewTask {
    NewTask::new("job", vec![letter; 4096])
}

fn claim(max: usize) -> Claim {
    Claim::new(["job"]).max(max)
}

#[test]
fn a_claim_stops_before_the_first_task_that_does_not_fit() {
    let (_folder, queue) = queue();
    let tasks = [2000, 2000, 10, 2000, 2000, 10];
    let task = |bytes: usize| NewTask::new("job", vec![0; bytes]);
    let handles = queue.enqueue_all(tasks.map(task)).unwrap();
    let ids: Vec<TaskId> = handles.iter().map(Handle::id).collect();
    let claim = |bytes_max| {
        let claim = claim(9).bytes_max(bytes_max);
        match queue.core.submit(Operation::Claim(claim)).unwrap() {
            Answer::Claimed(Claimed { leases, .. }) => leases,
            other => panic!("{other:?}"),
        }
    };
    // The first in any case, what fits exactly, and nothing behind what does not fit.
    for (bytes_max, given) in [(1, 1), (3999, 1), (4000, 2), (4010, 3), (6009, 3), (6010, 4)] {
        let leases = claim(bytes_max);
        let found: Vec<TaskId> = leases.iter().map(Lease::id).collect();
        assert_eq!(found, ids[..given], "{bytes_max}");
        let stats = queue.stats("default").unwrap();
        assert_eq!((stats.ready, stats.leased), (6 - given as u64, given as u64));
        let behind = queue.task(ids[given]).unwrap().unwrap();
        assert_eq!((behind.state, behind.attempt, behind.error), (State::Ready, 0, None));
        leases.iter().for_each(|lease| queue.release(lease).unwrap());
    }
}

#[test]
fn a_claim_succeeds_even_if_an_unreadable_task_cannot_be_settled() {
    let (folder, queue) = queue();
    let ids = queue.enqueue_all([large(b'a'), large(b'b')]).unwrap();
    let leases = queue.core.submit(Operation::Claim(claim(2))).unwrap();
    let Answer::Claimed(Claimed { leases, .. }) = leases else { panic!("{leases:?}") };
    let file = rusqlite::Connection::open(folder.path().join("queue.db")).unwrap();
    file.execute("DELETE FROM prismq_payload WHERE task = ?1", [ids[0].id().as_i64()]).unwrap();
    // Its failure is not written, as the lease is gone.
    let next = AfterFailure::Dead;
    let key = leases[0].key;
    let failure = Failure {
        error: String::new(),
        error_type: None,
        began_at: leases[0].claimed_at,
        worker: None,
    };
    queue.core.submit(Operation::Fail { key, failure, next }).unwrap();
    let given = queue.core.with_payloads(leases).unwrap();
    assert_eq!(given.iter().map(Lease::id).collect::<Vec<_>>(), [ids[1].id()]);
}
