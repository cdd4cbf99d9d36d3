//! How long suites took the last time, by which a suite says about how long the rest of a run will take.
//!
//! Suites are processes of their own; each keeps its time in a file of the target directory, by profile and
//! subject.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::profile::SUITES;

const FILE: &str = "durations.json";

/// The times of the suites of one profile and subject.
#[derive(Debug, Clone)]
pub struct Durations {
    path: PathBuf,
    kind: String,
}

impl Durations {
    /// Those kept under this target directory.
    #[must_use]
    pub fn of(target_dir: &Path, profile: &str, subject: &str) -> Self {
        let path = target_dir.join("prismq-bench").join(FILE);
        Self { path, kind: format!("{profile} {subject}") }
    }

    /// How long the suites take that run after this one, if all of them are known.
    #[must_use]
    pub fn after(&self, suite: &str) -> Option<Duration> {
        let known = self.known();
        let after = SUITES.iter().skip_while(|other| **other != suite).skip(1);
        after
            .map(|other| known.get(&self.key(other)).copied())
            .sum::<Option<u64>>()
            .map(Duration::from_secs)
    }

    /// Keeps the time of a suite. That it cannot be kept costs an estimate and nothing else.
    pub fn keep(&self, suite: &str, took: Duration) {
        let mut known = self.known();
        known.insert(self.key(suite), took.as_secs());
        if let (Some(folder), Ok(text)) = (self.path.parent(), serde_json::to_string(&known)) {
            let _ = fs::create_dir_all(folder).and_then(|()| fs::write(&self.path, text));
        }
    }

    fn key(&self, suite: &str) -> String {
        format!("{} {suite}", self.kind)
    }

    /// The durations that were kept; empty if the file is missing or damaged.
    fn known(&self) -> BTreeMap<String, u64> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// Whether cargo runs the other suites too, by its command line: it names a suite, or all are meant.
#[must_use]
pub fn runs_all_suites() -> bool {
    let parent = rustix::process::getppid().map_or(0, |id| id.as_raw_nonzero().get());
    let line = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
    all_suites(&String::from_utf8_lossy(&line))
}

fn all_suites(line: &str) -> bool {
    let mut words = line.split('\0').take_while(|word| *word != "--");
    let cargo = words.next().and_then(|program| Path::new(program).file_name());
    let mut one = false;
    let mut bench = false;
    for word in words {
        bench |= word == "bench";
        one |= word == "--bench" || word.starts_with("--bench=");
    }
    cargo.is_some_and(|name| name == "cargo") && bench && !one
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::{Durations, all_suites};

    #[test]
    fn what_is_left_of_a_run_is_known_once_all_later_suites_are() {
        let target = tempfile::tempdir().unwrap();
        let durations = Durations::of(target.path(), "standard", "prismq");
        durations.keep("stress", Duration::from_secs(20));
        assert_eq!(durations.after("memory"), None);
        durations.keep("throughput", Duration::from_secs(100));
        assert_eq!(durations.after("memory"), Some(Duration::from_secs(120)));
        assert_eq!(durations.after("throughput"), Some(Duration::ZERO));
        assert_eq!(Durations::of(target.path(), "smoke", "prismq").after("memory"), None);
    }

    #[test]
    fn a_damaged_file_is_written_anew() {
        let target = tempfile::tempdir().unwrap();
        let durations = Durations::of(target.path(), "standard", "prismq");
        durations.keep("stress", Duration::from_secs(20));
        fs::write(target.path().join("prismq-bench/durations.json"), "{").unwrap();
        durations.keep("throughput", Duration::from_secs(5));
        assert_eq!(durations.after("stress"), Some(Duration::from_secs(5)));
    }

    #[test]
    fn cargo_runs_all_suites_unless_it_names_one() {
        let line = |text: &str| text.replace(' ', "\0");
        for text in
            ["/bin/cargo bench", "cargo bench -p prismq-bench -- --bench", "cargo bench --benches"]
        {
            assert!(all_suites(&line(text)), "{text}");
        }
        for text in
            ["cargo bench --bench latency", "cargo bench --bench=latency", "bash -c bench", ""]
        {
            assert!(!all_suites(&line(text)), "{text}");
        }
    }
}
