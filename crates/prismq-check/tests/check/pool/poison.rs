use prismq::{NewTask, Queue, State};
use prismq_check::{Role, payload_of};

use crate::support::fleet::Fleet;
use crate::support::wait_until;

const ATTEMPTS: u32 = 3;
/// Kills the process that runs it.
const POISON_BYTES: usize = 666;

/// Failure mode: payload: kills its process | dead after its attempts, at most one more
#[test]
fn a_payload_that_kills_its_process_is_dead_in_the_end() {
    let mut fleet = Fleet::new();
    let queue = Queue::open(fleet.path()).unwrap();
    let poison = NewTask::new("job", payload_of(1, POISON_BYTES)).max_attempts(ATTEMPTS);
    let poison = queue.enqueue(&poison).unwrap().id();
    for death in 1..=ATTEMPTS {
        let recorded = fleet.start(Role::PlainPool { workers: 2 }, 1).wait_for_death().unwrap();
        assert_eq!(recorded.events(), [], "death {death}");
        assert_eq!(queue.task(poison).unwrap().unwrap().attempt, death);
    }
    // A process that no longer finds it lives on, and does the other tasks.
    let other = queue.enqueue(NewTask::new("job", payload_of(2, 8))).unwrap().id();
    let survivor = fleet.start(Role::PlainPool { workers: 2 }, 1);
    wait_until("the other task is completed and the poison is dead", || {
        queue.task(other).unwrap().is_none()
            && queue.task(poison).unwrap().unwrap().state == State::Dead
    });
    survivor.stop().unwrap();
}

/// A process that dies takes with it what its pool had fetched ahead; an attempt each of these once lost.
///
/// Failure mode: payload: another one kills the process | a task that was claimed ahead loses no attempt, any other at most one, and none is dead
#[test]
fn tasks_claimed_ahead_lose_no_attempt_when_another_kills_the_process() {
    let mut fleet = Fleet::new();
    let queue = Queue::open(fleet.path()).unwrap();
    let task =
        |key, bytes, attempts| NewTask::new("job", payload_of(key, bytes)).max_attempts(attempts);
    // What ran before it may have ended without its result being in the file yet: it runs again.
    let mut tasks: Vec<NewTask> =
        (0..60).map(|key| task(key, 8, if key < 20 { 2 } else { 1 })).collect();
    tasks.insert(20, task(60, POISON_BYTES, ATTEMPTS));
    let poison = queue.enqueue_all(&tasks).unwrap()[20].id();
    let mut deaths = 0;
    loop {
        // One worker, so that nothing else is begun when the process dies.
        let process = fleet.start(Role::PlainPool { workers: 1 }, 1);
        let finished =
            || queue.stats("default").is_ok_and(|stats| stats.completed + stats.dead == 61);
        wait_until("all tasks are done or the process died", || process.has_ended() || finished());
        if !process.has_ended() {
            process.stop().unwrap();
            break;
        }
        process.wait_for_death().unwrap();
        deaths += 1;
    }
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.dead), (60, 1));
    assert_eq!(queue.task(poison).unwrap().unwrap().state, State::Dead);
    // If it was prefetched, its start was not recorded, so the first crash does not count as an attempt.
    assert!((ATTEMPTS..=ATTEMPTS + 1).contains(&deaths), "{deaths} deaths");
}
