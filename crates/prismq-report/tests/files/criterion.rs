//! Criterion's own files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use prismq_judge::verdict::{FailOn, judge};
use prismq_record::RunRecord;
use prismq_record::criterion::{Benchmark, benchmarks};
use prismq_report::render::html::{Input, html};

use crate::support::sample;

const BENCHMARK: &str = "throughput/floor/operations=1000";

/// A folder as the pinned version of Criterion leaves it, its files written in this second of the run.
fn home(second: i64) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for name in ["new/benchmark.json", "new/estimates.json", "change/estimates.json"] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/criterion-0.8.2")
            .join(BENCHMARK)
            .join(name);
        write(home.path(), name, &fs::read_to_string(golden).unwrap(), second);
    }
    home
}

fn file(home: &Path, name: &str) -> PathBuf {
    home.join(BENCHMARK).join(name)
}

fn write(home: &Path, name: &str, text: &str, second: i64) {
    let path = file(home, name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let since = Duration::from_secs(u64::try_from(sample::at(second).as_second()).unwrap());
    file.set_modified(SystemTime::UNIX_EPOCH + since).unwrap();
}

fn run() -> RunRecord {
    let mut run = sample::run();
    for suite in &mut run.suites {
        (suite.started_at, suite.ended_at) = (sample::at(0), sample::at(60));
    }
    run
}

fn read(home: &Path) -> Vec<Benchmark> {
    benchmarks(home, &run())
}

#[test]
fn the_files_of_the_pinned_version_are_read() {
    let home = home(30);
    let found = read(home.path());
    let [benchmark] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (benchmark.id.as_str(), benchmark.folder.as_path()),
        (BENCHMARK, BENCHMARK.as_ref())
    );
    let (mean, change) = (benchmark.mean_ns, benchmark.change.unwrap());
    assert!(mean.lower < mean.value && mean.value < mean.upper && mean.lower > 1e6, "{mean:?}");
    assert_eq!(
        (change.value, change.upper),
        (-0.058_145_035_109_731_125, -0.020_243_072_984_630_656)
    );
}

#[test]
fn one_group_a_scenario_is_read_too() {
    let old = home(30);
    let home = tempfile::tempdir().unwrap();
    fs::rename(old.path().join("throughput/floor"), home.path().join("throughput_floor")).unwrap();
    // A suite whose name starts with this one's has its own groups.
    fs::create_dir(home.path().join("throughputs_floor")).unwrap();
    let found = read(home.path());
    assert_eq!((found.len(), found[0].id.as_str()), (1, BENCHMARK));
    assert_eq!(found[0].folder, Path::new("throughput_floor/operations=1000"));
}

#[test]
fn unknown_and_missing_fields_of_other_versions_are_accepted() {
    let home = home(30);
    let text = r#"{"mean": {"point_estimate": 2e6, "unit": "ns",
        "confidence_interval": {"lower_bound": 1e6, "upper_bound": 3e6}}, "kurtosis": [1]}"#;
    write(home.path(), "new/estimates.json", text, 30);
    fs::remove_file(file(home.path(), "new/benchmark.json")).unwrap();
    write(home.path(), "change/estimates.json", "{\"median\": null}", 30);
    let found = read(home.path());
    assert_eq!((found.len(), found[0].id.as_str(), found[0].mean_ns.upper), (1, BENCHMARK, 3e6));
    assert_eq!(found[0].change, None);
}

#[test]
fn unreadable_files_are_skipped() {
    for text in ["", "{", "[]", "{\"mean\": 5}", "\u{0}"] {
        let home = home(30);
        write(home.path(), "new/estimates.json", text, 30);
        assert_eq!(read(home.path()), [], "{text:?}");
    }
    assert_eq!(read(Path::new("/nowhere")), []);
}

#[test]
fn files_of_another_run_are_skipped() {
    for second in [-1, 61] {
        assert_eq!(read(home(second).path()), [], "{second}");
    }
    // Only the comparison is of an earlier run.
    let home = home(30);
    let text = fs::read_to_string(file(home.path(), "change/estimates.json")).unwrap();
    write(home.path(), "change/estimates.json", &text, -1);
    assert_eq!(read(home.path())[0].change, None);
}

#[test]
fn the_page_shows_the_figures_and_links_to_the_criterion_report() {
    let (home, run) = (home(30), run());
    let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
    let page = |criterion| {
        let page = html(&Input { criterion, ..Input::new(&run, &verdict) }).unwrap();
        page.replace("&#x2f;", "/")
    };
    let found = read(home.path());
    let shown = page(&found);
    let link = "../target/criterion/throughput/floor/operations%3D1000/report/index.html";
    assert!(shown.contains(&format!("<a href=\"{link}\">{BENCHMARK}</a>")), "{shown}");
    assert!(shown.contains("-5.8%") && shown.contains("[-8.6%, -2.0%]"));
    assert!(!page(&[]).contains("What Criterion makes"));
}
