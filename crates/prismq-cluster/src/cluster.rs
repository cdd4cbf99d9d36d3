//! A running cluster.

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
use crate::template::Template;

/// Longer than a server takes to start, on a busy machine too.
const START_WAIT: Duration = Duration::from_secs(60);
/// The port that names the socket of a cluster which listens on no other.
const PORT: u16 = 5432;
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A cluster of one test.
#[derive(Debug)]
pub struct Cluster {
    child: Child,
    settings: Vec<String>,
    port: u16,
    folder: TempDir,
    server: Server,
    /// Kept for the tests that start meanwhile.
    _template: Arc<Template>,
}

impl Cluster {
    /// Starts a new cluster with these settings, each as `name=value`. It listens on a Unix socket alone.
    ///
    /// # Errors
    /// It could not be made or started; the error has the server's log.
    pub fn start(settings: &[&str]) -> io::Result<Self> {
        Self::new(settings, PORT, |_, _| Ok(()))
    }

    /// Starts a new cluster that also listens on `localhost`, with a certificate for that name.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn start_with_tls() -> io::Result<Self> {
        // Nobody else takes the port in the short time until the server does.
        let port = TcpListener::bind(("localhost", 0))?.local_addr()?.port();
        Self::new(&["listen_addresses=localhost", "ssl=on"], port, certificates::make)
    }

    fn new(
        settings: &[&str],
        port: u16,
        prepare: impl FnOnce(&Server, &Path) -> io::Result<()>,
    ) -> io::Result<Self> {
        let server = Server::find()?;
        let template = Template::get(&server)?;
        let folder = template.copy(&server)?;
        prepare(&server, folder.path())?;
        let settings: Vec<_> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let child = start(&server, folder.path(), port, &settings)?;
        let mut cluster = Self { child, settings, port, folder, server, _template: template };
        cluster.wait()?;
        Ok(cluster)
    }

    /// The certificate, in PEM, of the authority that has signed the server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder().join("authority.crt")
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
        // A process that has ended needs no signal.
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process(process, Signal::QUIT);
        }
        _ = self.child.wait();
    }

    /// Starts the server again after [`Cluster::stop`].
    ///
    /// # Errors
    /// It could not be started.
    pub fn resume(&mut self) -> io::Result<()> {
        self.child = start(&self.server, self.folder.path(), self.port, &self.settings)?;
        self.wait()
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

fn start(server: &Server, folder: &Path, port: u16, settings: &[String]) -> io::Result<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    let mut postgres = server.command("postgres");
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    postgres.args(["-p", &port.to_string()]);
    let common = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=40"];
    for setting in common.into_iter().chain(settings.iter().map(String::as_str)) {
        postgres.args(["-c", setting]);
    }
    postgres.stdout(Stdio::null()).stderr(log).spawn()
}
