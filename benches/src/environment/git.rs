//! Which commit is measured.

use std::process::Command;

use jiff::Timestamp;
use prismq_record::{Git, Known};

use crate::base::paths;

pub(super) fn git() -> Known<Git> {
    state().into()
}

fn state() -> Result<Git, String> {
    let commit = ask(&["rev-parse", "HEAD"])?;
    let changes = ask(&["status", "--porcelain", "--untracked-files=no"])?;
    let branch = ask(&["rev-parse", "--abbrev-ref", "HEAD"]).and_then(named);
    let committed_at = ask(&["show", "--no-patch", "--format=%cI", "HEAD"]).and_then(|text| {
        text.parse::<Timestamp>().map_err(|error| format!("git gave the time {text:?}: {error}"))
    });
    Ok(Git {
        commit,
        dirty: !changes.is_empty(),
        branch: branch.into(),
        committed_at: committed_at.into(),
    })
}

/// What git says of a branch where none is checked out is the name of the commit's reference.
fn named(branch: String) -> Result<String, String> {
    if branch == "HEAD" { Err("no branch is checked out".to_owned()) } else { Ok(branch) }
}

fn ask(args: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(paths::workspace())
        .args(args)
        .output()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_detached_head_is_no_branch() {
        assert_eq!(named("main".to_owned()), Ok("main".to_owned()));
        assert!(named("HEAD".to_owned()).is_err());
    }
}
