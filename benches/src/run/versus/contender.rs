//! A queue with one durability that takes part.

use std::collections::BTreeMap;
use std::time::Duration;

use prismq_driver::message::{About, Choice, Class};
use prismq_record::{Contender, Direction, KillBalance, SlowedSyncs, VersusFigure};

use super::NAME;
use super::planned::{Measured, Planned};
use super::round::{Sizes, round};
use super::workloads::{Figures, Reading};
use crate::base::bench_dir::BenchDir;
use crate::conformance::{Candidate, Killed, Verified, verify};
use crate::subject::remote::{Driver, Launch, Manifest, Result as Driven, Syncs};

/// A queue that takes part, with its record so far.
#[derive(Debug)]
pub(super) struct Running {
    candidate: Candidate,
    choice: Choice,
    sizes: Sizes,
    record: Contender,
}

impl Running {
    /// A driver with its default durability and, if that is another, its strictest.
    pub(super) fn all_of(manifest: &Manifest, directory: &BenchDir) -> Result<Vec<Self>, String> {
        manifest.ready().map_err(|error| error.to_string())?;
        let launch = Launch::shipped(manifest);
        let candidate =
            || Candidate::new(launch.clone(), Some(manifest.clone()), directory.clone());
        let about = Driver::start(&launch, candidate().bounds).and_then(|driver| driver.hello());
        let about = about.map_err(|error| error.to_string())?;
        let claimed = about.durability;
        let mut all = Vec::new();
        for (choice, class) in
            [(Choice::Default, claimed.default), (Choice::Strictest, claimed.strictest)]
        {
            eprintln!("{NAME}: verifying the durability of {}, {}", manifest.name(), choice.name());
            let contender = Self::verified(candidate(), manifest, &about, choice, class)?;
            let is_same = |known: &Self| known.record.settings == contender.record.settings;
            if !all.iter().any(is_same) {
                all.push(contender);
            }
        }
        Ok(all)
    }

    fn verified(
        candidate: Candidate,
        manifest: &Manifest,
        about: &About,
        choice: Choice,
        claimed: Class,
    ) -> Result<Self, String> {
        let verified = verify(&candidate, choice).map_err(|error| error.to_string())?;
        let Verified { class, syncs, fastest, killed, settings } = verified;
        let class = class.map(|class| class.letter().to_owned());
        let record = Contender {
            name: manifest.name().to_owned(),
            durability: choice.name().to_owned(),
            driver: about.driver.clone(),
            library: about.library.name.clone(),
            version: about.library.version.clone(),
            licence: about.library.licence.clone(),
            runtime: about.runtime.clone(),
            store: format!("{} {}", about.store.name, about.store.version),
            source: manifest.source().to_owned(),
            settings,
            settle: word(&about.settle),
            redelivery: word(&about.redelivery.kind),
            claimed: claimed.letter().to_owned(),
            verified: class.into(),
            slowed: syncs.map(|syncs| SlowedSyncs {
                delay_ms: ms(Syncs::DELAY),
                calls: Verified::CALLS,
                syncs,
                fastest_ms: ms(fastest),
            }),
            kill: Some(balance(&killed)),
            not_offered: None,
            missing: BTreeMap::new(),
            figures: Vec::new(),
            faults: Vec::new(),
        };
        Ok(Self { candidate, choice, sizes: Sizes::FIRST, record })
    }

    /// Its name, with its durability.
    pub(super) fn title(&self) -> String {
        format!("{}, {}", self.record.name, self.record.durability)
    }

    /// Finds out how many tasks it takes so many seconds for; of a planned workload, whether it offers what that needs.
    pub(super) fn calibrate(&mut self, seconds: f64, planned: Option<&Planned>) {
        match self.round(planned) {
            Ok(Measured::Figures(figures)) => {
                self.sizes = Sizes::lasting(seconds, &figures.readings);
                self.add_faults(figures.faults);
            }
            Ok(Measured::NotOffered(lacking)) => {
                eprintln!("{NAME}: {} is left out: it does not offer {lacking}", self.title());
                self.record.not_offered = Some(lacking.to_owned());
            }
            Err(error) => self.add_faults(vec![error.to_string()]),
        }
    }

    /// Measures a round, unless it has failed at one before.
    pub(super) fn measure(&mut self, planned: Option<&Planned>) {
        if !self.record.faults.is_empty() || self.record.not_offered.is_some() {
            return;
        }
        match self.round(planned) {
            Ok(Measured::Figures(Figures { readings, faults, missing })) => {
                readings.iter().for_each(|reading| self.add(reading));
                let missing = missing.into_iter();
                self.record
                    .missing
                    .extend(missing.map(|(workload, why)| (workload.to_owned(), why)));
                self.add_faults(faults);
            }
            Ok(Measured::NotOffered(_)) => {}
            Err(error) => self.add_faults(vec![error.to_string()]),
        }
    }

    fn round(&self, planned: Option<&Planned>) -> Driven<Measured> {
        match planned {
            Some(planned) => planned.round(&self.candidate, self.choice),
            None => round(&self.candidate, self.choice, self.sizes).map(Measured::Figures),
        }
    }

    fn add(&mut self, reading: &Reading) {
        let Reading { workload, metric, unit, is_rate, value, .. } = *reading;
        let figures = &mut self.record.figures;
        let known = figures
            .iter_mut()
            .find(|figure| figure.workload == workload && figure.metric == metric);
        match known {
            Some(figure) => figure.samples.push(value),
            None => figures.push(VersusFigure {
                workload: workload.to_owned(),
                metric: metric.to_owned(),
                unit: unit.to_owned(),
                direction: if is_rate { Direction::Higher } else { Direction::Lower },
                unranked: reading.depends_on_settings,
                samples: vec![value],
            }),
        }
    }

    fn add_faults(&mut self, faults: Vec<String>) {
        for fault in &faults {
            eprintln!("{NAME}: {}: {fault}", self.title());
        }
        self.record.faults.extend(faults);
    }

    pub(super) const fn record(&self) -> &Contender {
        &self.record
    }
}

fn balance(killed: &Killed) -> KillBalance {
    let books = &killed.balance;
    KillBalance {
        acknowledged: books.acknowledged,
        in_doubt: books.in_doubt,
        lost: killed.lost(),
        given_up: killed.given_up,
        done_twice: books.duplicated,
        redelivered: books.redelivered,
        recovered_ms: ms(killed.recovered),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The word of a message.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
