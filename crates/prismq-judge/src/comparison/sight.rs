//! What a comparison could not have seen: where that is much, no regression found is no pass.

use super::headline::is_headline;
use super::{Change, Comparison, FloorSource, Row};

/// The largest change of a headline metric that may go unseen where nothing is called changed, unless a
/// larger one is the smallest that counts.
const UNSEEN_MAX: f64 = 0.5;

/// The most metrics that are named.
const NAMED: usize = 3;

impl Comparison {
    /// Why it does not tell that nothing got slower, one sentence each, with the least change that could
    /// have been seen; nothing where it does.
    #[must_use]
    pub fn blind_to(&self) -> Vec<String> {
        if self.not_comparable.is_some() || self.rows.is_empty() {
            return Vec::new();
        }
        self.whole().into_iter().chain(self.single()).chain(self.apart()).collect()
    }

    fn whole(&self) -> Option<String> {
        let family = self.family.filter(|family| !family.is_ruled_out(self.min_effect))?;
        Some(format!(
            "on the whole it is {} [{}, {}]: a slowdown of {} is not ruled out; could see {} and more",
            slower(family.slowdown),
            slower(family.interval.lower),
            slower(family.interval.upper),
            share(self.min_effect),
            share(family.detectable),
        ))
    }

    fn single(&self) -> Option<String> {
        let watched = self.watched();
        if watched.is_empty() {
            // What an operation takes by count needs no rounds. That nothing was lost says nothing of speed.
            let counted = |row: &Row| row.exact_within.is_some_and(|share| share > 0.0);
            let none = !self.rows.iter().any(|row| counted(row) && is_compared(row));
            return none
                .then(|| "no metric was measured in several rounds on both sides".to_owned());
        }
        let mut unseen: Vec<(&Row, f64)> =
            watched.iter().filter_map(|row| Some((*row, self.unseen(row)?))).collect();
        unseen.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let (worst, largest) = unseen.first()?;
        let names = unseen.iter().take(NAMED).map(|(row, _)| name(row));
        let names = names.collect::<Vec<_>>().join(", ");
        let more = unseen.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let why = match worst.floor.map(|floor| floor.source) {
            Some(FloorSource::Unknown) => ": no history",
            _ => "",
        };
        Some(format!(
            "{} of {} headline metrics could not be told ({names}{more}); could see {} and more{why}",
            unseen.len(),
            watched.len(),
            share(*largest),
        ))
    }

    /// The headline that both sides have and that is not comparable.
    fn apart(&self) -> Option<String> {
        let apart =
            |row: &&Row| is_headline(row) && matches!(row.change, Change::NotComparable { .. });
        let names: Vec<String> = self.rows.iter().filter(apart).map(name).collect();
        let count = names.len();
        (count > 0)
            .then(|| format!("{count} headline metrics are not comparable: {}", names.join(", ")))
    }

    /// The least change of a row that would have been found, where it is too large.
    fn unseen(&self, row: &Row) -> Option<f64> {
        let floor = row.floor.map_or(f64::INFINITY, |floor| floor.change);
        let open = match row.change {
            Change::Inconclusive => true,
            Change::Unchanged => floor > UNSEEN_MAX.max(self.min_effect),
            _ => false,
        };
        open.then_some(floor)
    }

    /// The headline as far as both sides have it; where they have none of it, all that was sampled.
    fn watched(&self) -> Vec<&Row> {
        let sampled = || self.rows.iter().filter(|row| row.interval.is_some());
        let headline: Vec<&Row> = sampled().filter(|row| is_headline(row)).collect();
        if headline.is_empty() { sampled().collect() } else { headline }
    }

    /// What the baseline has and this run has not, if anything.
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

/// Whether a row has figures on both sides that were held against each other.
fn is_compared(row: &Row) -> bool {
    matches!(row.change, Change::Improved | Change::Regressed | Change::Unchanged)
}
