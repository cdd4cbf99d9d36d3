//! What the scenarios share: files on which a step is run, and their state before and after it.
#![allow(dead_code, reason = "two test programs share it, and each uses a part")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use prismq::Queue;
use prismq_check::Snapshot;
use prismq_faults::{Scratch, Step};
use rusqlite::Connection;

pub(crate) const FILE: &str = "queue.db";

/// A step's file, made once and copied for each run of it, and its state before and after.
pub(crate) struct StepFixture {
    pub(crate) step: Step,
    template: Scratch,
    /// Once the step is prepared. Nothing for a step that creates its file.
    pub(crate) before: Option<Snapshot>,
    pub(crate) after: Snapshot,
}

impl StepFixture {
    pub(crate) fn new(step: Step) -> Self {
        let template = Scratch::new().unwrap();
        step.create_file(&template.file(FILE)).unwrap();
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

    /// The state of a file.
    pub(crate) fn state(&self, path: &Path) -> Found {
        let digest = sound(path).digest;
        if digest == self.after.digest {
            Found::After
        } else if Some(digest) == self.before.as_ref().map(|before| before.digest) {
            Found::Before
        } else {
            Found::Neither
        }
    }

    /// Checks what a backup left: the whole file, or nothing that can be taken for it. `None` if it was killed.
    #[track_caller]
    pub(crate) fn judge_backup(&self, path: &Path, acknowledged: Option<bool>, context: &str) {
        if self.step != Step::Backup {
            return;
        }
        let copy = Step::copy_of(path);
        let left = names_of_copy(&copy);
        match acknowledged {
            Some(true) => assert_eq!(left, [copy.file_name().unwrap()], "{context}"),
            Some(false) => assert!(left.is_empty(), "{context}: {left:?} is left"),
            None => {}
        }
        for name in &left {
            let restored = Scratch::new().unwrap();
            let target = restored.file(FILE);
            if Queue::restore(copy.with_file_name(name)).to(&target).is_ok() {
                assert_eq!(sound(&target).digest, self.after.digest, "{context}: {name:?}");
            } else {
                assert_ne!(acknowledged, Some(true), "{context}: it cannot be restored");
                assert!(
                    !target.exists(),
                    "{context}: {name:?} was refused, and something is restored"
                );
            }
        }
        // What a killed process reserved is empty; another backup makes its way past the rest.
        if acknowledged.is_none() && fs::metadata(&copy).is_ok_and(|copy| copy.len() == 0) {
            fs::remove_file(&copy).unwrap();
        }
        if !copy.exists() {
            Queue::open(path)
                .unwrap()
                .backup(&copy)
                .unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(sound(&copy).digest, self.after.digest, "{context}");
        }
    }

    /// The state of a file that was being created, before any queue opens it and completes the creation. Only a copy is
    /// audited, so that the queue is the one that recovers the file.
    pub(crate) fn state_of_creation(&self, path: &Path) -> Found {
        let seen = Scratch::new().unwrap();
        copy_files(path.parent().unwrap(), seen.path());
        let path = seen.file(FILE);
        let tables: i64 = Connection::open(&path)
            .and_then(|file| {
                file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            })
            .unwrap();
        if tables == 0 { Found::Before } else { self.state(&path) }
    }
}

/// The state of a file with respect to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Before,
    After,
    /// Only a step of several transactions may leave that.
    Neither,
}

fn copy(template: &Scratch) -> (Scratch, PathBuf) {
    let folder = Scratch::new().unwrap();
    copy_files(template.path(), folder.path());
    let path = folder.file(FILE);
    (folder, path)
}

/// The files of a copy, complete or not, that are there.
fn names_of_copy(copy: &Path) -> Vec<OsString> {
    let prefix = copy.file_name().unwrap().to_str().unwrap();
    let names =
        fs::read_dir(copy.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<OsString> =
        names.filter(|name| name.to_str().unwrap().starts_with(prefix)).collect();
    names.sort();
    names
}

/// No file in `from` may be open: closing a copy's source would drop SQLite's locks on it.
fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Longer than anything takes that these tests wait for.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Blocks until this holds, which other threads bring about.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < WAIT_MAX, "waited {WAIT_MAX:?} in vain until {what}");
        thread::yield_now();
    }
}

/// The snapshot of a file, which must have no problems.
#[track_caller]
pub(crate) fn sound(path: &Path) -> Snapshot {
    let snapshot = Snapshot::take(path).unwrap();
    assert_eq!(snapshot.problems, [""; 0], "{}", path.display());
    snapshot
}
