//! What the file says of itself: the library reports none of its settings.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const MAGIC: &[u8] = b"redb";
/// Where redb keeps its flags, and the one of commits that are synced twice.
const FLAGS: usize = 9;
const TWO_PHASE_COMMIT: u8 = 4;

pub(crate) fn settings(path: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut head = [0; FLAGS + 1];
    File::open(path)?.read_exact(&mut head)?;
    if !head.starts_with(MAGIC) {
        return Err(io::Error::other(format!("{} is not a file of redb", path.display())));
    }
    let is_twice = head[FLAGS] & TWO_PHASE_COMMIT != 0;
    Ok([("two_phase_commit".to_owned(), is_twice.to_string())].into())
}
