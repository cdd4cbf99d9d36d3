//! A reused id could let an old lease settle a new task.

use crate::support::{Fixture, claim, ids, task};

#[test]
fn ids_are_never_reused() {
    let fixture = Fixture::new();
    let mut last = fixture.enqueue("first");
    for _ in 0..3 {
        fixture.queue.complete(&fixture.claim_one()).unwrap();
        let queue = fixture.another_handle();
        let ids = ids(queue.enqueue_all([task("a"), task("b")]).unwrap());
        assert!(last < ids[0] && ids[0] < ids[1]);
        last = ids[1];
        for lease in queue.claim(&claim().max(2)).unwrap() {
            queue.complete(&lease).unwrap();
        }
        last = fixture.enqueue("again").max(last);
    }
}
