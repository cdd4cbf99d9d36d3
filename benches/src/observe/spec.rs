//! What a metric is, and how the readings of several rounds become one figure.

use prismq_record::{ConfidenceInterval, Direction, Metric};
use prismq_statistics::{CONFIDENCE, SPREAD_OF_ROUNDS, median, median_interval};

use crate::base::number::as_f64;

/// How the readings of several rounds become the figure of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The median; the readings are kept too. For figures that vary by chance.
    Median,
    /// The only reading there is, which every round repeats. For what was found or set before the rounds:
    /// kept as samples it would look like something measured ten times that never varies.
    Given,
    /// The sum. For what must not happen at all, which a median would hide.
    Total,
    /// The worst reading, for the same reason.
    Worst,
}

/// How figures of two runs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// By statistics: chance moves them.
    ByStatistics,
    /// A change of more than one percent is a change: nothing but the program moves them.
    WithinOnePercent,
    /// Any change is a change: a count of what must not happen.
    Exactly,
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Name, with its unit where that is not plain.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Direction,
    /// How rounds are brought together.
    pub fold: Fold,
    /// How two runs' are compared.
    pub compared: Compared,
}

/// One reading of a metric in one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The metric.
    pub spec: Spec,
    /// Its value in this round.
    pub value: f64,
}

impl Spec {
    pub(super) const fn new(
        name: &'static str,
        unit: &'static str,
        better: Direction,
        fold: Fold,
    ) -> Self {
        let compared = Compared::ByStatistics;
        Self { name, unit, better, fold, compared }
    }

    /// The same metric where it is compared so.
    #[must_use]
    pub const fn compared(self, compared: Compared) -> Self {
        Self { compared, ..self }
    }

    /// The same metric where it was found before the rounds and is only repeated by them.
    #[must_use]
    pub const fn given(self) -> Self {
        Self { fold: Fold::Given, ..self }
    }

    /// A reading of this metric.
    #[must_use]
    pub const fn reads(self, value: f64) -> Reading {
        Reading { spec: self, value }
    }

    /// A reading that is a count.
    #[must_use]
    pub fn counts(self, count: u64) -> Reading {
        self.reads(as_f64(count))
    }

    /// The figure that follows from the readings of all rounds.
    #[must_use]
    pub fn fold(self, samples: Vec<f64>) -> Metric {
        let value = match (self.fold, self.better) {
            (Fold::Median | Fold::Given, _) => median(&samples),
            (Fold::Total, _) => (!samples.is_empty()).then(|| samples.iter().sum()),
            (Fold::Worst, Direction::Lower) => samples.iter().copied().reduce(f64::max),
            (Fold::Worst, Direction::Higher) => samples.iter().copied().reduce(f64::min),
        };
        let interval = (self.fold == Fold::Median).then(|| interval(&samples)).flatten();
        let several = self.fold == Fold::Median && samples.len() > 1;
        let reason = value.is_none().then(|| "no round was measured".to_owned());
        let samples = if several { samples } else { Vec::new() };
        Metric {
            name: self.name.to_owned(),
            unit: self.unit.to_owned(),
            value,
            reason,
            direction: self.better,
            samples,
            interval,
            floors: Vec::new(),
            exact_within: match self.compared {
                Compared::ByStatistics => None,
                Compared::WithinOnePercent => Some(0.01),
                Compared::Exactly => Some(0.0),
            },
        }
    }

    /// A figure taken once, or the reason why there is none.
    #[must_use]
    pub fn once(self, value: Result<f64, String>) -> Metric {
        match value {
            Ok(value) => self.fold(vec![value]),
            Err(reason) => Metric { reason: Some(reason), ..self.fold(Vec::new()) },
        }
    }
}

/// How far the rounds leave their median open, if there are enough of them.
#[must_use]
pub fn interval(samples: &[f64]) -> Option<ConfidenceInterval> {
    median_interval(samples).map(|bounds| ConfidenceInterval {
        level: CONFIDENCE,
        lower: bounds.lower,
        upper: bounds.upper,
        method: SPREAD_OF_ROUNDS.to_owned(),
        rounds: u64::try_from(samples.len()).unwrap_or(u64::MAX),
    })
}
