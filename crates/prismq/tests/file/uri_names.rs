use crate::support::task;
use prismq::Queue;

#[test]
fn a_name_that_looks_like_an_address_is_a_file_of_that_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["file:queue.db?mode=memory", "file::memory:", ":memory:", "a?b#c%20d.db"] {
        let path = folder.path().join(name);
        Queue::open(&path).unwrap().enqueue(&task("kept")).unwrap();
        assert!(path.symlink_metadata().unwrap().len() > 0, "{name}");
        let again = Queue::open(&path).unwrap();
        assert_eq!(again.stats("default").unwrap().ready, 1, "{name}");
    }
}
