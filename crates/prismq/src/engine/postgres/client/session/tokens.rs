//! The tokens of leases that a session gives: above those of all earlier sessions, by its epoch; and, by a random start,
//! most likely other than those of a session with the same epoch, which a promoted standby may not have seen.

/// How far the tokens of two epochs are apart.
const TOKENS_PER_EPOCH: i64 = 1 << 30;
/// How far those of two sessions with one epoch are apart.
const TOKENS_PER_SESSION: i64 = 1 << 14;

/// The lowest token of a session with this epoch, drawn at random; each further claim of a task gives it one that is one
/// higher.
pub(super) fn draw_lowest(epoch: i64) -> i64 {
    epoch.saturating_mul(TOKENS_PER_EPOCH).saturating_add(
        fastrand::i64(0..TOKENS_PER_EPOCH / TOKENS_PER_SESSION) * TOKENS_PER_SESSION,
    )
}

/// Whether this may be the lowest token of a session.
pub(crate) const fn may_be_lowest(token: i64) -> bool {
    token % TOKENS_PER_SESSION == 0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_rise_with_the_epoch_and_differ_by_chance() {
        let drawn: Vec<i64> = (0..64).map(|_| draw_lowest(7)).collect();
        assert!(drawn.iter().all(|token| may_be_lowest(*token)));
        assert!(
            drawn.iter().all(|token| (7 * TOKENS_PER_EPOCH..8 * TOKENS_PER_EPOCH).contains(token))
        );
        assert!(drawn.iter().collect::<HashSet<_>>().len() > 32);
    }
}
