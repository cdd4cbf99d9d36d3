//! The sections of a page.

use std::collections::BTreeMap;

use prismq_record::fingerprint::fingerprint;
use prismq_record::{Contender, VersusRecord};

use super::Section;
use super::groups::{Group, groups};
use crate::render::number;

/// What is shown of a record: where and how, each class, what a kill did, what was claimed and verified, what ran.
#[must_use]
pub fn sections(record: &VersusRecord) -> Vec<Section> {
    let mut sections = vec![run(record)];
    sections.extend(groups(record).iter().map(Group::table));
    sections.extend([durability(record), kill(record), ran(record)]);
    let faults = faults(record);
    if !faults.rows.is_empty() {
        sections.push(faults);
    }
    sections
}

pub(super) fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

pub(super) fn title(contender: &Contender) -> String {
    format!("{} ({})", contender.name, contender.durability)
}

fn run(record: &VersusRecord) -> Section {
    let machine = &record.environment.machine;
    let unknown = || "unknown".to_owned();
    let syncs = prismq_statistics::median(&record.syncs_per_s).map_or_else(unknown, number);
    let git = record.environment.git.value.as_ref();
    let commit = git.map_or_else(unknown, |git| git.commit.clone());
    let began = match record.stopped {
        false => record.started_at.to_string(),
        true => format!("{}, and was stopped before all rounds were measured", record.started_at),
    };
    let rows = [
        ("began", began),
        ("profile", record.profile.clone()),
        ("machine", fingerprint(&record.environment)),
        ("processor", machine.cpu.value.clone().unwrap_or_else(unknown)),
        ("cores", machine.cores.value.map_or_else(unknown, |cores| cores.to_string())),
        ("file system", machine.filesystem.value.clone().unwrap_or_else(unknown)),
        ("syncs a second of the disk, between rounds", syncs),
        ("commit", commit),
        ("order of turns, seed", record.seed.to_string()),
        ("again by", "cargo bench --bench versus".to_owned()),
    ];
    Section {
        heading: "Queues side by side".to_owned(),
        note: "Each queue ran in a process of its own, obeying the same harness; rounds took turns in a drawn order. \
               Times are of one clock, tasks are counted by identity. Queues of different classes are not ranked \
               together."
            .to_owned(),
        header: texts(["", ""]),
        rows: rows.map(|(name, value)| vec![name.to_owned(), value]).to_vec(),
    }
}

fn durability(record: &VersusRecord) -> Section {
    let row = |contender: &Contender| {
        let slowed = contender.slowed.as_ref();
        vec![
            title(contender),
            contender.claimed.clone(),
            match (&contender.verified.value, &contender.verified.reason) {
                (Some(class), _) => class.clone(),
                (None, reason) => {
                    format!("not verified: {}", reason.as_deref().unwrap_or("no reason given"))
                }
            },
            slowed.map_or_else(
                || "–".to_owned(),
                |slowed| format!("{} in {}", slowed.syncs, slowed.calls),
            ),
            slowed.map_or_else(|| "–".to_owned(), |slowed| number(slowed.fastest_ms)),
            contender.source.clone(),
        ]
    };
    let delay = record.contenders.iter().find_map(|contender| contender.slowed.as_ref());
    let delay = delay.map_or(20.0, |slowed| slowed.delay_ms);
    Section {
        heading: "Durability, claimed and verified".to_owned(),
        note: format!(
            "Single enqueues while strace held every sync back by {} ms: class S waits for it in each call. A kill \
             -9 shows what survives the process. Power cuts were not tried.",
            number(delay)
        ),
        header: texts([
            "queue",
            "claimed",
            "verified",
            "syncs",
            "fastest call, ms",
            "how it was set",
        ]),
        rows: record.contenders.iter().map(row).collect(),
    }
}

fn kill(record: &VersusRecord) -> Section {
    let killed = record
        .contenders
        .iter()
        .filter_map(|contender| Some((contender, contender.kill.as_ref()?)));
    let row = |(contender, kill): (&Contender, &prismq_record::KillBalance)| {
        vec![
            title(contender),
            number(kill.acknowledged as f64),
            number(kill.in_doubt as f64),
            number(kill.lost as f64),
            number(kill.given_up as f64),
            number(kill.done_twice as f64),
            number(kill.redelivered as f64),
            contender.redelivery.clone(),
            number(kill.recovered_ms.round()),
        ]
    };
    Section {
        heading: "kill -9".to_owned(),
        note: "Killed amid enqueues and runs, opened again, and run until nothing was left: all its processes, and where it \
               has a server, also each of the two alone, whose counts are added. Lost: acknowledged and never \
               run. Done twice: run again although its completion was known. Run again in flight: right, if it is \
               declared."
            .to_owned(),
        header: texts([
            "queue",
            "acknowledged",
            "in doubt",
            "lost",
            "given up in flight",
            "done twice",
            "run again in flight",
            "run again by",
            "last task after, ms",
        ]),
        rows: killed.map(row).collect(),
    }
}

fn ran(record: &VersusRecord) -> Section {
    let settings = |settings: &BTreeMap<String, String>| {
        settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let row = |contender: &Contender| {
        vec![
            title(contender),
            format!("{} {}", contender.library, contender.version),
            contender.store.clone(),
            contender.runtime.clone(),
            contender.licence.clone(),
            contender.settle.clone(),
            settings(&contender.settings),
        ]
    };
    let mut rows: Vec<Vec<String>> = record.contenders.iter().map(row).collect();
    rows.extend(record.left_out.iter().map(|left| {
        let mut row = vec![left.name.clone(), format!("left out: {}", left.reason)];
        row.resize(7, String::new());
        row
    }));
    Section {
        heading: "What ran".to_owned(),
        note: "Settings are those that the driver read back.".to_owned(),
        header: texts([
            "queue",
            "library",
            "store",
            "runtime",
            "licence",
            "settled by",
            "settings",
        ]),
        rows,
    }
}

fn faults(record: &VersusRecord) -> Section {
    let lacking = |what: &String| format!("not offered: {what}, which the workload needs");
    let rows = record.contenders.iter().flat_map(|contender| {
        let reasons = contender.not_offered.iter().map(lacking).chain(contender.faults.clone());
        reasons.map(|reason| vec![title(contender), reason]).collect::<Vec<_>>()
    });
    Section {
        heading: "Not ranked".to_owned(),
        note: "They have no figures, or such as must not be used, for these reasons.".to_owned(),
        header: texts(["queue", "reason"]),
        rows: rows.collect(),
    }
}
