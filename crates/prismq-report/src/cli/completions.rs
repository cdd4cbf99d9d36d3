//! `completions`: completion scripts for shells.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Arguments;
use super::show::show;
use crate::conclude::Error;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  prismq-report completions bash > ~/.local/share/bash-completion/completions/prismq-report

Exit statuses: 0 printed; 1 it could not be written.")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<u8, Error> {
        let mut command = Arguments::command();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "prismq-report", &mut script);
        show(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
