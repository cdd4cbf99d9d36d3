//! Queues that are ranked together: those of one class of durability.

use prismq_record::{Contender, VersusFigure, VersusRecord};

use super::Section;
use super::chart::{Chart, Row};
use super::ranking::{Place, figure, places};
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
const COSTS: &str = "What each takes, in the unit of the column; in brackets how many times the best, with its 95 % interval";
const UNVERIFIED: &str = "its durability could not be verified here";

/// The charts that belong to the section with this heading, one for each figure.
pub(super) fn charts(record: &VersusRecord, heading: &str) -> Vec<Chart> {
    let group = groups(record).into_iter().find(|group| group.heading == heading);
    group.map(|group| group.charts()).unwrap_or_default()
}

/// Figures that share a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rates,
    Times,
    /// What queues use: processors, memory, disks.
    Costs,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Rates, Self::Times, Self::Costs];

    fn of(unit: &str) -> Self {
        match unit {
            "tasks/s" => Self::Rates,
            "ms" => Self::Times,
            _ => Self::Costs,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rates => "rates",
            Self::Times => "times",
            Self::Costs => "costs",
        }
    }

    const fn note(self) -> &'static str {
        match self {
            Self::Rates => RATES,
            Self::Times => TIMES,
            Self::Costs => COSTS,
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Column<'a> {
    workload: &'a str,
    metric: &'a str,
    unit: &'a str,
    unranked: bool,
}

impl Column<'_> {
    fn name(&self) -> String {
        let Self { workload, metric, unit, .. } = self;
        match Kind::of(unit) {
            Kind::Rates => (*workload).to_owned(),
            Kind::Times => {
                let quantile = metric.trim_end_matches("_ms").trim_start_matches("begun_");
                format!("{workload}: {quantile}")
            }
            Kind::Costs => {
                let what = metric.split('_').next().unwrap_or_default();
                match unit.starts_with(what) {
                    true => format!("{workload}, {unit}"),
                    false => format!("{workload}: {what}, {unit}"),
                }
            }
        }
    }

    fn figure(&self, value: f64) -> String {
        let value = number(value);
        match Kind::of(self.unit) {
            Kind::Rates => format!("{value}/s"),
            Kind::Times | Kind::Costs => format!("{value} {}", self.unit),
        }
    }
}

/// Most figures of a table: more are wider than a page.
const COLUMNS_MAX: usize = 8;

/// Queues that are ranked together by some figures of one kind.
pub(super) struct Group<'a> {
    heading: String,
    meaning: &'static str,
    contenders: Vec<&'a Contender>,
    kind: Kind,
    columns: Vec<Column<'a>>,
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
        for kind in Kind::ALL {
            let all = columns(&contenders, kind);
            for (part, columns) in all.chunks(COLUMNS_MAX).enumerate() {
                let continued = if part > 0 { ", continued" } else { "" };
                let heading = format!("{name}, {}{continued}", kind.name());
                let (contenders, columns) = (contenders.clone(), columns.to_vec());
                groups.push(Group { heading, meaning, contenders, kind, columns });
            }
        }
    }
    groups
}

/// Workloads with their metrics of this kind, in the order in which they were measured.
fn columns<'a>(contenders: &[&'a Contender], kind: Kind) -> Vec<Column<'a>> {
    let mut columns = Vec::new();
    for figure in contenders.iter().flat_map(|contender| &contender.figures) {
        let VersusFigure { workload, metric, unit, unranked, .. } = figure;
        let column = Column { workload, metric, unit, unranked: *unranked };
        if Kind::of(unit) == kind && !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

impl<'a> Group<'a> {
    fn places(&self, column: Column<'_>) -> Vec<Option<Place>> {
        places(&self.contenders, column.workload, column.metric)
    }

    /// Its table.
    pub(super) fn table(&self) -> Section {
        let columns = &self.columns;
        let mut header = texts(["queue"]);
        header.extend(columns.iter().map(Column::name));
        let cells: Vec<Vec<Option<Place>>> =
            columns.iter().map(|column| self.places(*column)).collect();
        let mut rows: Vec<((f64, usize), Vec<String>)> = Vec::new();
        for (index, contender) in self.contenders.iter().enumerate() {
            let places: Vec<Option<Place>> =
                cells.iter().map(|column| column.get(index).copied().flatten()).collect();
            let mut row = vec![title(contender)];
            row.extend(columns.iter().zip(&places).map(|(column, place)| match place {
                Some(place) => {
                    let shown = if column.unranked { number(place.median) } else { shown(place) };
                    match contender.missing.contains_key(column.workload) {
                        true => format!("{shown} in {} rounds", rounds(contender, column)),
                        false => shown,
                    }
                }
                None => {
                    let reason = contender.missing.get(column.workload);
                    reason.cloned().unwrap_or_else(|| "–".to_owned())
                }
            }));
            let is_ranked = |column: &Column<'_>, cells: &[Option<Place>]| {
                // Of what took nothing, no other is a multiple.
                !column.unranked && cells.iter().flatten().all(|place| place.ratio.is_finite())
            };
            let beaten = places.iter().flatten().filter(|place| place.ratio.is_infinite()).count();
            let ranked = columns.iter().zip(&cells).zip(places);
            let ranked = ranked.filter(|((column, cells), _)| is_ranked(column, cells));
            let places: Vec<Option<Place>> = ranked.map(|(_, place)| place).collect();
            rows.push(((order(&places, self.kind), beaten), row));
        }
        rows.sort_by(|(one, _), (other, _)| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        Section {
            heading: self.heading.clone(),
            note: format!("{}. {}.", self.meaning, self.kind.note()),
            header,
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        }
    }

    /// A chart of each column.
    fn charts(&self) -> Vec<Chart> {
        let chart = |column: &Column<'a>| {
            let places = self.places(*column);
            let row = |(contender, place): (&&Contender, Option<Place>)| {
                let Place { median, ratio, interval } = place?;
                let figure = column.figure(median);
                Some(Row { name: title(contender), figure, ratio, interval })
            };
            let mut rows: Vec<Row> = self.contenders.iter().zip(places).filter_map(row).collect();
            rows.sort_by(|one, other| match self.kind {
                Kind::Rates => other.ratio.total_cmp(&one.ratio),
                Kind::Times | Kind::Costs => one.ratio.total_cmp(&other.ratio),
            });
            Chart { title: column.name(), rows }
        };
        self.columns.iter().filter(|column| !column.unranked).map(chart).collect()
    }
}

/// In how many rounds there was a figure.
fn rounds(contender: &Contender, column: &Column<'_>) -> usize {
    let figure = figure(contender, column.workload, column.metric);
    figure.map_or(0, |figure| figure.samples.len())
}

/// The best first: by the geometric mean of the ratios.
fn order(places: &[Option<Place>], kind: Kind) -> f64 {
    let ratios = places.iter().flatten().map(|place| place.ratio);
    match prismq_statistics::geometric_mean(ratios) {
        None => f64::INFINITY,
        Some(mean) if kind == Kind::Rates => -mean,
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
