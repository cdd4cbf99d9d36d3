//! A running cluster: starting, stopping and killing it.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::certificates;
use crate::server::{Server, failed};
use crate::template::{Template, new_folder};

/// Longer than a server takes to start, on a busy machine too.
const START_WAIT: Duration = Duration::from_secs(60);
/// The port that names the socket of a cluster which listens on no other.
const PORT: u16 = 5432;
/// The name of the folder that a file system of its own is mounted on.
const DISK: &str = "disk";
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A cluster of one test.
#[derive(Debug)]
pub struct Cluster {
    child: Child,
    settings: Vec<String>,
    port: u16,
    folder: TempDir,
    /// The size of the file system at [`Cluster::disk`], in mebibytes.
    disk: Option<u32>,
    server: Server,
    /// Kept for the tests that start meanwhile.
    template: Arc<Template>,
}

impl Cluster {
    /// Starts a new cluster with these settings, each as `name=value`. It listens on a Unix socket alone.
    ///
    /// # Errors
    /// It could not be made or started; the error has the server's log.
    pub fn start(settings: &[&str]) -> io::Result<Self> {
        Self::new(settings, PORT, None, |_, _| Ok(()))
    }

    /// Starts a new cluster that alone sees a file system of so many mebibytes, in memory, at [`Cluster::disk`]. Only
    /// root may mount one.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn start_with_disk(mebibytes: u32) -> io::Result<Self> {
        Self::new(&[], PORT, Some(mebibytes), |_, folder| std::fs::create_dir(folder.join(DISK)))
    }

    /// Starts a standby that follows this cluster, as `standby` among its synchronous ones. It ends before the cluster
    /// does, or after it was promoted.
    ///
    /// # Errors
    /// The cluster could not be copied, or the copy not started.
    pub fn standby(&self) -> io::Result<Self> {
        let server = Server::find()?;
        let folder = new_folder(&server)?;
        let mut copy = server.command("pg_basebackup");
        copy.arg("-D").arg(folder.path().join("data"));
        copy.args(["-c", "fast", "-X", "stream"]);
        let source = format!(
            "host={} port={} user=postgres application_name=standby",
            self.folder().display(),
            self.port
        );
        copy.args(["--write-recovery-conf", "-d", &source]);
        failed(&mut copy)?;
        let settings = self.settings.clone();
        let child = start(&server, folder.path(), self.port, &settings, None)?;
        let template = self.template.clone();
        let mut standby =
            Self { child, settings, port: self.port, folder, disk: None, server, template };
        standby.wait()?;
        Ok(standby)
    }

    /// Starts a new cluster that also listens on `localhost`, with a certificate for that name.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn start_with_tls() -> io::Result<Self> {
        // Nobody else takes the port in the short time until the server does.
        let port = TcpListener::bind(("localhost", 0))?.local_addr()?.port();
        Self::new(&["listen_addresses=localhost", "ssl=on"], port, None, certificates::make)
    }

    fn new(
        settings: &[&str],
        port: u16,
        disk: Option<u32>,
        prepare: impl FnOnce(&Server, &Path) -> io::Result<()>,
    ) -> io::Result<Self> {
        let server = Server::find()?;
        let template = Template::get(&server)?;
        let folder = template.copy(&server)?;
        prepare(&server, folder.path())?;
        let settings: Vec<_> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let child = start(&server, folder.path(), port, &settings, disk)?;
        let mut cluster = Self { child, settings, port, folder, disk, server, template };
        cluster.wait()?;
        Ok(cluster)
    }

    /// The certificate, in PEM, of the authority that has signed the server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder().join("authority.crt")
    }

    /// The id of the server's first process, which all of its others descend from.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The port that it listens on, if it listens on one.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket: what a URL names as its host.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the file system of [`Cluster::start_with_disk`] is, as the server sees it.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder().join(DISK)
    }

    /// The URL of a database of this cluster or of its standby, on whichever of them takes writes, for `postgres`.
    #[must_use]
    pub fn url_with(&self, standby: &Self, database: &str) -> String {
        let host = |of: &Self| of.folder().display().to_string().replace('/', "%2F");
        let (host, other) = (host(self), host(standby));
        format!(
            "postgres://{host},{other}/{database}?user=postgres&target_session_attrs=read-write"
        )
    }

    /// The URL of a database of it, for its superuser `postgres`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.folder().display())
    }

    /// Runs SQL as the superuser, each statement by itself, and returns the rows as lines with `|` between their values.
    ///
    /// # Errors
    /// The server's.
    pub fn sql(&self, database: &str, statements: &[&str]) -> io::Result<String> {
        let mut psql = self.server.command("psql");
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        psql.arg("-h").arg(self.folder()).args(["-d", database, "-p", &self.port.to_string()]);
        statements.iter().for_each(|statement| _ = psql.args(["-c", statement]));
        let output = failed(&mut psql)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Kills a process of the server with SIGKILL: the server takes it for a crash and starts over.
    ///
    /// # Errors
    /// There is no such process.
    pub fn kill(&self, process: i32) -> io::Result<()> {
        signal(process, Signal::KILL)
    }

    /// Stops a process of the server with SIGSTOP until the server kills it, some seconds after a crash.
    ///
    /// # Errors
    /// There is no such process.
    pub fn pause(&self, process: i32) -> io::Result<()> {
        signal(process, Signal::STOP)
    }

    /// Kills the server's first process with SIGKILL; the others notice, and end too.
    pub fn kill_all(&mut self) {
        self.end(Signal::KILL);
    }

    /// Stops the server as a crash would, and starts it again.
    ///
    /// # Errors
    /// It could not be started.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop();
        self.resume()
    }

    /// Stops the server as a crash would.
    pub fn stop(&mut self) {
        self.end(Signal::QUIT);
    }

    fn end(&mut self, signal: Signal) {
        // A process that has ended needs no signal.
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process(process, signal);
        }
        _ = self.child.wait();
    }

    /// Starts the server again after [`Cluster::stop`] or [`Cluster::kill_all`].
    ///
    /// # Errors
    /// It could not be started.
    pub fn resume(&mut self) -> io::Result<()> {
        let until = Instant::now() + START_WAIT;
        loop {
            let (folder, disk) = (self.folder.path(), self.disk);
            self.child = start(&self.server, folder, self.port, &self.settings, disk)?;
            match self.wait() {
                // Processes of a server that was killed may not have ended yet.
                Err(_) if self.child.try_wait()?.is_some() && Instant::now() < until => {
                    thread::sleep(POLL_INTERVAL);
                }
                waited => return waited,
            }
        }
    }

    /// Waits until it takes connections.
    ///
    /// # Errors
    /// It did not for a minute, or ended; the error has its log.
    pub fn wait(&mut self) -> io::Result<()> {
        let until = Instant::now() + START_WAIT;
        while self.sql("postgres", &["SELECT"]).is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(self.folder().join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("PostgreSQL did not start: {log}")));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(process: i32, signal: Signal) -> io::Result<()> {
    let process = Pid::from_raw(process).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(process, signal)?)
}

fn start(
    server: &Server,
    folder: &Path,
    port: u16,
    settings: &[String],
    disk: Option<u32>,
) -> io::Result<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    let mut postgres = server.command("postgres");
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    postgres.args(["-p", &port.to_string()]);
    let common = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=40"];
    for setting in common.into_iter().chain(settings.iter().map(String::as_str)) {
        postgres.args(["-c", setting]);
    }
    let mut postgres = match disk {
        Some(mebibytes) => server.with_disk(&postgres, &folder.join(DISK), mebibytes),
        None => postgres,
    };
    postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()
}
