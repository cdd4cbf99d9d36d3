//! Where and with what a run was made.

use prismq_record::{Conditions, Environment, Known, RunRecord};
use serde::Serialize;

use super::shown;
use crate::render::humanise::{bytes, number};

/// The setting that a record has of a server, and not of a file.
const SERVER_VERSION: &str = "server_version";

/// Facts that belong together, under one heading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct Group {
    title: &'static str,
    rows: Vec<(String, String)>,
}

/// The machine and the database in one line.
pub(super) fn machine(run: &RunRecord) -> String {
    let Some(suite) = run.suites.first() else { return String::new() };
    let machine = &suite.environment.machine;
    let sqlite = &suite.environment.sqlite;
    let store = sqlite.setting(SERVER_VERSION).map_or_else(
        || format!("SQLite {}", sqlite.version),
        |version| format!("PostgreSQL {version}"),
    );
    // The queue's own promise counts before the setting of its connection.
    let durability = match (sqlite.setting("durability"), sqlite.setting("synchronous")) {
        (Some(promised), _) => format!("durability {promised}"),
        (None, Some(found)) => format!("synchronous = {found}"),
        (None, None) => {
            let found = sqlite.setting("synchronous_commit");
            format!("synchronous_commit = {}", found.unwrap_or("unknown"))
        }
    };
    format!(
        "{}, {} cores, {} on {}, {store}, {durability}",
        shown(&machine.cpu),
        shown(&machine.cores),
        shown(&machine.filesystem),
        shown(&machine.kernel),
    )
}

pub(super) fn groups(run: &RunRecord) -> Vec<Group> {
    let (Some(first), Some(last)) = (run.suites.first(), run.suites.last()) else {
        return Vec::new();
    };
    let environment = &first.environment;
    vec![
        Group { title: "Program", rows: program(environment) },
        Group { title: "Machine", rows: hardware(environment) },
        Group {
            title: "Conditions",
            rows: conditions(&environment.before, &last.environment.after),
        },
        database(environment),
    ]
}

fn row(name: &str, value: String) -> (String, String) {
    (name.to_owned(), value)
}

fn program(environment: &Environment) -> Vec<(String, String)> {
    let git = &environment.git;
    let unknown = || shown(&Known::<String> { value: None, reason: git.reason.clone() });
    let commit = git.value.as_ref().map_or_else(unknown, |git| {
        let dirty = if git.dirty { " with uncommitted changes" } else { "" };
        format!("{}{dirty}", git.commit)
    });
    let mut rows = vec![row("commit", commit)];
    if let Some(git) = &git.value {
        rows.push(row("branch", shown(&git.branch)));
        rows.push(row("committed", shown(&git.committed_at)));
    }
    let build = &environment.build;
    rows.extend([
        row("harness", build.version.clone()),
        row("compiler", shown(&build.rustc)),
        row("build profile", shown(&build.profile)),
        row("target", build.target.clone()),
        row("Cargo.lock", shown(&build.lockfile_hash)),
    ]);
    rows
}

fn hardware(environment: &Environment) -> Vec<(String, String)> {
    let machine = &environment.machine;
    let memory = Known {
        value: machine.memory_bytes.value.map(bytes),
        reason: machine.memory_bytes.reason.clone(),
    };
    vec![
        row("processor", shown(&machine.cpu)),
        row("cores", shown(&machine.cores)),
        row("physical cores", shown(&machine.physical_cores)),
        row("quota, cores", shown(&machine.quota_cores)),
        row("governor", shown(&machine.governor)),
        row("turbo", switch(&machine.turbo)),
        row("hyper-threads", switch(&machine.smt)),
        row("virtualisation", shown(&machine.virtualisation)),
        row("memory", shown(&memory)),
        row("kernel", shown(&machine.kernel)),
        row("clock source", shown(&machine.clock_source)),
        row("filesystem", shown(&machine.filesystem)),
        row("device", shown(&machine.device)),
        row("mount options", shown(&machine.mount_options)),
    ]
}

fn switch(known: &Known<bool>) -> String {
    match known.value {
        Some(true) => "on".to_owned(),
        Some(false) => "off".to_owned(),
        None => shown(known),
    }
}

fn conditions(before: &Conditions, after: &Conditions) -> Vec<(String, String)> {
    let pair =
        |before: &Known<f64>, after: &Known<f64>, unit: &str| match (before.value, after.value) {
            (Some(before), Some(after)) => {
                format!("{}{unit} before, {}{unit} after", number(before), number(after))
            }
            (Some(before), None) => {
                format!("{}{unit} before, {} after", number(before), shown(after))
            }
            (None, Some(after)) => {
                format!("{} before, {}{unit} after", shown(before), number(after))
            }
            (None, None) => shown(before),
        };
    vec![
        row("load average", pair(&before.load_average, &after.load_average, "")),
        row("used by others", pair(&before.busy_percent, &after.busy_percent, " %")),
        row("stolen time", pair(&before.steal_percent, &after.steal_percent, " %")),
        row("sync of 4 KiB, p50", pair(&before.sync_p50_us, &after.sync_p50_us, " µs")),
        row("sync of 4 KiB, p99", pair(&before.sync_p99_us, &after.sync_p99_us, " µs")),
    ]
}

fn database(environment: &Environment) -> Group {
    let sqlite = &environment.sqlite;
    let settings = sqlite.pragmas.iter();
    if sqlite.setting(SERVER_VERSION).is_some() {
        let rows = settings.map(|setting| row(&setting.name, setting.value.clone())).collect();
        return Group { title: "PostgreSQL", rows };
    }
    let mut rows = vec![row("SQLite", sqlite.version.clone())];
    rows.extend(settings.map(|pragma| (format!("PRAGMA {}", pragma.name), pragma.value.clone())));
    if !sqlite.compile_options.is_empty() {
        rows.push(row("compiled with", sqlite.compile_options.join(", ")));
    }
    Group { title: "SQLite", rows }
}
