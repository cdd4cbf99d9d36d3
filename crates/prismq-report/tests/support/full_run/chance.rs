//! Numbers that look random, always the same.

/// Pseudo-random numbers (Vigna's splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A factor near one.
    pub(super) fn near(&mut self, reach: f64) -> f64 {
        1.0 + reach * (self.share() + self.share() - 1.0)
    }

    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }
}
