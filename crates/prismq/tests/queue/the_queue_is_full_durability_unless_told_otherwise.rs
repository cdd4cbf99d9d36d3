use crate::common::Fixture;
use prismq::{Durability, Queue};

fn setting(queue: &Queue, name: &str) -> String {
    let settings = queue.settings().unwrap();
    settings.into_iter().find(|(found, _)| found == name).expect("the setting is there").1
}

#[test]
fn the_queue_is_full_durability_unless_told_otherwise() {
    let fixture = Fixture::new();
    assert_eq!(setting(&fixture.queue, "journal_mode"), "wal");
    assert_eq!(setting(&fixture.queue, "synchronous"), "2");
    assert_eq!(setting(&fixture.queue, "auto_vacuum"), "2", "pages are freed without being read");
    let normal = Queue::builder(fixture.path()).durability(Durability::Normal).open().unwrap();
    assert_eq!(setting(&normal, "synchronous"), "1");
}
