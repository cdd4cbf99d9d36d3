//! A claim whose payloads cannot be read for now: what it cannot give it gives back, and no attempt is lost.

use prismq::limits::PAYLOAD_BYTES_INLINE_MAX;
use prismq::{Claim, Error, NewTask, Queue, State, TaskId};
use prismq_faults::{Call, Disk, Effect, Fault, Lasting, Scratch};

/// A queue with some tasks whose payloads stand in rows of their own, and claims made while the reads of the
/// database fail. Returns how many failed, and what the claim gave.
fn claim_under(
    nth: u64,
    lasting: Lasting,
    effect: Effect,
    max: usize,
) -> (u64, Result<Vec<TaskId>, Error>) {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("queue.db");
    // A page each.
    let large = |letter: u8| vec![letter; 3 * PAYLOAD_BYTES_INLINE_MAX];
    let ids: Vec<TaskId> = {
        let queue = Queue::open(&path).unwrap();
        (0..4)
            .map(|letter| {
                queue.enqueue(&NewTask::new("job", large(letter)).max_attempts(1)).unwrap()
            })
            .collect()
    };
    let disk = Disk::watch(scratch.path()).unwrap();
    let queue = Queue::open(&path).unwrap();
    disk.arm(Fault { calls: &[Call::Read], files: ".db", nth, lasting, effect });
    let claimed = queue.claim(&Claim::new(["job"]).max(max));
    let struck = disk.disarm();
    let given: Vec<TaskId> = claimed.iter().flatten().map(prismq::Lease::id).collect();
    for (letter, id) in ids.iter().enumerate() {
        let lease = claimed.iter().flatten().find(|lease| lease.id() == *id);
        if let Some(lease) = lease {
            assert_eq!(lease.payload(), large(letter.try_into().unwrap()));
        } else {
            let task = queue.task(*id).unwrap().unwrap();
            let context = format!("read {nth} {lasting:?}: {claimed:?}");
            assert_eq!(
                (task.state, task.attempt, task.error),
                (State::Ready, 0, None),
                "{context}"
            );
        }
    }
    let left = queue.claim(&Claim::new(["job"]).max(9)).unwrap();
    assert_eq!(left.len() + given.len(), ids.len());
    (struck, claimed.map(|_| given))
}

#[test]
fn a_payload_that_cannot_be_read_costs_no_attempt_and_hides_no_other() {
    let (mut some, mut none) = (0, 0);
    for lasting in [Lasting::Once, Lasting::ForEver] {
        for nth in 1.. {
            let (struck, claimed) = claim_under(nth, lasting, Effect::InputOutput, 4);
            match claimed {
                Ok(given) if given.len() < 4 => some += 1,
                Ok(_) => {}
                Err(error) => {
                    assert!(error.is_transient(), "{error:?}");
                    none += 1;
                }
            }
            if struck == 0 {
                break;
            }
        }
    }
    assert!(some > 0 && none > 0, "{some} claims gave less, {none} nothing");
}

/// SQLite reports a read that the device failed as damage, of which a task would die.
#[test]
fn a_payload_is_not_taken_for_damaged_for_one_read_that_fails() {
    let mut given = 0;
    for nth in 1.. {
        let (struck, claimed) = claim_under(nth, Lasting::Once, Effect::UnreadableFile, 1);
        given += claimed.map_or(0, |given| given.len());
        if struck == 0 {
            break;
        }
    }
    assert!(given > 1, "{given} tasks were given");
}
