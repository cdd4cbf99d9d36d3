//! Warnings about what makes figures doubtful.

use prismq_judge::verdict::{FailOn, judge};
use prismq_record::{Disturbance, Known, Round, RunRecord};
use prismq_report::render::{TerminalOptions, View, terminal_as};

use crate::support::full_run::full_run;

fn warned(change: impl Fn(&mut RunRecord)) -> Vec<String> {
    let mut run = full_run().run;
    for suite in &mut run.suites {
        suite.environment.machine.governor = Known::value("performance".to_owned());
        suite.scenarios.iter_mut().for_each(|scenario| scenario.warnings.clear());
        suite.scenarios.retain(|scenario| scenario.id != "latency/end_to_end/workers=1");
    }
    change(&mut run);
    let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
    let text = terminal_as(
        &View::new(&run, &verdict),
        TerminalOptions { colour: false, width: None, changes_max: None },
    );
    let warnings = text.lines().filter_map(|line| line.strip_prefix("warning: "));
    warnings.map(str::to_owned).collect()
}

#[track_caller]
fn warns(words: &str, change: impl Fn(&mut RunRecord)) {
    let warnings = warned(change);
    assert!(warnings.len() == 1 && warnings[0].contains(words), "{warnings:?}");
}

#[test]
fn a_valid_run_has_no_warnings() {
    assert_eq!(warned(|_| {}), Vec::<String>::new());
}

#[test]
fn the_machine_and_the_scenarios_are_checked() {
    warns("governor is powersave", |run| {
        for suite in &mut run.suites {
            suite.environment.machine.governor = Known::value("powersave".to_owned());
        }
    });
    warns("other processes used 35 % of the processor", |run| {
        run.suites[0].environment.before.busy_percent = Known::value(35.0);
    });
    warns("gave 7 % of the processor", |run| {
        run.suites[0].environment.after.steal_percent = Known::value(7.0);
    });
    warns("the disk changed during the run", |run| {
        run.suites[4].environment.after.sync_p50_us = Known::value(900.0);
    });
    warns("uncommitted changes", |run| {
        run.suites[0].environment.git.value.as_mut().unwrap().dirty = true;
    });
    warns("memory filesystem", |run| run.suites[0].environment.machine.memory_filesystem = true);
    warns("latency/open/load=10: odd", |run| {
        run.suites[1].scenarios[0].warnings.push("odd".to_owned());
    });
    warns("its p99 comes from only 298 samples", |run| {
        run.suites[1].scenarios[0].histograms.get_mut("end_to_end").unwrap().count = 298;
    });
}

/// Others on the machine disturb the first round of so many scenarios.
fn disturb(run: &mut RunRecord, scenarios: usize) {
    let all = run.suites.iter_mut().flat_map(|suite| &mut suite.scenarios);
    for (number, scenario) in (0_u8..).zip(all.take(scenarios)) {
        let disturbance = Disturbance {
            seconds: 1.0,
            others_percent: Some(40.0 + f64::from(number)),
            ..Disturbance::default()
        };
        scenario.rounds = vec![Round { disturbance: Some(disturbance), ..Round::default() }];
        scenario.warnings.extend(scenario.disturbed());
    }
}

#[test]
fn a_busy_machine_is_one_warning() {
    let few = warned(|run| disturb(run, 3));
    assert_eq!(few.len(), 3, "{few:?}");
    assert!(few[2].contains("disturbed in 1 of 1 rounds: other processes used 42 %"), "{few:?}");
    let many = warned(|run| disturb(run, 4));
    assert_eq!(many.len(), 1, "{many:?}");
    assert!(many[0].starts_with("others on the machine disturbed 4 of "), "{many:?}");
    assert!(many[0].contains("disturbed in 1 of 1 rounds: other processes used"), "{many:?}");
}
