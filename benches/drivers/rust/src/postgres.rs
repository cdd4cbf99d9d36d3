//! PostgreSQL as a driver's server: a cluster of its own in the queue's directory, with the settings of initdb.

use std::env;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, geteuid};

use crate::server::{NOTE, Server, Stop};

/// The folder of the socket, for the server and its clients: the path of the directory can be too long for one.
pub const SOCKET_FOLDER: &str = "/proc/self/cwd";
/// The database of an open cluster.
pub const URL: &str = "postgres:///postgres?host=/proc/self/cwd&user=postgres";
/// The settings of the server that decide how durable a commit is; a driver reads them back by its own client.
pub const SETTINGS: [&str; 6] = [
    "server_version",
    "synchronous_commit",
    "fsync",
    "wal_sync_method",
    "shared_buffers",
    "full_page_writes",
];
/// Names the socket; nothing listens on TCP.
const PORT: &str = "5432";
/// The user that root runs it as.
const USER: &str = "postgres";
const DEBIAN: &str = "/usr/lib/postgresql";
const STARTS: u32 = 5;
const RESTART: Duration = Duration::from_secs(1);

/// The cluster of a directory; it is stopped when it is dropped, unless another driver's.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
}

impl Cluster {
    /// Creates the cluster if there is none, and starts or joins its server. This process then works in its folder.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or the cluster could not be created or started.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let folder = directory.join("cluster");
        if !folder.join("PG_VERSION").exists() {
            create(&folder)?;
        }
        env::set_current_dir(&folder)?;
        let mut left = STARTS;
        loop {
            let mut command = as_postgres("postgres")?;
            command.arg("-D").arg(&folder).args(["-k", SOCKET_FOLDER, "-p", PORT]);
            command.args(["-c", "listen_addresses="]);
            match Server::start(directory.join(NOTE), &mut command, answers) {
                Ok(server) => return Ok(Self { server }),
                // Processes of a server that was killed may still hold its shared memory.
                Err(_) if left > 1 => thread::sleep(RESTART),
                Err(error) => return Err(error),
            }
            left -= 1;
        }
    }

    /// The server's first process.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.server.pid()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Fast shutdown; then an immediate one, after which the next start recovers from the log.
        self.server.stop(Stop { first: Signal::INT, late: Signal::QUIT });
    }
}

/// The version of PostgreSQL that is installed.
///
/// # Errors
/// It is not installed.
pub fn version() -> io::Result<String> {
    let output = succeed(Command::new(program("postgres")?).arg("--version"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let number = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let version = said.split_whitespace().find(number);
    version.map(str::to_owned).ok_or_else(|| io::Error::other(format!("no version in {said:?}")))
}

fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    if geteuid().is_root() {
        chown(folder, Some(id("-u")?), Some(id("-g")?))?;
    }
    let mut initdb = as_postgres("initdb")?;
    initdb.arg("-D").arg(folder).args([
        "-U",
        USER,
        "-A",
        "trust",
        "--no-locale",
        "-E",
        "UTF8",
        "-N",
    ]);
    succeed(initdb.current_dir("/")).map(drop)
}

fn answers() -> bool {
    let Ok(program) = program("pg_isready") else { return false };
    let mut ready = Command::new(program);
    ready.args(["-q", "-h", SOCKET_FOLDER, "-p", PORT]).stdin(Stdio::null()).stdout(io::stderr());
    ready.status().is_ok_and(|status| status.success())
}

/// Root may not run PostgreSQL: then its own user does.
fn as_postgres(name: &str) -> io::Result<Command> {
    let program = program(name)?;
    if !geteuid().is_root() {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
    Ok(command)
}

/// The path of a program: in PRISMQ_DRIVER_PATH, PATH, or the newest version that Debian has installed.
fn program(name: &str) -> io::Result<PathBuf> {
    let listed = |variable: &str| env::var_os(variable).unwrap_or_default();
    let lists: [OsString; 2] = [listed("PRISMQ_DRIVER_PATH"), listed("PATH")];
    let folders = lists.iter().flat_map(env::split_paths).chain(debian());
    let mut found = folders.map(|folder| folder.join(name)).filter(|path| path.is_file());
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is not installed"));
    found.next().ok_or_else(missing)
}

fn debian() -> Vec<PathBuf> {
    let entries = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let version = |name: &OsString| name.to_str().and_then(|name| name.parse::<u32>().ok());
    let mut versions: Vec<u32> = entries.filter_map(|entry| version(&entry.file_name())).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.iter().map(|number| Path::new(DEBIAN).join(number.to_string()).join("bin")).collect()
}

fn id(which: &str) -> io::Result<u32> {
    let output = succeed(Command::new("id").args([which, USER]))?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
}

fn succeed(command: &mut Command) -> io::Result<Output> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} failed: {errors}")))
}
