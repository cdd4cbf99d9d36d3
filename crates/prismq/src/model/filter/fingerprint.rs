//! The fingerprint of an error: the same for errors that differ only in numbers, ids, paths and quoted text.

use std::fmt;
use std::str::FromStr;

use crate::model::{Error, Result};

/// Identifies a kind of error by its text, with what differs from task to task folded: numbers, UUIDs and other
/// hexadecimal ids, paths, and quoted text.
///
/// It depends on the text alone, and is the same in every process and version of the library.
///
/// # Examples
/// ```
/// use prismq::Fingerprint;
///
/// let one = Fingerprint::of("connect to 10.0.0.7:5432: refused (attempt 3)");
/// let other = Fingerprint::of("connect to 10.0.0.9:5432: refused (attempt 41)");
/// assert_eq!(one, other);
/// assert_eq!(one.to_string().parse::<Fingerprint>()?, one); // 16 hexadecimal digits
/// # Ok::<(), prismq::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

/// A number in a folded text.
const NUMBER: &str = "<n>";
/// An id: a UUID, or another long hexadecimal number.
const ID: &str = "<id>";
/// A path.
const PATH: &str = "<path>";
/// Quoted text.
const QUOTED: &str = "<text>";
/// Hexadecimal digits from which on a word of them is an id.
const HEX_ID_DIGITS: usize = 8;

impl Fingerprint {
    /// The fingerprint of an error's text.
    #[must_use]
    pub fn of(error: &str) -> Self {
        // FNV-1a: small, and the same for ever.
        let hash = folded(error).bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self> {
        let is_digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| {
            Error::invalid("fingerprint", format!("{text:?}, must be 16 hexadecimal digits"))
        })
    }
}

/// The text with what varies replaced.
pub(super) fn folded(error: &str) -> String {
    let mut folded = String::with_capacity(error.len());
    let mut rest = error;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let (taken, replaced) = if let Some(quoted) = quoted(rest, before) {
            (quoted, QUOTED)
        } else if is_part_of_word(first) {
            let end = rest.find(|letter| !is_part_of_word(letter)).unwrap_or(rest.len());
            let (word, _) = rest.split_at(end);
            fold_word(word, &mut folded);
            (end, "")
        } else {
            folded.push(first);
            (first.len_utf8(), "")
        };
        folded.push_str(replaced);
        before = rest.get(..taken).and_then(|taken| taken.chars().next_back());
        rest = rest.get(taken..).unwrap_or_default();
    }
    folded
}

/// The length of the quoted text that the rest begins with, quotes included. An apostrophe within a word is no quote.
fn quoted(rest: &str, before: Option<char>) -> Option<usize> {
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    if quote == '\'' && before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let inner = rest.get(1..)?;
    let ends = inner.match_indices(quote).map(|(at, _)| at);
    let closes = |at: &usize| {
        let after = inner.get(at + 1..).and_then(|after| after.chars().next());
        quote != '\'' || !after.is_some_and(char::is_alphanumeric)
    };
    ends.into_iter().find(closes).map(|at| at + 2)
}

/// Whether a letter belongs to a word that is folded as a whole: one of a path, an address or an id.
const fn is_part_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '/' | '\\' | '.' | '-' | '_' | '~' | ':' | '%')
}

fn fold_word(word: &str, folded: &mut String) {
    // Punctuation at the end belongs to the sentence.
    let core = word.trim_end_matches(['.', ':', '-']);
    let (core, end) = word.split_at(core.len());
    if let Some((scheme, address)) = core.split_once("://") {
        // The host says which service failed; its path varies.
        folded.push_str(scheme);
        folded.push_str("://");
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        fold_numbers(host, folded);
        folded.push_str(if path.is_empty() { "" } else { PATH });
    } else if is_path(core) {
        folded.push_str(PATH);
    } else {
        for (index, part) in core.split(':').enumerate() {
            folded.push_str(if index > 0 { ":" } else { "" });
            if is_id(part) {
                folded.push_str(ID);
            } else {
                fold_numbers(part, folded);
            }
        }
    }
    folded.push_str(end);
}

/// A path of Unix or Windows; `read/write` is none.
fn is_path(word: &str) -> bool {
    let rooted = ["/", "./", "../", "~/", "\\\\"].iter().any(|root| word.starts_with(root));
    let drive = word.get(1..).is_some_and(|rest| rest.starts_with(":\\") || rest.starts_with(":/"));
    (rooted && word.len() > 1) || drive || word.matches('/').count() > 1
}

/// A UUID, or a word of hexadecimal digits that is long and not only letters.
fn is_id(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_uuid = || {
        let lengths = digits.split('-').map(str::len);
        lengths.eq([8, 4, 4, 4, 12]) && digits.split('-').all(hex)
    };
    is_uuid() || (hex(digits) && digits.len() >= HEX_ID_DIGITS && has_letter && has_digit)
}

/// Replaces numbers, with their dots, by [`NUMBER`].
fn fold_numbers(text: &str, folded: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        folded.push_str(before);
        folded.push_str(NUMBER);
        let end = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        rest = number.get(end.unwrap_or(number.len())..).unwrap_or_default();
    }
    folded.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_from_task_to_task_is_folded() {
        for (text, expected) in [
            ("timed out after 12.5s", "timed out after <n>s"),
            ("connect to 10.0.0.7:5432: refused.", "connect to <n>:<n>: refused."),
            ("worker-17 lost order 00000881", "worker-<n> lost order <n>"),
            ("no user 6f9619ff-8b86-d011-b42d-00cf4fc964ff", "no user <id>"),
            ("commit 9fceb02d0ae5, page 0x7f3a91c0", "commit <id>, page <id>"),
            ("cannot open /var/lib/app/7.db: denied", "cannot open <path>: denied"),
            (r"cannot open C:\app\7.db", "cannot open <path>"),
            ("GET https://api.example/v1/orders/7: 503", "GET https://api.example<path>: <n>"),
            ("unknown name \"ann\" in 'the file'", "unknown name <text> in <text>"),
            ("it isn't there, don't retry", "it isn't there, don't retry"),
            ("read/write of deadbeef failed: added", "read/write of deadbeef failed: added"),
            ("straße 7 ist zu: ünicode", "straße <n> ist zu: ünicode"),
            ("an \"open quote 7", "an \"open quote <n>"),
            ("", ""),
        ] {
            assert_eq!(folded(text), expected);
        }
    }

    #[test]
    fn fingerprints_of_different_errors_differ_and_do_not_change_between_versions() {
        let refused = Fingerprint::of("connect to api.example: connection refused");
        assert_ne!(refused, Fingerprint::of("connect to api.example: connection reset"));
        assert_eq!(Fingerprint::of("").to_string(), "cbf29ce484222325");
        assert_eq!(refused.to_string().parse::<Fingerprint>().unwrap(), refused);
        for text in ["", "12", "+bf29ce484222325", "cbf29ce48422232g", "cbf29ce4842223255"] {
            assert!(
                matches!(text.parse::<Fingerprint>(), Err(Error::InvalidInput { .. })),
                "{text}"
            );
        }
    }
}
