//! A proxy between a client and the server that cuts the connection at a commit, and counts round trips.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// What a client sends to begin, to commit, and to give up.
const BEGIN: &[u8] = b"BEGIN";
const COMMIT: &[u8] = b"COMMIT\0";
const ROLLBACK: &[u8] = b"ROLLBACK\0";
/// The letter with which it sends the values of a statement that is prepared.
const BIND: u8 = b'B';
/// The letter and the length before it.
const HEADER: usize = 5;
/// The name of the server's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server refuses to begin the transaction; the connection remains.
    Refused,
    /// Nothing of the transaction reaches the server.
    Whole,
    /// The commit does not reach the server; what was sent before was answered.
    Before,
    /// Its answer does not reach the client, although those of the statements before it do.
    After,
    /// In the place of its answer, the client is sent an error of a pooler's own.
    Pooler,
    /// The same in the place of all answers but that to the begin, although the server commits.
    PoolerEarly,
    /// The answer to the next statement that is a transaction by itself does not reach the client.
    AfterAutocommit,
}

/// A proxy in a folder of its own.
pub(crate) struct Proxy {
    folder: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    server: PathBuf,
    /// How long each answer is on its way.
    delay: Duration,
    /// How the next commit is cut; with it, whether no connection is taken any more from then on.
    cut: Mutex<Option<(Cut, bool)>>,
    closed: Mutex<bool>,
    /// Of the transactions that were committed, see [`Proxy::round_trips`].
    round_trips: AtomicUsize,
}

impl Proxy {
    /// In front of the server whose socket is in this folder.
    pub(crate) fn new(server: &Path) -> Self {
        Self::delayed(server, Duration::ZERO)
    }

    /// The same, as if the server were on another machine: what the client sends together arrives before any answer.
    pub(crate) fn delayed(server: &Path, delay: Duration) -> Self {
        let folder = tempfile::Builder::new().prefix("proxy").tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let shared = Arc::new(Shared {
            server: server.join(SOCKET),
            delay,
            cut: Mutex::default(),
            closed: Mutex::default(),
            round_trips: AtomicUsize::new(0),
        });
        let serving = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if *serving.closed.lock().unwrap() {
                    continue;
                }
                if let Ok(server) = UnixStream::connect(&serving.server) {
                    serve(&serving, &client, &server);
                }
            }
        });
        Self { folder, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=postgres", self.folder.path().display())
    }

    /// Cuts the connection of the next commit.
    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.shared.cut.lock().unwrap() = Some((cut, false));
    }

    /// Does so, and takes no connection afterwards.
    pub(crate) fn cut_next_and_close(&self, cut: Cut) {
        *self.shared.cut.lock().unwrap() = Some((cut, true));
    }

    /// How often a client sent something after it had heard the server, in the transactions that were committed since
    /// the last call. It is more often than it waited where the first answers come before all is sent.
    pub(crate) fn round_trips(&self) -> usize {
        self.shared.round_trips.swap(0, Ordering::SeqCst)
    }

    /// Whether the cut was made.
    pub(crate) fn has_cut(&self) -> bool {
        self.shared.cut.lock().unwrap().is_none()
    }
}

