//! Failure mode: process: stopped for longer than its lease | its late calls are refused once a claim took the task back

use prismq::Queue;
use prismq_check::{EnqueueRequest, History, Op, Phase, Refusal, Role, Rules};

use crate::support::fleet::Fleet;

#[test]
fn a_process_stopped_beyond_its_lease_harms_nothing() {
    let mut fleet = Fleet::new();
    let (mut client, recorder) = fleet.client(Queue::open(fleet.path()).unwrap());
    for _ in 0..3 {
        client.enqueue(&EnqueueRequest::default()).unwrap();
    }
    let mut zombie = fleet.start(Role::Hold, 1);
    let holds = zombie.wait_until(|events| {
        events.iter().any(|event| event.op == Op::Claim && event.key.is_some())
    });
    assert!(holds, "it claimed nothing");
    zombie.pause().unwrap();
    fleet.add(History::of(&recorder));
    // Waits until the lease has expired, and takes its task.
    let counts = fleet.drain(&Rules::default()).counts;
    assert_eq!(counts.completed, 3, "{counts}");

    zombie.resume().unwrap();
    zombie.proceed().unwrap();
    let recorded = zombie.finish().unwrap();
    let refused = recorded.events().iter().filter(|event| event.phase == Phase::Fail);
    assert_eq!(
        refused.filter(|event| event.refusal == Some(Refusal::LeaseLost)).count(),
        4,
        "{recorded:?}"
    );
    fleet.add(recorded);
    let verdict =
        fleet.verdict(&Rules { drained: true, complete_history: true, ..Rules::default() });
    assert!(verdict.is_sound() && verdict.counts.stale_refused == 4, "{verdict}");
}
