use crate::support::operators::work_under_operators;
use crate::support::{DRAINED, Fixture, work};

#[test]
fn a_sound_queue_is_found_sound() {
    let fixture = Fixture::new();
    work(&fixture, || fixture.open(), 1);
    let verdict = fixture.verdict(&DRAINED);
    assert!(verdict.is_sound(), "{verdict}");
    // It went through what it is to be judged by.
    let counts = verdict.counts;
    assert!(counts.acked == 1100 && counts.lost == 0 && counts.completed > 800, "{verdict}");
    assert!(counts.stale_refused > 10 && counts.recovery.count > 10, "{verdict}");
    assert!(counts.duplicates > 10 && counts.overlaps == 0, "{verdict}");
}

#[test]
fn a_sound_queue_is_found_sound_under_operators() {
    let fixture = Fixture::new();
    work_under_operators(&fixture, || fixture.open(), 1);
    let verdict = fixture.verdict(&DRAINED);
    assert!(verdict.is_sound(), "{verdict}");
    let counts = verdict.counts;
    assert!(counts.keys_taken > 10 && counts.cancelled > 10, "{verdict}");
    assert!(counts.acts > 10 && counts.slots > 10, "{verdict}");
}
