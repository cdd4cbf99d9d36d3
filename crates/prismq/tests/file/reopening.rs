use crate::support::{Fixture, text};

#[test]
fn tasks_survive_closing_and_reopening() {
    let fixture = Fixture::new();
    fixture.enqueue("kept");
    let Fixture { queue, clock, folder } = fixture;
    drop(queue);
    let queue = prismq::Queue::builder(folder.path().join("queue.db")).clock(clock).open().unwrap();
    let leases = queue.claim(&crate::support::claim()).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["kept"]);
}
