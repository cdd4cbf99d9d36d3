//! Replaces control characters in a JSON text: a record may come from anyone, and its texts are shown in
//! terminals.

/// What stands for a control character, in an escape of the same length.
const REPLACEMENT: &[u8; 4] = b"fffd";

/// Replaces control characters in strings, but for line feeds and tabs, in place, so that an error still
/// names the right column.
pub(super) fn replace_controls(json: &mut [u8]) {
    let mut place = 0;
    while let Some((first, rest)) = json.get_mut(place..).and_then(<[u8]>::split_first_mut) {
        place += match (*first, rest) {
            (b'\\', [b'u', digits @ ..]) => {
                let [a, b, c, d, ..] = digits else { return };
                if is_control([*a, *b, *c, *d]) {
                    [*a, *b, *c, *d] = *REPLACEMENT;
                }
                6
            }
            (b'\\', [letter @ (b'b' | b'f' | b'r'), ..]) => {
                *letter = b't';
                2
            }
            (b'\\', _) => 2,
            (0x7F, _) => {
                *first = b'?';
                1
            }
            // U+0080 to U+009F in UTF-8.
            (0xC2, [second @ 0x80..=0x9F, ..]) => {
                *second = 0xA0;
                2
            }
            _ => 1,
        };
    }
}

fn is_control(digits: [u8; 4]) -> bool {
    let digits = std::str::from_utf8(&digits).unwrap_or_default();
    let character = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    character.is_some_and(|character| character.is_control() && !matches!(character, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_holds_control_characters() {
        let controls: String = ('\0'..='\u{9F}').filter(|each| each.is_control()).collect();
        let said = format!("{controls}a\\u001b\u{e9}\u{1F600}\"");
        for text in [serde_json::to_string(&said).unwrap(), escaped(&said)] {
            let mut replaced = text.clone().into_bytes();
            replace_controls(&mut replaced);
            assert_eq!(replaced.len(), text.len());
            let said: String = serde_json::from_slice(&replaced).unwrap();
            assert!(said.chars().all(|each| !each.is_control() || "\n\t".contains(each)));
            assert!(said.ends_with("a\\u001b\u{e9}\u{1F600}\""), "{said:?}");
        }
    }

    /// As a writer that escapes every character.
    fn escaped(said: &str) -> String {
        let units = said.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
        format!("\"{}\"", units.collect::<String>())
    }

    #[test]
    fn a_text_that_ends_in_an_escape_is_left_to_the_parser() {
        for text in ["\"\\", "\"\\u", "\"\\u00", "\"\\uzzzz\""] {
            let mut bytes = text.as_bytes().to_vec();
            replace_controls(&mut bytes);
            assert_eq!(bytes, text.as_bytes());
        }
    }
}
