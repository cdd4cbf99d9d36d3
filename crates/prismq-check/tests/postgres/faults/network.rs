//! A network that cuts connections at any byte.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use fastrand::Rng;
use prismq_cluster::Cluster;
use tempfile::TempDir;

use super::fleet::{SOME, disturbed, wait_for};

/// The name of the server's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";
/// One read in so many is passed on in part, and cuts its connection.
const CUT_ONE_OF: u32 = 64;
/// Connections that are cut in a test, at least: at commits, in claims, and while they are made.
const CUTS: u64 = 100;

/// Passes on what clients and the server send.
struct Relay {
    folder: TempDir,
    state: Arc<State>,
}

struct State {
    cuts: AtomicBool,
    made: AtomicU64,
}

impl Relay {
    fn start(cluster: &Cluster, seed: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("relay").tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let server = cluster.folder().join(SOCKET);
        let state = Arc::new(State { cuts: AtomicBool::new(false), made: AtomicU64::new(0) });
        let shared = state.clone();
        thread::spawn(move || {
            let mut rng = Rng::with_seed(seed);
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), UnixStream::connect(&server).unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (rng, state) = (rng.fork(), shared.clone());
                    thread::spawn(move || state.pass_on(from, to, rng));
                }
            }
        });
        Self { folder, state }
    }

    fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=postgres", self.folder.path().display())
    }
}

impl State {
    fn pass_on(&self, mut from: UnixStream, mut to: UnixStream, mut rng: Rng) {
        let mut buffer = [0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let is_cut = self.cuts.load(Ordering::Acquire) && rng.u32(..CUT_ONE_OF) == 0;
            let passed = if is_cut { rng.usize(..read) } else { read };
            if to.write_all(&buffer[..passed]).is_err() || is_cut {
                self.made.fetch_add(u64::from(is_cut), Ordering::AcqRel);
                break;
            }
        }
        _ = from.shutdown(Shutdown::Both);
        _ = to.shutdown(Shutdown::Both);
    }
}

/// Failure mode: network: a connection is lost at any byte, in a commit, a claim or while it is made | found out once connected anew, else `CommitUnknown`; nothing acknowledged is lost, no task is done twice
pub(crate) fn connections_that_are_cut_at_any_byte_lose_nothing(seed: u64) {
    let mut cluster = Cluster::start(&[]).unwrap();
    let relay = Relay::start(&cluster, seed);
    disturbed(seed, &relay.url(), &mut cluster, |fleet, _| {
        relay.state.cuts.store(true, Ordering::Release);
        wait_for("connections are cut", || relay.state.made.load(Ordering::Acquire) >= CUTS);
        fleet.completes(SOME);
        relay.state.cuts.store(false, Ordering::Release);
    });
}
