//! A summary of a comparison, in the form of rustc's performance suite: how many metrics became better and
//! worse, in which range, and their mean.

use prismq_record::Direction;
use prismq_statistics::{Bounds, geometric_mean};

use super::{Change, Row};

/// A summary of a comparison. Gains are relative, and positive if better, for both directions of metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// What improved.
    pub improved: Option<Group>,
    /// What regressed.
    pub regressed: Option<Group>,
    /// Every metric with a known relative change.
    pub all: Option<Group>,
}

/// Some metrics of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// How many.
    pub count: usize,
    /// The smallest and the largest gain.
    pub range: Bounds,
    /// The geometric mean of the gains.
    pub mean: f64,
}

impl Summary {
    pub(super) fn of(rows: &[Row]) -> Self {
        let those = |change: Change| rows.iter().filter(move |row| row.change == change);
        let compared = |row: &&Row| !matches!(row.change, Change::NotComparable { .. });
        Self {
            improved: Group::of(those(Change::Improved)),
            regressed: Group::of(those(Change::Regressed)),
            all: Group::of(rows.iter().filter(compared)),
        }
    }
}

impl Group {
    /// `None` if there is not one with a relative change.
    fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<Self> {
        let factors: Vec<f64> = rows.filter_map(factor).collect();
        let extreme = |best: fn(f64, f64) -> f64| factors.iter().copied().reduce(best);
        Some(Self {
            count: factors.len(),
            range: Bounds { lower: extreme(f64::min)? - 1.0, upper: extreme(f64::max)? - 1.0 },
            mean: geometric_mean(factors.iter().copied())? - 1.0,
        })
    }
}

/// How many times better a metric became.
fn factor(row: &Row) -> Option<f64> {
    let factor = 1.0 + row.delta?;
    let factor = match row.direction {
        Direction::Higher => factor,
        Direction::Lower => 1.0 / factor,
    };
    (factor > 0.0 && factor.is_finite()).then_some(factor)
}
