use prismq::{NewTask, Queue, State};
use prismq_check::{Role, payload_of};

use crate::fleet::Fleet;

const ATTEMPTS: u32 = 3;
/// Kills the process that runs it.
const POISON_BYTES: usize = 666;

#[test]
fn a_payload_that_kills_its_process_is_dead_in_the_end() {
    let mut fleet = Fleet::new();
    let queue = Queue::open(fleet.path()).unwrap();
    let poison = NewTask::new("job", payload_of(1, POISON_BYTES)).max_attempts(ATTEMPTS);
    let poison = queue.enqueue(&poison).unwrap();
    for death in 1..=ATTEMPTS {
        let told = fleet.start(Role::DieOfPoison, 1).die().unwrap();
        assert_eq!(told.events(), [], "death {death}");
        assert_eq!(queue.task(poison).unwrap().unwrap().attempt, death);
    }
    // A process that no longer finds it lives on, and does what else there is.
    let other = queue.enqueue(&NewTask::new("job", payload_of(2, 8))).unwrap();
    let survivor = fleet.start(Role::DieOfPoison, 1);
    while queue.task(other).unwrap().is_some()
        || queue.task(poison).unwrap().unwrap().state != State::Dead
    {
        std::thread::yield_now();
    }
    survivor.stop().unwrap();
}
