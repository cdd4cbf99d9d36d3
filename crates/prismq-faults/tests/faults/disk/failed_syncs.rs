//! After a failed sync the system may call lost pages clean, so that the next sync succeeds without them:
//! nothing more may be acknowledged, whether a commit's sync failed or a checkpoint's.
//!
//! Failure mode: disk: sync of a commit or a checkpoint fails

use prismq::{Claim, Error, NewTask, Queue};
use prismq_faults::{Call, Disk, Effect, Fault, Repeat, Scratch};

use crate::support::{FILE, sound};

fn failing_sync(files: &'static str) -> Fault {
    let effect = Effect::InputOutput;
    Fault { calls: &[Call::Sync], files, nth: 1, repeat: Repeat::Once, effect }
}

#[test]
fn a_failed_sync_of_a_commit_poisons_the_queue() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let disk = Disk::watch(folder.path()).unwrap();
    let queue = Queue::open(&path).unwrap();
    queue.enqueue(NewTask::new("job", [1])).unwrap();
    disk.arm(failing_sync("-wal"));
    for _ in 0..3 {
        let error = queue.enqueue(NewTask::new("job", [2])).unwrap_err();
        assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    }
    assert_eq!(disk.disarm(), 1, "it was not tried again");
    drop(queue);
    let again = Queue::open(&path).unwrap();
    assert!(again.stats("default").unwrap().ready >= 1);
    again.enqueue(NewTask::new("job", [3])).unwrap();
}

/// Of the database or of the WAL, by the thread that checkpoints or by the writer.
#[test]
fn a_failed_sync_of_a_checkpoint_poisons_the_queue() {
    for files in [".db", "-wal"] {
        let folder = Scratch::new().unwrap();
        let path = folder.file(FILE);
        let disk = Disk::watch(folder.path()).unwrap();
        // A commit of this durability syncs nothing: only checkpoints do.
        let queue = Queue::builder(&path).durability(prismq::Durability::Normal).open().unwrap();
        queue.enqueue(NewTask::new("job", [1])).unwrap();
        disk.arm(failing_sync(files));
        let mut acknowledged = 0;
        let error = loop {
            match queue.enqueue(NewTask::new("job", vec![0; 100_000])) {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
            assert!(acknowledged < 2_000, "{files}: it goes on after a failed sync");
        };
        assert!(matches!(error, Error::Poisoned { .. }), "{files}: {error:?}");
        assert!(queue.claim(&Claim::new(["job"])).is_err(), "{files}");
        disk.disarm();
        drop(queue);
        assert_eq!(sound(&path).tasks.len(), acknowledged + 1, "{files}");
    }
}
