//! What the scenarios share: files on which a step is run, and their state before and after it.
#![allow(dead_code, reason = "two test programs share it, and each uses a part")]

use std::fs;
use std::path::{Path, PathBuf};

use prismq_check::Snapshot;
use prismq_faults::{Scratch, Step};
use rusqlite::Connection;

pub(crate) const FILE: &str = "queue.db";

/// A step's file, laid once and copied for each run of it, and what it holds before and after.
pub(crate) struct Laid {
    pub(crate) step: Step,
    template: Scratch,
    /// Once the step is prepared. Nothing for a step that creates its file.
    pub(crate) before: Option<Snapshot>,
    pub(crate) after: Snapshot,
}

impl Laid {
    pub(crate) fn new(step: Step) -> Self {
        let template = Scratch::new().unwrap();
        step.lay(&template.file(FILE)).unwrap();
        _ = fs::remove_file(template.file("queue.db-shm"));
        let before = (step != Step::Create).then(|| {
            let (_folder, path) = copy(&template);
            drop(step.prepare(&path).unwrap());
            sound(&path)
        });
        let (_folder, path) = copy(&template);
        let mut stage = step.prepare(&path).unwrap();
        step.run(&path, &mut stage).unwrap();
        drop(stage);
        let after = sound(&path);
        Self { step, template, before, after }
    }

    /// A fresh copy of the file to run the step on.
    pub(crate) fn copy(&self) -> (Scratch, PathBuf) {
        copy(&self.template)
    }

    /// Whether the step changes nothing that a file holds.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.digest == self.after.digest)
    }

    /// Where a file stands.
    pub(crate) fn place(&self, path: &Path) -> Place {
        let digest = sound(path).digest;
        if digest == self.after.digest {
            Place::After
        } else if Some(digest) == self.before.as_ref().map(|before| before.digest) {
            Place::Before
        } else {
            Place::Between
        }
    }

    /// Where a file stands that was being created, before any queue opens it, which would go on with it. Only a
    /// copy is looked at, so that it is the queue which recovers the file.
    pub(crate) fn place_of_creation(&self, path: &Path) -> Place {
        let seen = Scratch::new().unwrap();
        copy_files(path.parent().unwrap(), seen.path());
        let path = seen.file(FILE);
        let tables: i64 = Connection::open(&path)
            .and_then(|file| {
                file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            })
            .unwrap();
        if tables == 0 { Place::Before } else { self.place(&path) }
    }
}

/// Which state of a step a file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    After,
    /// Neither: only a step of several transactions may leave that.
    Between,
}

fn copy(template: &Scratch) -> (Scratch, PathBuf) {
    let folder = Scratch::new().unwrap();
    copy_files(template.path(), folder.path());
    let path = folder.file(FILE);
    (folder, path)
}

/// No file in `from` may be open: closing a copy's source would drop SQLite's locks on it.
fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What the file says, which must be free of problems.
#[track_caller]
pub(crate) fn sound(path: &Path) -> Snapshot {
    let snapshot = Snapshot::take(path).unwrap();
    assert_eq!(snapshot.problems, [""; 0], "{}", path.display());
    snapshot
}
