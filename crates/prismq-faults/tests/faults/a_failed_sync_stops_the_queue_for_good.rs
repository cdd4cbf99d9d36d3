//! After a failed sync the system may call lost pages clean, so that the next sync succeeds without them:
//! nothing more may be acknowledged, whether a commit's sync failed or a checkpoint's.

use prismq::{Claim, Error, NewTask, Queue};
use prismq_faults::{Call, Disk, Effect, Fault, Lasting, PowerCut, Scratch};

use crate::common::{FILE, sound};

fn failing_sync(files: &'static str) -> Fault {
    let effect = Effect::InputOutput;
    Fault { calls: &[Call::Sync], files, nth: 1, lasting: Lasting::Once, effect }
}

#[test]
fn of_a_commit() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let disk = Disk::watch(folder.path()).unwrap();
    let queue = Queue::open(&path).unwrap();
    queue.enqueue(&NewTask::new("job", [1])).unwrap();
    disk.arm(failing_sync("-wal"));
    for _ in 0..3 {
        let error = queue.enqueue(&NewTask::new("job", [2])).unwrap_err();
        assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    }
    assert_eq!(disk.disarm(), 1, "it was not tried again");
    drop(queue);
    let again = Queue::open(&path).unwrap();
    assert!(again.stats("default").unwrap().ready >= 1);
    again.enqueue(&NewTask::new("job", [3])).unwrap();
}

/// What could not be synced stays in the system's memory, where whoever opens the file next finds it, and may never
/// reach the disk: what is committed after it must not depend on it.
#[test]
fn what_is_acknowledged_once_the_file_is_opened_again_survives_a_power_cut() {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    let disk = Disk::watch(folder.path()).unwrap();
    disk.keep_journal().unwrap();
    let queue = Queue::open(&path).unwrap();
    queue.enqueue(&NewTask::new("job", [1])).unwrap();
    disk.arm(failing_sync("-wal"));
    queue.enqueue(&NewTask::new("job", [2])).unwrap_err();
    disk.disarm();
    // As after a crash, SQLite does not tidy up.
    std::mem::forget(queue);
    let again = Queue::open(&path).unwrap();
    let id = again.enqueue(&NewTask::new("job", [3])).unwrap();
    let journal = disk.take_journal();
    drop(again);
    let mut power = PowerCut::new(&journal, 1);
    power.play_to(journal.len());
    for _ in 0..200 {
        let after = Scratch::new().unwrap();
        let path = after.file(FILE);
        power.image().lay(after.path()).unwrap();
        assert!(Queue::open(&path).unwrap().task(id).unwrap().is_some());
    }
}

/// Of the database or of the WAL, by the thread that checkpoints or by the writer.
#[test]
fn of_a_checkpoint() {
    for files in [".db", "-wal"] {
        let folder = Scratch::new().unwrap();
        let path = folder.file(FILE);
        let disk = Disk::watch(folder.path()).unwrap();
        // A commit of this durability syncs nothing: only checkpoints do.
        let queue = Queue::builder(&path).durability(prismq::Durability::Normal).open().unwrap();
        queue.enqueue(&NewTask::new("job", [1])).unwrap();
        disk.arm(failing_sync(files));
        let mut acknowledged = 0;
        let error = loop {
            match queue.enqueue(&NewTask::new("job", vec![0; 100_000])) {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
            assert!(acknowledged < 2_000, "{files}: it goes on after a failed sync");
        };
        assert!(matches!(error, Error::Poisoned { .. }), "{files}: {error:?}");
        assert!(queue.claim(&Claim::new(["job"])).is_err(), "{files}");
        disk.disarm();
        drop(queue);
        // What was refused may have been committed already when the checkpoint failed.
        let there = sound(&path).tasks.len();
        assert!([acknowledged + 1, acknowledged + 2].contains(&there), "{files}: {there}");
    }
}
