//! The disks that a power cut could leave.
//!
//! What was synced survives. Of what was written since, any part may: nothing, all, the first writes with the last of
//! them torn, or any of the writes or of their sectors. Names that were created or deleted without a sync of the folder
//! may or may not survive. Writes to one sector stay in order, and a torn write changes no byte outside of its range,
//! which SQLite relies on too (`powersafe overwrite`).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fastrand::Rng;

use crate::disk::journal::{Event, Inode, Journal};
use crate::error::{Error, Result};

/// What devices may tear writes at: old disks' sectors and today's.
const OLD_SECTOR: usize = 512;
const SECTOR: usize = 4096;

/// A journal being played up to the moment of a cut.
#[derive(Debug)]
pub struct PowerCut<'a> {
    journal: &'a Journal,
    position: usize,
    files: BTreeMap<Inode, File>,
    names: BTreeMap<String, Inode>,
    /// Names created (with the file) and deleted since the folder was last synced.
    renamed: Vec<(&'a str, Option<Inode>)>,
    rng: Rng,
}

#[derive(Debug, Default, Clone)]
struct File {
    durable: Vec<u8>,
    /// Indexes of events that no sync followed.
    pending: Vec<usize>,
}

/// The files of a folder.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Their bytes by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Image {
    /// Writes the files into an empty folder.
    ///
    /// # Errors
    /// One cannot be written.
    pub fn write_to(&self, folder: &Path) -> Result<()> {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(Error::file(path))?;
        }
        Ok(())
    }
}

/// How much of what was pending survives.
#[derive(Debug, Clone, Copy)]
enum Survival {
    Nothing,
    Everything,
    /// This many writes, and some sectors of the next.
    Prefix {
        whole: usize,
        sector: usize,
    },
    /// Any of the writes.
    Writes,
    /// Any sectors of any of the writes.
    Sectors(usize),
}

impl<'a> PowerCut<'a> {
    /// At the beginning of this journal.
    #[must_use]
    pub fn new(journal: &'a Journal, seed: u64) -> Self {
        let mut files = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (name, inode, bytes) in &journal.before {
            files.insert(*inode, File { durable: bytes.clone(), pending: Vec::new() });
            names.insert(name.clone(), *inode);
        }
        let rng = Rng::with_seed(seed);
        Self { journal, position: 0, files, names, renamed: Vec::new(), rng }
    }

    /// Plays on until just before event number `position`. It never goes back.
    pub fn play_to(&mut self, position: usize) {
        let journal = self.journal;
        for (index, event) in journal.events.iter().enumerate().take(position).skip(self.position) {
            self.play(index, event);
            self.position = index + 1;
        }
    }

    fn play(&mut self, index: usize, event: &'a Event) {
        match event {
            Event::Create { name, inode } => {
                self.files.insert(*inode, File::default());
                self.renamed.push((name, Some(*inode)));
            }
            Event::Delete { name } => self.renamed.push((name, None)),
            Event::Write { inode, .. } | Event::Truncate { inode, .. } => {
                self.files.entry(*inode).or_default().pending.push(index);
            }
            Event::Sync { inode } => {
                let file = self.files.entry(*inode).or_default();
                for index in file.pending.drain(..) {
                    if let Some(event) = self.journal.events.get(index) {
                        apply(&mut file.durable, event);
                    }
                }
            }
            Event::SyncFailed { inode } => {
                let survival = Survival::Sectors(SECTOR);
                let journal = self.journal;
                let file = self.files.entry(*inode).or_default();
                let pending = std::mem::take(&mut file.pending);
                apply_surviving(journal, &mut self.rng, &mut file.durable, &pending, survival);
            }
            Event::SyncFolder => {
                for (name, inode) in self.renamed.drain(..) {
                    rename(&mut self.names, name, inode);
                }
            }
        }
    }

    /// One of the disks that a cut at this moment could leave. The shared memory, `-shm`, is never on it.
    pub fn image(&mut self) -> Image {
        let mut names = self.names.clone();
        // How many changes of each name survive, from the first on.
        let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, _) in &self.renamed {
            *kept.entry(name).or_default() += 1;
        }
        let all = self.rng.bool();
        for count in kept.values_mut() {
            *count = if all { *count } else { self.rng.usize(0..=*count) };
        }
        for (name, inode) in &self.renamed {
            if let Some(left) = kept.get_mut(name).filter(|left| **left > 0) {
                *left -= 1;
                rename(&mut names, name, *inode);
            }
        }
        let survival = self.draw();
        let mut image = Image::default();
        for (name, inode) in names {
            let Some(file) = self.files.get(&inode) else { continue };
            let mut bytes = file.durable.clone();
            apply_surviving(self.journal, &mut self.rng, &mut bytes, &file.pending, survival);
            image.files.insert(name, bytes);
        }
        image
    }

    fn draw(&mut self) -> Survival {
        let pending = self.files.values().map(|file| file.pending.len()).max().unwrap_or(0);
        let sector = if self.rng.bool() { OLD_SECTOR } else { SECTOR };
        match self.rng.u8(0..10) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            2..5 => Survival::Prefix { whole: self.rng.usize(0..=pending), sector },
            5..7 => Survival::Writes,
            _ => Survival::Sectors(sector),
        }
    }
}

fn rename(names: &mut BTreeMap<String, Inode>, name: &str, inode: Option<Inode>) {
    match inode {
        Some(inode) => names.insert(name.to_owned(), inode),
        None => names.remove(name),
    };
}

fn apply_surviving(
    journal: &Journal,
    rng: &mut Rng,
    bytes: &mut Vec<u8>,
    pending: &[usize],
    survival: Survival,
) {
    for (place, index) in pending.iter().enumerate() {
        let Some(event) = journal.events.get(*index) else { continue };
        match survival {
            Survival::Nothing => {}
            Survival::Everything => apply(bytes, event),
            Survival::Prefix { whole, .. } if place < whole => apply(bytes, event),
            Survival::Prefix { whole, sector } if place == whole => tear(bytes, event, sector, rng),
            Survival::Prefix { .. } => {}
            Survival::Writes => {
                if rng.bool() {
                    apply(bytes, event);
                }
            }
            Survival::Sectors(sector) => tear(bytes, event, sector, rng),
        }
    }
}

fn apply(bytes: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Write { offset, bytes: written, .. } => put(bytes, *offset, written),
        Event::Truncate { size, .. } => bytes.resize(*size, 0),
        _ => {}
    }
}

/// Some sectors of a write; all or nothing of a cut. A file may have grown though its new end was not
/// written.
fn tear(bytes: &mut Vec<u8>, event: &Event, sector: usize, rng: &mut Rng) {
    let Event::Write { offset, bytes: written, .. } = event else {
        if rng.bool() {
            apply(bytes, event);
        }
        return;
    };
    if rng.bool() && bytes.len() < offset + written.len() {
        bytes.resize(offset + written.len(), 0);
    }
    let mut at = *offset;
    let mut rest = written.as_slice();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(sector - at % sector));
        if rng.bool() {
            put(bytes, at, piece);
        }
        at += piece.len();
        rest = after;
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    let end = offset + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(offset..end) {
        place.copy_from_slice(written);
    }
}
