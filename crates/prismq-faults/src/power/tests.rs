//! What a cut may leave of small journals.

use super::*;

fn write(offset: usize, byte: u8) -> Event {
    Event::Write { inode: 1, offset, bytes: vec![byte; 512] }
}

fn journal(events: Vec<Event>) -> Journal {
    let create = Event::Create { name: "f".to_owned(), inode: 1 };
    let events = [create, Event::SyncFolder].into_iter().chain(events).collect();
    Journal { before: Vec::new(), events }
}

/// The contents of the file over many cuts at the end.
fn left(journal: &Journal) -> Vec<Vec<u8>> {
    let mut cut = PowerCut::new(journal, 7);
    cut.play_to(journal.len());
    let mut left: Vec<_> = (0..200).filter_map(|_| cut.image().files.get("f").cloned()).collect();
    left.sort();
    left.dedup();
    left
}

#[test]
fn what_was_synced_is_always_there() {
    let journal = journal(vec![write(0, 1), Event::Sync { inode: 1 }]);
    assert_eq!(left(&journal), [vec![1; 512]]);
}

#[test]
fn what_was_not_synced_may_be_there_in_any_part() {
    let journal = journal(vec![write(0, 1), write(512, 2)]);
    let left = left(&journal);
    for expected in [vec![], vec![1; 512], [[1; 512], [2; 512]].concat()] {
        assert!(left.contains(&expected));
    }
    assert!(left.contains(&[[0; 512], [2; 512]].concat()), "the later without the earlier");
}

#[test]
fn a_failed_sync_makes_nothing_durable_for_any_later_one() {
    let events =
        vec![write(0, 1), Event::SyncFailed { inode: 1 }, write(512, 2), Event::Sync { inode: 1 }];
    let journal = journal(events);
    let lost = (0..50).any(|seed| {
        let mut cut = PowerCut::new(&journal, seed);
        cut.play_to(journal.len());
        cut.image().files["f"][..512] == [0; 512]
    });
    assert!(lost);
}

#[test]
fn a_name_that_was_not_synced_may_be_gone_and_a_deleted_one_back() {
    let mut journal = journal(vec![write(0, 1), Event::Sync { inode: 1 }]);
    journal.events.push(Event::Delete { name: "f".to_owned() });
    let mut cut = PowerCut::new(&journal, 7);
    cut.play_to(journal.len());
    let there = (0..100).filter(|_| cut.image().files.contains_key("f")).count();
    assert!((1..100).contains(&there), "{there}");
}
