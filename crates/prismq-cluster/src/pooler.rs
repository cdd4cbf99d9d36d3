//! A pooler of connections in front of a cluster.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::server::Server;
use crate::template::new_folder;

/// Longer than it takes to start, on a busy machine too.
const START_WAIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// PgBouncer, which gives each transaction one of a few sessions of a cluster.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Pooler {
    /// Starts one with so many sessions.
    ///
    /// # Errors
    /// It could not be started; the error has its log.
    pub fn start(cluster: &Cluster, sessions: u32) -> io::Result<Self> {
        let server = Server::find()?;
        let folder = new_folder(&server)?;
        // It names the socket alone; nobody listens on it.
        let port = TcpListener::bind(("localhost", 0))?.local_addr()?.port();
        let settings = settings(cluster, folder.path(), port, sessions);
        fs::write(folder.path().join("pgbouncer.ini"), settings)?;
        fs::write(folder.path().join("users.txt"), "\"postgres\" \"\"\n")?;
        let log = fs::File::create(folder.path().join("log"))?;
        let mut command = server.command("pgbouncer");
        command.arg("-q").arg(folder.path().join("pgbouncer.ini")).stderr(log);
        let mut pooler = Self { child: command.spawn()?, folder, port };
        pooler.wait()?;
        Ok(pooler)
    }

    /// The URL of a database of its cluster, for the superuser `postgres`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (folder, port) = (self.folder.path().display(), self.port);
        format!("postgres:///{database}?host={folder}&port={port}&user=postgres")
    }

    fn wait(&mut self) -> io::Result<()> {
        let until = Instant::now() + START_WAIT;
        let socket = self.folder.path().join(format!(".s.PGSQL.{}", self.port));
        while !socket.exists() {
            if self.child.try_wait()?.is_some() || Instant::now() > until {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("PgBouncer did not start: {log}")));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn settings(cluster: &Cluster, folder: &Path, port: u16, sessions: u32) -> String {
    let (host, server_port) = (cluster.folder().display(), cluster.port());
    let folder = folder.display();
    format!(
        "[databases]
* = host={host} port={server_port}
[pgbouncer]
pool_mode = transaction
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users.txt
default_pool_size = {sessions}
max_client_conn = 100
server_login_retry = 0
"
    )
}
