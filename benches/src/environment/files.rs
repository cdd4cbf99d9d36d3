//! Reads the small files in which the kernel answers questions.

use std::fs;
use std::path::Path;

/// The whole text, or why there is none.
pub(super) fn text(path: impl AsRef<Path>) -> Result<String, String> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The only line of a file, or why there is none.
pub(super) fn line(path: impl AsRef<Path>) -> Result<String, String> {
    let path = path.as_ref();
    let line = text(path)?.trim().to_owned();
    if line.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(line) }
}

/// The first value of `key` in a text of lines `key : value`.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}
