#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use super::*;

const AT_ONCE: Stop = Stop { first: Signal::INT, late: Signal::KILL };

fn note(folder: &Path) -> PathBuf {
    folder.join(NOTE)
}

fn sleeping() -> Command {
    let mut command = Command::new("sleep");
    command.arg("600");
    command
}

/// The process of a driver that has ended.
fn ended() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

#[test]
fn a_server_that_runs_is_joined_and_ended_by_the_driver_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Server::start(note(folder.path()), &mut sleeping(), || true).unwrap();
    let mut second = Server::start(note(folder.path()), &mut sleeping(), || true).unwrap();
    assert_eq!(second.pid(), first.pid());
    second.stop(AT_ONCE);
    assert!(is_alive(first.pid()));
    first.stop(AT_ONCE);
    assert!(!is_alive(first.pid()) && !note(folder.path()).exists());
}

#[test]
fn a_server_whose_driver_has_ended_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut left = sleeping().spawn().unwrap();
    fs::write(note(folder.path()), format!("{} {}", left.id(), ended())).unwrap();
    let mut server = Server::start(note(folder.path()), &mut sleeping(), || true).unwrap();
    assert_eq!(server.pid(), left.id());
    server.stop(AT_ONCE);
    assert!(!left.wait().unwrap().success());
}

#[test]
fn a_server_that_has_ended_is_started_again_though_nobody_has_waited_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut zombie = Command::new("true").spawn().unwrap();
    while is_alive(zombie.id()) {
        thread::yield_now();
    }
    fs::write(note(folder.path()), format!("{} {}", zombie.id(), ended())).unwrap();
    let mut server = Server::start(note(folder.path()), &mut sleeping(), || true).unwrap();
    assert_ne!(server.pid(), zombie.id());
    server.stop(AT_ONCE);
    zombie.wait().unwrap();
}

#[test]
fn a_server_that_ends_before_it_answers_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let started = Server::start(note(folder.path()), &mut Command::new("true"), || false);
    assert_eq!(started.unwrap_err().to_string(), "the server ended; its messages are on stderr");
    assert!(!note(folder.path()).exists());
}

#[test]
fn a_server_that_does_not_end_is_sent_the_later_signal() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let mut command = Command::new("sh");
    let script = format!("trap '' INT; touch {}; exec sleep 600", ready.display());
    command.args(["-c", &script]);
    let mut server = Server::start(note(folder.path()), &mut command, || ready.exists()).unwrap();
    server.stop(AT_ONCE);
    assert!(!is_alive(server.pid()));
}
