//! The web service: a user's row and its task commit together, and SIGTERM ends it in good order.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use prismq::Queue;

use crate::support::{DEADLINE, Program};

/// The status line of a POST.
fn post(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    let request = format!(
        "POST /users HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response.lines().next().unwrap().to_owned()
}

#[test]
fn a_user_and_the_mail_to_send_commit_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let service = Program::start(Command::new(env!("CARGO_BIN_EXE_web_service")).arg(&path));
    let address = service.line().strip_prefix("http://").unwrap().to_owned();

    assert_eq!(post(&address, "ann@example.org"), "HTTP/1.1 201 Created");
    assert_eq!(service.line(), "mail to ann@example.org");
    assert_eq!(post(&address, "ann@example.org"), "HTTP/1.1 409 Conflict");
    assert_eq!(post(&address, "bob@example.org"), "HTTP/1.1 201 Created");
    assert_eq!(service.line(), "mail to bob@example.org");

    let (status, rest) = service.terminate();
    assert!(status.success(), "{status}");
    assert!(rest.iter().any(|line| line.contains("ShutdownReport")), "{rest:?}");
    let stats = Queue::attach(&path).unwrap().stats("mail").unwrap();
    assert_eq!((stats.enqueued, stats.completed), (2, 2), "one mail a user");
}

#[test]
fn each_class_of_errors_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let service = Program::start(Command::new(env!("CARGO_BIN_EXE_web_service")).arg(&path));
    let address = service.line().strip_prefix("http://").unwrap().to_owned();
    let queue = Queue::attach(&path).unwrap();

    queue.pause("mail").unwrap();
    queue.set_depth_limit("mail", 1).unwrap();
    assert_eq!(post(&address, "ann@example.org"), "HTTP/1.1 201 Created");
    assert_eq!(post(&address, "bob@example.org"), "HTTP/1.1 503 Service Unavailable");
    queue.set_depth_limit("mail", None).unwrap();
    assert_eq!(post(&address, "bob@example.org"), "HTTP/1.1 201 Created", "it was not signed up");

    let elsewhere = folder.path().join("moved.db");
    std::fs::rename(&path, &elsewhere).unwrap();
    assert_eq!(post(&address, "eve@example.org"), "HTTP/1.1 500 Internal Server Error");
    std::fs::rename(&elsewhere, &path).unwrap();
    assert_eq!(post(&address, "eve@example.org"), "HTTP/1.1 201 Created");
    assert!(service.terminate().0.success());
}
