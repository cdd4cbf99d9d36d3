//! What the scenarios share: steps laid, run and looked at.

use std::fs;
use std::path::{Path, PathBuf};

use prismq_faults::{Scratch, State, Step, inspect};
use rusqlite::Connection;

pub(crate) const FILE: &str = "queue.db";

/// A step's file, laid once and copied for each run of it, and what it holds before and after.
pub(crate) struct Laid {
    pub(crate) step: Step,
    template: Scratch,
    /// Once the step is prepared. Nothing for a step that creates its file.
    pub(crate) before: Option<State>,
    pub(crate) after: State,
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

    /// Where a file stands.
    pub(crate) fn place(&self, path: &Path) -> Place {
        let state = sound(path);
        if state == self.after {
            Place::After
        } else if Some(&state) == self.before.as_ref() {
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
pub(crate) fn sound(path: &Path) -> State {
    let state = inspect(path).unwrap();
    assert_eq!(state.problems, [""; 0], "{}", path.display());
    state
}
