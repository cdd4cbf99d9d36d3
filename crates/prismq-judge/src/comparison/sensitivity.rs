//! The sensitivity of a comparison: where a large slowdown could not have been detected, finding none is
//! inconclusive.

use super::headline::is_headline;
use super::{Change, Comparison, FloorSource, Row};

/// The largest change of a headline metric that may go undetected, unless the minimum effect is larger.
const UNDETECTED_MAX: f64 = 0.5;

/// The most metrics that a sentence names.
const NAMED: usize = 3;

impl Comparison {
    /// Where a slowdown could have gone undetected, one sentence each, with the smallest detectable change; empty
    /// if nowhere.
    #[must_use]
    pub fn blind_spots(&self) -> Vec<String> {
        if self.not_comparable.is_some() || self.rows.is_empty() {
            return Vec::new();
        }
        self.overall_blind_spot()
            .into_iter()
            .chain(self.single())
            .chain(self.not_compared())
            .collect()
    }

    fn overall_blind_spot(&self) -> Option<String> {
        let overall = self.overall.filter(|overall| !overall.is_ruled_out(self.min_effect))?;
        Some(format!(
            "overall it is {} [{}, {}]: a slowdown of {} is not ruled out; detectable is {} and more",
            slower(overall.slowdown),
            slower(overall.interval.lower),
            slower(overall.interval.upper),
            share(self.min_effect),
            share(overall.detectable),
        ))
    }

    fn single(&self) -> Option<String> {
        let watched = self.watched();
        if watched.is_empty() {
            // Exact counts of an operation's cost need no rounds; that nothing was lost does not show its speed.
            let counted = |row: &Row| row.exact_within.is_some_and(|share| share > 0.0);
            let none = !self.rows.iter().any(|row| counted(row) && is_compared(row));
            return none
                .then(|| "no metric was measured in several rounds on both sides".to_owned());
        }
        let mut undetected: Vec<(&Row, f64)> =
            watched.iter().filter_map(|row| Some((*row, self.undetected(row)?))).collect();
        undetected.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let (worst, largest) = undetected.first()?;
        let names = undetected.iter().take(NAMED).map(|(row, _)| name(row));
        let names = names.collect::<Vec<_>>().join(", ");
        let more = undetected.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let why = match worst.floor.map(|floor| floor.source) {
            Some(FloorSource::Unknown) => ": no history",
            _ => "",
        };
        Some(format!(
            "{} of {} headline metrics are inconclusive ({names}{more}); detectable is {} and more{why}",
            undetected.len(),
            watched.len(),
            share(*largest),
        ))
    }

    /// The headline metrics of both sides that are not comparable.
    fn not_compared(&self) -> Option<String> {
        let apart =
            |row: &&Row| is_headline(row) && matches!(row.change, Change::NotComparable { .. });
        let names: Vec<String> = self.rows.iter().filter(apart).map(name).collect();
        let count = names.len();
        (count > 0)
            .then(|| format!("{count} headline metrics are not comparable: {}", names.join(", ")))
    }

    /// The smallest detectable change of a row, if it is too large.
    fn undetected(&self, row: &Row) -> Option<f64> {
        let floor = row.floor.map_or(f64::INFINITY, |floor| floor.change);
        let open = match row.change {
            Change::Inconclusive => true,
            Change::Unchanged => floor > UNDETECTED_MAX.max(self.min_effect),
            _ => false,
        };
        open.then_some(floor)
    }

    /// The headline metrics of both sides; if there are none, all that were sampled.
    fn watched(&self) -> Vec<&Row> {
        let sampled = || self.rows.iter().filter(|row| row.interval.is_some());
        let headline: Vec<&Row> = sampled().filter(|row| is_headline(row)).collect();
        if headline.is_empty() { sampled().collect() } else { headline }
    }

    /// How many metrics the baseline has and this run has not, if any.
    #[must_use]
    pub fn not_measured(&self) -> Option<String> {
        let missing = self.count(&Change::Missing);
        (missing > 0).then(|| format!("{missing} metrics of {} were not measured", self.baseline))
    }
}

fn name(row: &Row) -> String {
    format!("{}:{}", row.scenario, row.metric)
}

fn share(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn slower(slowdown: f64) -> String {
    if slowdown < 0.0 {
        format!("{:.1} % faster", -100.0 * slowdown)
    } else {
        format!("{:.1} % slower", 100.0 * slowdown)
    }
}

/// Whether a row has figures on both sides that were compared.
fn is_compared(row: &Row) -> bool {
    matches!(row.change, Change::Improved | Change::Regressed | Change::Unchanged)
}
