use crate::support::Fixture;
use prismq::NewTask;

#[test]
fn large_payloads_come_back_whole_and_go_with_their_task() {
    let fixture = Fixture::new();
    let sizes = [0, 1, 1024, 1025, 300_000];
    for size in sizes {
        let payload: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
        let id = fixture.queue.enqueue(&NewTask::new("job", payload.clone())).unwrap();
        assert_eq!(fixture.queue.task(id).unwrap().unwrap().payload, payload);
        let lease = fixture.claim_one();
        assert_eq!(lease.payload(), payload);
        fixture.queue.complete(&lease).unwrap();
    }
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    let left: i64 = file.query_row("SELECT count(*) FROM payload", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}
