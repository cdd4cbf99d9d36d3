use crate::support::{Fixture, claim, task, text};

#[test]
fn queues_in_one_file_are_apart() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&task("left").queue("left")).unwrap();
    fixture.queue.enqueue(&task("right").queue("right")).unwrap();
    let leases = fixture.queue.claim(&claim().queue("right").max(10)).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["right"]);
    assert_eq!(fixture.queue.stats("left").unwrap().ready, 1);
    assert_eq!(fixture.queue.stats("right").unwrap().leased, 1);
}
