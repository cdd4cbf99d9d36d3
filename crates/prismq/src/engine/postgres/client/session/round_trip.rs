//! How long the server worked on a statement, without the network.
//!
//! The statements of one round trip are answered one after the other: the last took the time between the last two
//! answers. Of one that was sent alone, the fastest first answer that the session has had is taken off, which is a round
//! trip and next to no work.

use std::time::{Duration, Instant};

/// The fastest first answer of a session.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip {
    least: Option<Duration>,
}

impl RoundTrip {
    /// How long the last statement took of those that were sent together at `sent` and answered at these times.
    pub(crate) fn of_last(&mut self, sent: Instant, answered: &[Instant]) -> Duration {
        let [first, ..] = answered else { return Duration::ZERO };
        let first = first.saturating_duration_since(sent);
        let least = self.least.map_or(first, |least| least.min(first));
        self.least = Some(least);
        match answered {
            [.., before, last] => last.saturating_duration_since(*before),
            _ => first.saturating_sub(least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_network_is_no_work_of_the_server() {
        let (mut trip, sent) = (RoundTrip::default(), Instant::now());
        assert_eq!(trip.of_last(sent, &[sent + 12 * MS, sent + 15 * MS]), 3 * MS);
        assert_eq!(trip.of_last(sent, &[sent + 10 * MS]), Duration::ZERO, "the fastest so far");
        assert_eq!(trip.of_last(sent, &[sent + 17 * MS]), 7 * MS);
        assert_eq!(trip.of_last(sent, &[]), Duration::ZERO);
    }
}
