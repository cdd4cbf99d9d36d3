use crate::support::{Fixture, claim, text};

#[test]
fn two_handles_share_one_file() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    fixture.enqueue("here");
    let leases = other.claim(&claim()).unwrap();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), ["here"]);
    assert!(fixture.claim(1).is_empty());
    fixture.queue.complete(&leases[0]).unwrap();
    assert!(other.complete(&leases[0]).unwrap_err().is_lease_lost());
    assert_eq!(other.stats("default").unwrap().completed, 1);
}
