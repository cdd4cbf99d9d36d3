//! Payloads that carry the key of their task, and show whether a byte of them changed.

/// Bytes of a payload that hold the key; none is shorter.
const KEY_BYTES: usize = 8;

/// A payload of this many bytes, at least eight, for the task of this key.
#[must_use]
pub fn payload_of(key: u64, bytes: usize) -> Vec<u8> {
    let mut payload = key.to_le_bytes().to_vec();
    let mut filler = fastrand::Rng::with_seed(key);
    payload.resize_with(bytes.max(KEY_BYTES), || filler.u8(..));
    payload
}

/// The key of a payload made by [`payload_of`]; `None` if a byte of it is another.
#[must_use]
pub fn key_of(payload: &[u8]) -> Option<u64> {
    let key = u64::from_le_bytes(*payload.first_chunk()?);
    (payload_of(key, payload.len()) == payload).then_some(key)
}

/// The key of a task that a schedule enqueued for a slot: all tasks of the schedule have the same payload.
#[must_use]
pub(crate) fn key_of_slot(payload: &[u8], slot: Option<i64>) -> Option<u64> {
    let key = key_of(payload)?;
    let Some(slot) = slot else { return Some(key) };
    // By chance as good as unique among the keys of a history.
    let mut mixed = fastrand::Rng::with_seed(key ^ slot.unsigned_abs().rotate_left(20));
    Some(mixed.u64(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_shortened_payload_has_no_key() {
        let payload = payload_of(7, 100);
        assert_eq!(key_of(&payload), Some(7));
        assert_eq!(key_of(&payload_of(9, 0)), Some(9));
        let mut changed = payload.clone();
        changed[99] ^= 1;
        assert_eq!(key_of(&changed), None);
        assert_eq!(key_of(&payload[..7]), None);
    }
}