fn serve(shared: &Arc<Shared>, client: &UnixStream, server: &UnixStream) {
    let (cut, is_cut) = channel();
    let (answered, answer) = channel();
    let pair = || (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (to_client, from_server) = pair();
    let heard = Arc::new(AtomicBool::new(true));
    let hears = heard.clone();
    let delay = shared.delay;
    thread::spawn(move || pass_back((from_server, to_client, delay), &hears, &is_cut, &answered));
    let (from_client, to_server) = pair();
    let shared = shared.clone();
    thread::spawn(move || pass_on(&shared, from_client, to_server, &heard, &cut, &answer));
}

/// From the client to the server.
fn pass_on(
    shared: &Shared,
    mut client: UnixStream,
    mut server: UnixStream,
    heard: &AtomicBool,
    cut_answer: &Sender<Cut>,
    answer: &Receiver<()>,
) {
    let mut buffer = [0; 1 << 16];
    let mut trips = 0;
    // Sessions for notifications and reads never begin a transaction.
    let (mut has_begun, mut is_open) = (false, false);
    // Whether what the client sends goes nowhere.
    let mut swallows = false;
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..read];
        let commits = sent.ends_with(COMMIT);
        let begins = sent.windows(BEGIN.len()).any(|window| window == BEGIN);
        let is_autocommit = has_begun && !is_open && !begins && sent[0] == BIND;
        has_begun |= begins;
        is_open = (is_open || begins) && !commits && !sent.ends_with(ROLLBACK);
        trips += usize::from(heard.swap(false, Ordering::SeqCst));
        if commits || is_autocommit {
            shared.round_trips.fetch_add(std::mem::take(&mut trips), Ordering::SeqCst);
        }
        let mut armed = shared.cut.lock().unwrap();
        if let Some((Cut::AfterAutocommit, _)) = *armed
            && is_autocommit
        {
            cut_answer.send(Cut::AfterAutocommit).unwrap();
            server.write_all(sent).unwrap();
            answer.recv().unwrap();
            *armed = None;
            break;
        }
        if begins && matches!(*armed, Some((Cut::Refused, _))) {
            *armed = None;
            drop(armed);
            let at = sent.windows(BEGIN.len()).position(|window| window == BEGIN).unwrap();
            buffer[at] = b'_';
            server.write_all(&buffer[..read]).unwrap();
            continue;
        }
        // The answers are held back from the first on, as parts may come before the rest is sent.
        if begins && matches!(*armed, Some((Cut::PoolerEarly, _))) {
            cut_answer.send(Cut::PoolerEarly).unwrap();
        }
        swallows |= begins && matches!(*armed, Some((Cut::Whole, _)));
        if swallows && !commits {
            continue;
        }
        if commits
            && let Some((cut, close)) = *armed
            && cut != Cut::AfterAutocommit
        {
            *shared.closed.lock().unwrap() = close;
            match cut {
                Cut::Whole | Cut::Refused | Cut::AfterAutocommit => {}
                Cut::Before => {
                    server.write_all(&sent[..sent.len() - HEADER - COMMIT.len()]).unwrap();
                    // It answers what it was sent, which is passed back, and ends the session.
                    server.shutdown(Shutdown::Write).unwrap();
                    *armed = None;
                    return;
                }
                Cut::After | Cut::Pooler | Cut::PoolerEarly => {
                    if cut != Cut::PoolerEarly {
                        cut_answer.send(cut).unwrap();
                    }
                    server.write_all(sent).unwrap();
                    // The server has answered: it has committed.
                    answer.recv().unwrap();
                }
            }
            _ = client.shutdown(Shutdown::Both);
            *armed = None;
            break;
        }
        drop(armed);
        if server.write_all(sent).is_err() {
            break;
        }
    }
    _ = client.shutdown(Shutdown::Both);
    _ = server.shutdown(Shutdown::Both);
}

/// What PgCat answers when it has lost the server: an error without the field that the server has since 9.6.
fn error_of_pooler() -> Vec<u8> {
    let fields = b"SFATAL\0C58000\0Mthe server is gone\0\0";
    let length = u32::try_from(4 + fields.len()).unwrap();
    [b"E", length.to_be_bytes().as_slice(), fields].concat()
}

/// From the server to the client.
fn pass_back(
    (mut server, mut client, delay): (UnixStream, UnixStream, Duration),
    hears: &AtomicBool,
    cut: &Receiver<Cut>,
    answered: &Sender<()>,
) {
    let mut buffer = [0; 1 << 16];
    let mut cuts = None;
    let mut held = Vec::new();
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        cuts = cuts.or(cut.try_recv().ok());
        let answer = &buffer[..read];
        if cuts == Some(Cut::AfterAutocommit) {
            _ = answered.send(());
            break;
        }
        if cuts == Some(Cut::PoolerEarly) {
            held.extend_from_slice(answer);
            let at = |name: &[u8]| held.windows(name.len()).position(|window| window == name);
            if let (Some(begun), Some(_)) = (at(b"BEGIN\0"), at(COMMIT)) {
                // With the message that the session is ready.
                _ = client.write_all(&held[..begun + BEGIN.len() + 1 + HEADER + 1]);
                _ = client.write_all(&error_of_pooler());
                _ = answered.send(());
                break;
            }
            continue;
        }
        // The answer to a commit is its name, after a letter and four bytes of length.
        let commit = answer.windows(COMMIT.len()).position(|window| window == COMMIT);
        if let (Some(commit), Some(cut)) = (commit, cuts) {
            _ = client.write_all(&answer[..commit - HEADER]);
            if cut == Cut::Pooler {
                _ = client.write_all(&error_of_pooler());
            }
            _ = answered.send(());
            break;
        }
        thread::sleep(delay);
        // Before the client can send what it does next.
        hears.store(true, Ordering::SeqCst);
        if client.write_all(answer).is_err() {
            break;
        }
    }
    _ = client.shutdown(Shutdown::Both);
}
