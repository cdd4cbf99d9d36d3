//! Payloads: the token of a task in 16 hexadecimal digits, then filler. Their bytes are the same in every driver.

/// Fewest bytes of a payload.
pub const SHORTEST: usize = 16;
/// What follows the token.
const FILLER: char = 'x';

/// The payload of a task, of this many bytes and at least [`SHORTEST`].
#[must_use]
pub fn payload(token: u64, bytes: usize) -> String {
    let mut payload = String::with_capacity(bytes.max(SHORTEST));
    payload.push_str(&format!("{token:016x}"));
    payload.extend(std::iter::repeat_n(FILLER, bytes.saturating_sub(SHORTEST)));
    payload
}

/// The token at the head of a payload; `None` if it has none.
#[must_use]
pub fn token_of(payload: &[u8]) -> Option<u64> {
    let digits = payload.get(..SHORTEST)?;
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !digits.iter().all(is_digit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The CRC-32 (IEEE) of a payload.
#[must_use]
pub fn checksum(payload: &[u8]) -> u32 {
    crc32fast::hash(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_begins_with_its_token() {
        assert_eq!(payload(291, 20), "0000000000000123xxxx");
        assert_eq!(payload(u64::MAX, 0), "ffffffffffffffff");
        assert_eq!(token_of(payload(u64::MAX, 64).as_bytes()), Some(u64::MAX));
        assert_eq!(token_of(b"000000000000012"), None);
        assert_eq!(token_of(b"+00000000000012x"), None);
        assert_eq!(token_of(b"000000000000012Gxxx"), None);
    }

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }
}
