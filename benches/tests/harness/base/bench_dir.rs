//! Each round has a database of its own, and the disk is as before when it is over.

use crate::support::stage::{SUBJECTS, stage};

#[test]
fn a_database_is_removed_with_its_directory() {
    for subject in SUBJECTS {
        let (directory, stage) = stage(subject).unwrap();
        let database = stage.database(2).unwrap();
        assert!(database.path().exists());
        drop(database);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{subject:?}");
    }
}

#[test]
fn the_filesystem_is_known_or_named_by_number() {
    let (_directory, stage) = stage(SUBJECTS[0]).unwrap();
    let (name, in_memory) = stage.bench_dir().filesystem();
    let name = name.value.unwrap();
    assert_eq!(in_memory, name == "tmpfs" || name == "ramfs");
}
