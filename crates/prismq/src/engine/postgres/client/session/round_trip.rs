//! How long the server worked on a statement, without the network.
//!
//! The statements of one round trip are answered one after the other: each took the time since the answer before. Of the
//! first, the fastest first answer that the session has had is taken off, which is a round trip and next to no work.

use std::iter;
use std::time::{Duration, Instant};

/// The fastest first answer of a session.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip {
    least: Option<Duration>,
}

impl RoundTrip {
    /// How long each of the statements took that were sent together at `sent` and answered at these times.
    pub(crate) fn of_each(&mut self, sent: Instant, answered: &[Instant]) -> Vec<Duration> {
        let [first, ..] = answered else { return Vec::new() };
        let first = first.saturating_duration_since(sent);
        let least = self.least.map_or(first, |least| least.min(first));
        self.least = Some(least);
        let pairs = answered.iter().zip(answered.iter().skip(1));
        let others = pairs.map(|(before, at)| at.saturating_duration_since(*before));
        iter::once(first.saturating_sub(least)).chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_network_is_no_work_of_the_server() {
        let (mut trip, sent) = (RoundTrip::default(), Instant::now());
        assert_eq!(trip.of_each(sent, &[sent + 12 * MS, sent + 15 * MS]), [Duration::ZERO, 3 * MS]);
        assert_eq!(trip.of_each(sent, &[sent + 10 * MS]), [Duration::ZERO], "the fastest so far");
        assert_eq!(trip.of_each(sent, &[sent + 17 * MS, sent + 18 * MS]), [7 * MS, MS]);
        assert_eq!(trip.of_each(sent, &[]), []);
    }
}
