//! The programs of PostgreSQL, and the user that they run as.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::geteuid;

/// The programs on this machine.
#[derive(Debug)]
pub(crate) struct Server {
    programs: PathBuf,
    /// User and group to run as, for root.
    user: Option<(u32, u32)>,
}

impl Server {
    pub(crate) fn find() -> io::Result<Self> {
        let programs = prismq_probe::postgres_programs().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "PostgreSQL's programs are not installed")
        })?;
        let user = match geteuid().is_root() {
            true => Some((id("-u")?, id("-g")?)),
            false => None,
        };
        Ok(Self { programs, user })
    }

    pub(crate) const fn user(&self) -> Option<(u32, u32)> {
        self.user
    }

    /// A program, by the user that may run it. It ends with the thread that starts it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let installed = self.programs.join(program);
        let program = if installed.exists() { installed } else { PathBuf::from(program) };
        let mut command = Command::new("setpriv");
        if let Some((user, group)) = self.user {
            command.args(["--reuid", &user.to_string(), "--regid", &group.to_string()]);
            command.arg("--clear-groups");
        }
        // SIGQUIT has the server stop at once and take its processes along.
        command.args(["--pdeathsig", "QUIT"]).arg(program);
        command.stdin(Stdio::null()).current_dir("/");
        command
    }

    /// The command with a file system of so many mebibytes at this path, which no other process sees.
    pub(crate) fn with_disk(&self, command: &Command, path: &Path, mebibytes: u32) -> Command {
        let (user, group) = self.user.unwrap_or_default();
        let options = format!("size={mebibytes}m,uid={user},gid={group},mode=700");
        let mut mounted = Command::new("unshare");
        mounted.args([
            "-m",
            "sh",
            "-c",
            "mount -t tmpfs -o \"$1\" none \"$2\" && shift 2 && exec \"$@\"",
        ]);
        mounted.args(["sh", &options]).arg(path);
        mounted.arg(command.get_program()).args(command.get_args()).current_dir("/");
        mounted
    }
}

/// Runs a command that must succeed, and returns what it printed.
pub(crate) fn failed(command: &mut Command) -> io::Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} failed: {errors}")))
}

fn id(which: &str) -> io::Result<u32> {
    let output = failed(Command::new("id").args([which, "postgres"]))?;
    let number = String::from_utf8_lossy(&output.stdout);
    number.trim().parse().map_err(io::Error::other)
}
