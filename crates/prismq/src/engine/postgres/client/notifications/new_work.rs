//! Where commits brought work, as notifications say it: a pool that runs none of these tasks then need not look.

use std::collections::BTreeSet;

/// Of how many lanes a notification speaks at most; its payload must stay below 8 000 bytes.
const LANES_MAX: usize = 256;

/// Where commits brought work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum NewWork {
    #[default]
    None,
    /// In these lanes.
    Lanes(BTreeSet<i32>),
    Anywhere,
}

impl NewWork {
    pub(crate) fn lane(lane: i32) -> Self {
        Self::Lanes(BTreeSet::from([lane]))
    }

    pub(crate) fn in_lanes(lanes: BTreeSet<i32>) -> Self {
        match lanes.len() {
            0 => Self::None,
            1..=LANES_MAX => Self::Lanes(lanes),
            _ => Self::Anywhere,
        }
    }

    pub(crate) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Adds what another commit brought.
    pub(crate) fn add(&mut self, other: Self) {
        *self = match (std::mem::take(self), other) {
            (Self::None, work) | (work, Self::None) => work,
            (Self::Lanes(mut lanes), Self::Lanes(others)) => {
                lanes.extend(others);
                Self::in_lanes(lanes)
            }
            (Self::Anywhere, _) | (_, Self::Anywhere) => Self::Anywhere,
        };
    }

    /// Whether it may be in a lane of which this holds.
    pub(super) fn is_in(&self, is_served: impl Fn(i32) -> bool) -> bool {
        match self {
            Self::None => false,
            Self::Lanes(lanes) => lanes.iter().any(|lane| is_served(*lane)),
            Self::Anywhere => true,
        }
    }

    /// The payload of a notification: the lanes, or nothing for work anywhere.
    pub(super) fn payload(&self) -> String {
        match self {
            Self::None | Self::Anywhere => String::new(),
            Self::Lanes(lanes) => {
                let lanes: Vec<String> = lanes.iter().map(i32::to_string).collect();
                lanes.join(" ")
            }
        }
    }

    /// What the payload of a notification says. One that names no lanes stands for work anywhere.
    pub(super) fn from_payload(payload: &str) -> Self {
        let lanes: Result<BTreeSet<i32>, _> = payload.split(' ').map(str::parse).collect();
        lanes.map_or(Self::Anywhere, Self::Lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(lanes: impl IntoIterator<Item = i32>) -> NewWork {
        let mut work = NewWork::None;
        lanes.into_iter().for_each(|lane| work.add(NewWork::lane(lane)));
        work
    }

    #[test]
    fn a_payload_says_which_lanes_have_work() {
        for work in [lanes([7]), lanes([-1, 3, i32::MAX]), NewWork::Anywhere] {
            assert_eq!(NewWork::from_payload(&work.payload()), work);
        }
        for odd in ["", " ", "7 ", "all", "7 x", "99999999999"] {
            assert_eq!(NewWork::from_payload(odd), NewWork::Anywhere, "{odd:?}");
        }
    }

    #[test]
    fn work_in_many_lanes_is_anywhere() {
        let most = i32::try_from(LANES_MAX).unwrap();
        let mut work = lanes(0..most);
        assert!(work.is_in(|lane| lane == 0) && !work.is_in(|lane| lane == most));
        assert!(lanes((0..most).map(|lane| i32::MIN + lane)).payload().len() < 8_000);
        work.add(NewWork::lane(most));
        assert_eq!(work, NewWork::Anywhere);
        work.add(NewWork::lane(0));
        assert_eq!(work, NewWork::Anywhere);
    }

    #[test]
    fn nothing_is_in_no_lane() {
        let mut work = NewWork::None;
        work.add(NewWork::None);
        assert!(work.is_none() && !work.is_in(|_| true));
        work.add(NewWork::lane(1));
        work.add(NewWork::None);
        assert_eq!(work, NewWork::lane(1));
    }
}
