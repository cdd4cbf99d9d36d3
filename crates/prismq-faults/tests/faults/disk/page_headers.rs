//! Every byte of a queue file's header and of the header of each of its pages, changed in turn. The file is
//! refused and left as it is, or used: then each call is answered, and what a claim gives is what was enqueued.
//!
//! Failure mode: file: byte of a header changed | refused and unchanged, or every call is answered

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prismq::{Claim, Error, Handle, NewTask, Queue, TaskError, TaskId};
use prismq_check::soak;
use prismq_faults::Scratch;

use crate::support::FILE;

const PAGE: usize = 4096;
/// Of the file, before the first page's own.
const FILE_HEADER: usize = 100;
/// The longest of a page.
const PAGE_HEADER: usize = 12;

type Payloads = BTreeMap<TaskId, Vec<u8>>;

/// A small queue with a task in each state, one large, and one that is kept.
fn lay(path: &Path) -> Payloads {
    let queue = Queue::open(path).unwrap();
    queue.set_history("default", 5).unwrap();
    let tasks: Vec<NewTask> = (0..40).map(|number| NewTask::new("job", [number; 60])).collect();
    let ids = queue.enqueue_all(&tasks).unwrap();
    let mut payloads: Payloads =
        ids.iter().map(Handle::id).zip((0..40).map(|number| vec![number; 60])).collect();
    let large = queue.enqueue(NewTask::new("job", vec![50; 9_000])).unwrap().id();
    payloads.insert(large, vec![50; 9_000]);
    let leases = queue.claim(&Claim::new(["job"]).max(4)).unwrap();
    queue.complete(&leases[0]).unwrap();
    queue.fail(&leases[1], TaskError::permanent("no")).unwrap();
    queue.fail(&leases[2], "later").unwrap();
    payloads
}

/// What came of one change.
#[derive(Debug, Default)]
struct Tally {
    refused: u32,
    /// Opened, and a call was then answered that the file is damaged.
    found: u32,
    unnoticed: u32,
}

/// Uses the file in every way; whether some call found that it is damaged.
fn use_all(queue: &Queue, payloads: &Payloads) -> Result<(), Error> {
    queue.stats("default")?;
    for id in payloads.keys() {
        queue.task(*id)?;
    }
    let leases = queue.claim(&Claim::new(["job"]).max(30))?;
    for lease in &leases {
        assert_eq!(payloads.get(&lease.id()).map(Vec::as_slice), Some(lease.payload()));
    }
    for (number, lease) in leases.iter().enumerate() {
        match number % 4 {
            0 => queue.complete(lease)?,
            1 => queue.fail(lease, "no").map(drop)?,
            2 => queue.release(lease)?,
            _ => queue.extend(lease, std::time::Duration::from_secs(9)).map(drop)?,
        }
    }
    queue.enqueue(NewTask::new("job", vec![1; 5_000]))?;
    queue.enqueue(NewTask::new("new", [1]).queue("new"))?;
    queue.set_history("default", 0)
}

#[test]
fn a_flipped_page_header_is_refused_or_harmless() {
    let folder = Scratch::new().unwrap();
    let fixture = folder.file(FILE);
    let payloads = lay(&fixture);
    let bytes = fs::read(&fixture).unwrap();
    let soak = soak().is_some();
    let pages = bytes.len() / PAGE;
    let headers = (0..FILE_HEADER)
        .chain((0..pages).flat_map(|page| {
            let start = if page == 0 { FILE_HEADER } else { page * PAGE };
            start..start + PAGE_HEADER
        }))
        .enumerate();
    let flips = [0xFF_u8, 0x01, 0x80, 0x10];
    let mut tally = Tally::default();
    for (number, place) in headers {
        let chosen = if soak { &flips[..] } else { &flips[number % 4..=number % 4] };
        for flip in chosen {
            let mut flipped = bytes.clone();
            flipped[place] ^= flip;
            look(&flipped, &payloads, &format!("byte {place} xor {flip:#x}"), &mut tally);
        }
    }
    println!("{pages} pages: {tally:?}");
    assert!(tally.refused > 20 && tally.found > 20, "{tally:?}");
}

fn look(bytes: &[u8], payloads: &Payloads, what: &str, tally: &mut Tally) {
    let folder = Scratch::new().unwrap();
    let path = folder.file(FILE);
    fs::write(&path, bytes).unwrap();
    let queue = match Queue::open(&path) {
        Ok(queue) => queue,
        Err(error) => {
            assert!(names_the_file(&error), "{what}: {error:?}");
            assert!(fs::read(&path).unwrap() == bytes, "{what}: refused and changed");
            tally.refused += 1;
            return;
        }
    };
    match use_all(&queue, payloads) {
        Ok(()) => tally.unnoticed += 1,
        // A row that its page no longer shows is not leased.
        Err(Error::LeaseLost { .. }) => tally.unnoticed += 1,
        Err(error) => {
            assert!(names_the_file(&error), "{what}: {error:?}");
            tally.found += 1;
        }
    }
}

/// Whether it names the file as the cause: damaged, or by its header another program's, of a newer queue, or
/// of a newer SQLite, which cannot be read (`Database`) or written (`Unusable`).
const fn names_the_file(error: &Error) -> bool {
    error.is_corrupt()
        || matches!(
            error,
            Error::Foreign { .. }
                | Error::SchemaTooNew { .. }
                | Error::SchemaTooOld { .. }
                | Error::Database { .. }
                | Error::Unusable { .. }
        )
}
