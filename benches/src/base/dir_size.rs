//! How much room a directory takes on its disk.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The unit of `st_blocks`.
const BLOCK: u64 = 512;

/// The bytes that are allocated to all files below a directory. What is removed meanwhile does not count.
///
/// # Errors
/// If the directory cannot be read.
pub fn dir_size(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)?.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += metadata.blocks() * BLOCK;
        if metadata.is_dir() {
            bytes += dir_size(&entry.path()).unwrap_or(0);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_by_what_is_allocated_to_them_also_in_directories_below() {
        let directory = tempfile::tempdir().unwrap();
        let empty = dir_size(directory.path()).unwrap();
        let below = directory.path().join("below");
        fs::create_dir(&below).unwrap();
        fs::write(below.join("file"), vec![1; 100_000]).unwrap();
        fs::File::create(below.join("sparse")).unwrap().set_len(1 << 30).unwrap();
        // A file system may allocate when it writes back.
        fs::File::open(below.join("file")).unwrap().sync_all().unwrap();
        let grown = dir_size(directory.path()).unwrap() - empty;
        assert!((100_000..1_000_000).contains(&grown), "{grown}");
        assert!(dir_size(&directory.path().join("none")).is_err());
    }
}
