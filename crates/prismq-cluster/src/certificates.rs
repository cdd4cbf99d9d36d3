//! Certificates for a server with TLS, made by `openssl`.

use std::fs;
use std::io;
use std::path::Path;

use crate::server::{Server, failed};

const SETTINGS: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost
";

/// Makes an authority (`authority.crt`), and in the cluster's data a certificate for `localhost` that it has signed
/// (`server.crt`, `server.key`).
pub(crate) fn make(server: &Server, folder: &Path) -> io::Result<()> {
    fs::write(folder.join("openssl.cnf"), SETTINGS)?;
    sign(server, folder, "authority", &folder.join("authority"), false)?;
    sign(server, folder, "server", &folder.join("data").join("server"), true)
}

fn sign(
    server: &Server,
    folder: &Path,
    name: &str,
    files: &Path,
    by_authority: bool,
) -> io::Result<()> {
    // By the server's user, to whom the key must belong.
    let mut openssl = server.command("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-nodes", "-days", "3650", "-subj"]).arg(format!("/CN={name}"));
    openssl.arg("-config").arg(folder.join("openssl.cnf")).args(["-extensions", name]);
    openssl.arg("-keyout").arg(files.with_extension("key"));
    openssl.arg("-out").arg(files.with_extension("crt"));
    if by_authority {
        openssl.arg("-CA").arg(folder.join("authority.crt"));
        openssl.arg("-CAkey").arg(folder.join("authority.key"));
    }
    failed(&mut openssl).map(drop)
}
