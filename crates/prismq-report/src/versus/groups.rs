//! Queues that are ranked together: those of one class of durability.

use prismq_record::{Contender, VersusRecord};

use super::Section;
use super::chart::{Chart, Row};
use super::ranking::{Place, places};
use super::sections::{texts, title};
use crate::render::number;

/// The classes, strictest first, with what an acknowledged task survives.
const CLASSES: [(&str, &str); 4] = [
    ("S", "synced before the answer: it survives a power cut"),
    ("P", "synced some time after the answer: a power cut may undo the last moments"),
    ("C", "it survives the end of the process, not a power cut"),
    ("M", "in memory: it does not survive the end of the process"),
];
const RATES: &str = "Tasks a second; in brackets the share of the best, with its 95 % interval";
const TIMES: &str = "Milliseconds; in brackets how many times the best, with its 95 % interval";
const UNVERIFIED: &str = "its durability could not be verified here";

/// The charts that belong to the section with this heading, one for each figure.
pub(super) fn charts(record: &VersusRecord, heading: &str) -> Vec<Chart> {
    let group = groups(record).into_iter().find(|group| group.heading == heading);
    group.map(|group| group.charts()).unwrap_or_default()
}

/// Queues that are ranked together, by their rates or by their times.
pub(super) struct Group<'a> {
    heading: String,
    meaning: &'static str,
    contenders: Vec<&'a Contender>,
    is_rate: bool,
}

/// Whether it has figures that may be used.
const fn is_ranked(contender: &Contender) -> bool {
    contender.faults.is_empty() && contender.not_offered.is_none()
}

/// All groups, the strictest class first.
pub(super) fn groups(record: &VersusRecord) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let classes = CLASSES.map(|(class, meaning)| (Some(class), format!("Class {class}"), meaning));
    for (class, name, meaning) in
        classes.into_iter().chain([(None, "Not verified".to_owned(), UNVERIFIED)])
    {
        let is_member = |contender: &&Contender| {
            contender.verified.value.as_deref() == class && is_ranked(contender)
        };
        let contenders: Vec<&Contender> = record.contenders.iter().filter(is_member).collect();
        for (what, is_rate) in [("rates", true), ("times", false)] {
            let heading = format!("{name}, {what}");
            groups.push(Group { heading, meaning, contenders: contenders.clone(), is_rate });
        }
    }
    groups
}

impl<'a> Group<'a> {
    /// Workloads with their metrics, in the order in which they were measured.
    fn columns(&self) -> Vec<(&'a str, &'a str)> {
        let mut columns = Vec::new();
        for figure in self.contenders.iter().flat_map(|contender| &contender.figures) {
            let column = (figure.workload.as_str(), figure.metric.as_str());
            if (figure.unit == "tasks/s") == self.is_rate && !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    fn name(&self, (workload, metric): (&str, &str)) -> String {
        if self.is_rate {
            workload.to_owned()
        } else {
            format!("{workload}: {}", metric.trim_end_matches("_ms"))
        }
    }

    /// Its table; `None` if nothing was measured.
    pub(super) fn table(&self) -> Option<Section> {
        let columns = self.columns();
        if columns.is_empty() {
            return None;
        }
        let mut header = texts(["queue"]);
        header.extend(columns.iter().map(|column| self.name(*column)));
        let cells: Vec<Vec<Option<Place>>> = columns
            .iter()
            .map(|(workload, metric)| places(&self.contenders, workload, metric))
            .collect();
        let mut rows: Vec<(f64, Vec<String>)> = Vec::new();
        for (index, contender) in self.contenders.iter().enumerate() {
            let places: Vec<Option<Place>> =
                cells.iter().map(|column| column.get(index).copied().flatten()).collect();
            let mut row = vec![title(contender)];
            row.extend(
                places.iter().map(|place| place.as_ref().map_or_else(|| "–".to_owned(), shown)),
            );
            rows.push((order(&places, self.is_rate), row));
        }
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        let note = if self.is_rate { RATES } else { TIMES };
        Some(Section {
            heading: self.heading.clone(),
            note: format!("{}. {note}.", self.meaning),
            header,
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        })
    }

    /// A chart of each column.
    fn charts(&self) -> Vec<Chart> {
        let chart = |(workload, metric): (&'a str, &'a str)| {
            let places = places(&self.contenders, workload, metric);
            let row = |(contender, place): (&&Contender, Option<Place>)| {
                let Place { median, ratio, interval } = place?;
                let unit = if self.is_rate { "/s" } else { " ms" };
                let figure = format!("{}{unit}", number(median));
                Some(Row { name: title(contender), figure, ratio, interval })
            };
            let mut rows: Vec<Row> = self.contenders.iter().zip(places).filter_map(row).collect();
            rows.sort_by(|one, other| match self.is_rate {
                true => other.ratio.total_cmp(&one.ratio),
                false => one.ratio.total_cmp(&other.ratio),
            });
            Chart { title: self.name((workload, metric)), rows }
        };
        self.columns().into_iter().map(chart).collect()
    }
}

/// The best first: by the geometric mean of the ratios.
fn order(places: &[Option<Place>], is_rate: bool) -> f64 {
    let ratios = places.iter().flatten().map(|place| place.ratio);
    match prismq_statistics::geometric_mean(ratios) {
        None => f64::INFINITY,
        Some(mean) if is_rate => -mean,
        Some(mean) => mean,
    }
}

fn shown(place: &Place) -> String {
    let Place { median, ratio, interval } = place;
    match interval {
        // The best took no time that the clock can show.
        _ if !ratio.is_finite() => number(*median),
        None if *ratio == 1.0 => format!("{} (best)", number(*median)),
        None => format!("{} ({ratio:.2})", number(*median)),
        Some(interval) => {
            format!(
                "{} ({ratio:.2}; {:.2} to {:.2})",
                number(*median),
                interval.lower,
                interval.upper
            )
        }
    }
}
