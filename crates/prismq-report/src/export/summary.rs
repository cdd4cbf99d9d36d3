//! The summary of a step of GitHub Actions, which is refused as a whole if it is too long.

/// The most bytes a step's summary may have.
pub const SUMMARY_BYTES_MAX: usize = 1024 << 10;

const NOTE: &str = "\n\n*Cut here: the whole report is longer than a summary may be. `prismq-report report` \
                    writes it to a file.*\n";

/// As much of a text as `limit` bytes hold, cut after a line and with a note that says so; nothing where
/// not even the note has room.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(NOTE.len()) else { return String::new() };
    let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
    let kept = kept.rsplit_once('\n').map_or("", |(lines, _)| lines);
    format!("{kept}{NOTE}")
}
