//! A server that belongs to the driver. Others that open its directory connect to it, and a driver that finds one which
//! outlived its own driver takes it over.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The file of the directory that names the server's process and its driver's.
pub(crate) const NOTE: &str = "driver-server";
const START_BOUND: Duration = Duration::from_secs(50);
/// Short, as a driver whose harness is gone has 3 seconds to end.
const STOP_BOUND: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Server {
    note: PathBuf,
    pid: u32,
    /// Whether this process started it.
    child: Option<Child>,
    /// Whether this process ends it.
    is_owned: bool,
}

/// How a server is stopped: what it is sent at first, and after [`STOP_BOUND`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) first: Signal,
    pub(crate) late: Signal,
}

impl Server {
    /// Starts the server of a directory, or joins the one that runs. `answers` is true as soon as it can be used.
    pub(crate) fn start(
        note: PathBuf,
        command: &mut Command,
        answers: impl Fn() -> bool,
    ) -> io::Result<Self> {
        let mut server = match read(&note).filter(|(server, _)| is_alive(*server)) {
            Some((pid, driver)) => Self { note, pid, child: None, is_owned: !is_alive(driver) },
            None => {
                // Standard output is the protocol's.
                let child = command.stdin(Stdio::null()).stdout(io::stderr()).spawn()?;
                Self { note, pid: child.id(), child: Some(child), is_owned: true }
            }
        };
        if server.is_owned {
            fs::write(&server.note, format!("{} {}", server.pid, process::id()))?;
        }
        let end = Instant::now() + START_BOUND;
        while !answers() {
            let reason = match server.has_ended() {
                true => "the server ended; its messages are on stderr",
                false if Instant::now() > end => "the server did not answer in 50 s",
                false => {
                    thread::sleep(POLL_INTERVAL);
                    continue;
                }
            };
            server.stop(Stop { first: Signal::KILL, late: Signal::KILL });
            return Err(io::Error::other(reason));
        }
        Ok(server)
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends the server, unless it is another driver's, and waits for its end.
    pub(crate) fn stop(&mut self, stop: Stop) {
        if !self.is_owned {
            return;
        }
        self.is_owned = false;
        self.send(stop.first);
        let late = Instant::now() + STOP_BOUND;
        let mut is_late = false;
        while !self.has_ended() {
            if !is_late && Instant::now() > late {
                is_late = true;
                self.send(stop.late);
            }
            thread::sleep(POLL_INTERVAL);
        }
        if let Err(error) = fs::remove_file(&self.note) {
            eprintln!("removing {}: {error}", self.note.display());
        }
    }

    fn send(&self, signal: Signal) {
        // A process that has ended meanwhile needs no signal.
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            _ = kill_process(pid, signal);
        }
    }

    fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => child.try_wait().is_ok_and(|status| status.is_some()),
            None => !is_alive(self.pid),
        }
    }
}

/// The processes of the server and of its driver.
fn read(note: &PathBuf) -> Option<(u32, u32)> {
    let note = fs::read_to_string(note).ok()?;
    let (server, driver) = note.split_once(' ')?;
    Some((server.parse().ok()?, driver.parse().ok()?))
}

/// Whether there is a process with this id that has not ended: a zombie has.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

#[cfg(test)]
mod tests;
