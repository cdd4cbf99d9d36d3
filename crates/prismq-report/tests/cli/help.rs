//! The help, its examples, and shell completions.

use clap::{CommandFactory as _, Parser as _};
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use prismq_report::cli;

use super::Scene;

#[test]
fn every_command_has_a_purpose_an_example_and_exit_statuses() {
    let command = cli::Arguments::command();
    command.clone().debug_assert();
    for command in command.get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(command.get_about().is_some(), "{name}");
        assert!(help.contains(&format!("  prismq-report {name}")), "{name} has no example");
        assert!(help.contains("Exit status"), "{name} says no exit status");
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
        }
    }
}

#[test]
fn the_examples_of_the_help_and_the_readme_are_accepted() {
    let mut texts = vec![include_str!("../../README.md").to_owned()];
    for command in cli::Arguments::command().get_subcommands() {
        texts.push(command.get_after_help().unwrap().to_string());
    }
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim_start);
    let examples: Vec<&str> =
        lines.filter_map(|line| line.strip_prefix("prismq-report ")).collect();
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples {
        let example = example.split(" > ").next().unwrap().split("     ").next().unwrap();
        // Every second part is quoted.
        let mut arguments = vec!["prismq-report".to_owned()];
        for (index, part) in example.split('\'').enumerate() {
            match index % 2 {
                0 => arguments.extend(part.split_whitespace().map(str::to_owned)),
                _ => arguments.push(part.to_owned()),
            }
        }
        if let Err(error) = cli::Arguments::try_parse_from(&arguments) {
            panic!("{example}: {error}");
        }
    }
}

#[test]
fn completions_are_there_for_every_shell() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = scene.run(&["completions", shell]).assert().code(0);
        script.stdout(contains("prismq-report").and(contains("compare")));
    }
    scene.run(&["completions", "tcsh"]).assert().code(2);
}
