use crate::support::{Fixture, LEASE, text};
use prismq::{Claim, NewTask};

#[test]
fn a_claim_merges_its_types_in_one_order() {
    let fixture = Fixture::new();
    // More than is read from a lane at a time.
    let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    for (number, payload) in expected.iter().enumerate() {
        let task_type = ["mail", "image", "other"][number % 3];
        let other = task_type == "other";
        let task = NewTask::new(task_type, payload.as_bytes());
        fixture.queue.enqueue(&task.priority(if other { 0 } else { 100 })).unwrap();
    }
    let claim = Claim::new(["mail", "image", "never seen", "mail"]).lease(LEASE).max(200);
    let leases = fixture.queue.claim(&claim).unwrap();
    let expected: Vec<String> =
        (0..200).filter(|number| number % 3 != 2).map(|number: i32| number.to_string()).collect();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), expected);
}
