//! The URL of a queue in a PostgreSQL database.
//!
//! What can be a secret is never part of an error, of a log line or of what is printed for debugging: errors name
//! options, and the label has hosts, ports and the database alone.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::{Authorities, Tls};
use crate::model::{Error, Result};

const SCHEMA_DEFAULT: &str = "prismq";
/// The longest name that PostgreSQL keeps, in bytes.
const NAME_BYTES_MAX: usize = 63;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After this long without a sign of the other side, a connection counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);

/// Options of the driver that a URL may have; those of the queue's own are in [`Own`].
const OF_DRIVER: [&str; 17] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Where a queue is, and how to connect.
#[derive(Clone)]
pub(crate) struct Address {
    pub(super) config: Box<Config>,
    pub(super) tls: Tls,
    pub(super) schema: Arc<str>,
    /// Whether a pooler may give each transaction another session.
    pub(super) pooler: bool,
    /// Hosts, ports and database, to be shown.
    pub(super) label: String,
}

/// Options that the driver does not know, or reads in another way.
#[derive(Default)]
struct Own {
    sslmode: Option<String>,
    sslrootcert: Option<String>,
    schema: Option<String>,
    pooler: Option<String>,
}

impl Address {
    /// Reads a URL: `postgres://USER:PASSWORD@HOST:PORT,.../DATABASE?OPTION=VALUE&...`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] that says what is wrong with it, without any part of it that may be secret.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let rest =
            ["postgres://", "postgresql://"].iter().find_map(|start| url.strip_prefix(start));
        let rest =
            rest.ok_or_else(|| invalid("it must begin with postgres:// or postgresql://"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        check_separators(place, query)?;
        let (own, of_driver) = own_options(query)?;
        // The driver's own messages may quote a part of the URL.
        let mut config = Box::new(
            format!("postgres://{place}?{of_driver}")
                .parse::<Config>()
                .map_err(|error| invalid(driver_reason(&error)))?,
        );
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(invalid("it names no host: postgres://HOST/DATABASE"));
        }
        let tls = own.tls(&mut config)?;
        set_defaults(&mut config);
        let label = label(&config);
        Ok(Self { config, tls, schema: own.schema()?, pooler: own.pooler()?, label })
    }

    /// Hosts, ports, database and schema, to be shown.
    pub(crate) fn described(&self) -> String {
        format!("{}, schema {}", self.label, self.schema)
    }

    /// The schema that holds the queue's tables: lower-case letters, digits and underlines.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("server", &self.label)
            .field("schema", &self.schema)
            .field("pooler", &self.pooler)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl Own {
    fn tls(&self, config: &mut Config) -> Result<Tls> {
        let authorities = match self.sslrootcert.as_deref() {
            None | Some("system") => Authorities::OfSystem,
            Some(path) => Authorities::File(PathBuf::from(path)),
        };
        let (mode, tls) = match self.sslmode.as_deref() {
            None if is_local(config) => (SslMode::Prefer, Tls::Unverified),
            None | Some("verify-full") => (SslMode::Require, Tls::Verified(authorities)),
            Some("disable") => (SslMode::Disable, Tls::Unverified),
            Some("prefer") => (SslMode::Prefer, Tls::Unverified),
            // As libpq has it: a file of authorities is there to be used.
            Some("require") if self.sslrootcert.is_some() => {
                (SslMode::Require, Tls::Verified(authorities))
            }
            Some("require") => (SslMode::Require, Tls::Unverified),
            Some(_) => {
                return Err(invalid(
                    "sslmode must be verify-full (the default off this machine), require, prefer or disable",
                ));
            }
        };
        config.ssl_mode(mode);
        Ok(tls)
    }

    fn schema(&self) -> Result<Arc<str>> {
        let schema = self.schema.as_deref().unwrap_or(SCHEMA_DEFAULT);
        let is_valid = schema.len() <= NAME_BYTES_MAX
            && schema.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            && !schema.starts_with("pg_")
            && schema.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_valid {
            return Err(invalid(
                "schema must be 1 to 63 lower-case letters, digits and underlines, not begin with a digit \
                 or pg_",
            ));
        }
        Ok(schema.into())
    }

    fn pooler(&self) -> Result<bool> {
        match self.pooler.as_deref() {
            None | Some("none" | "session") => Ok(false),
            Some("transaction") => Ok(true),
            Some(_) => Err(invalid("pooler must be none, session or transaction")),
        }
    }
}

/// What separates the parts of a URL must be percent-encoded inside of them. A password in which it is not would
/// otherwise be taken for a host or an option, and be shown.
fn check_separators(place: &str, query: &str) -> Result<()> {
    if place.matches('@').count() > 1 || query.contains('@') {
        return Err(invalid(
            "it has an '@' too many: in user and password, write '@' as %40, '?' as %3F, '/' as %2F, ':' as %3A",
        ));
    }
    Ok(())
}

/// The options of the queue's own, and the rest as it was.
fn own_options(query: &str) -> Result<(Own, String)> {
    let mut own = Own::default();
    let mut of_driver = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option
            .split_once('=')
            .ok_or_else(|| invalid("an option after '?' has no value: write NAME=VALUE"))?;
        let slot = match name {
            "sslmode" => &mut own.sslmode,
            "sslrootcert" => &mut own.sslrootcert,
            "schema" => &mut own.schema,
            "pooler" => &mut own.pooler,
            // The driver would take them for one.
            "host" => {
                of_driver.extend(value.split(',').map(|host| format!("host={host}")));
                continue;
            }
            name if OF_DRIVER.contains(&name) => {
                of_driver.push(option.to_owned());
                continue;
            }
            _ => {
                return Err(invalid(format!(
                    "an option after '?' is not known: known are sslmode, sslrootcert, schema, pooler, {}",
                    OF_DRIVER.join(", ")
                )));
            }
        };
        let value = percent_decoded(value)
            .ok_or_else(|| invalid(format!("{name} is not percent-encoded UTF-8")))?;
        if slot.replace(value).is_some() {
            return Err(invalid(format!("it has {name} twice")));
        }
    }
    Ok((own, of_driver.join("&")))
}

fn percent_decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What the driver finds wrong, if it names only an option.
fn driver_reason(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let named =
        OF_DRIVER.iter().find(|option| cause == format!("invalid value for option `{option}`"));
    match named {
        Some(option) => format!("the value of {option} is invalid"),
        None => "it is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE"
            .to_owned(),
    }
}

/// Whether all of its hosts are this machine.
fn is_local(config: &Config) -> bool {
    let by_name = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    by_name && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// What the URL leaves open. The driver would wait for hours for a server that has vanished.
fn set_defaults(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_MAX);
    }
    if config.get_keepalives_idle() > SILENCE_MAX {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(2);
    }
    if config.get_application_name().is_none() {
        config.application_name("prismq");
    }
}

fn label(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or_else(|| ports.first()).copied().unwrap_or(5432);
    let named = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = match config.get_hosts().is_empty() {
        true => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        false => named.collect(),
    };
    let hosts: Vec<_> =
        hosts.iter().enumerate().map(|(at, host)| format!("{host}:{}", port(at))).collect();
    // Without one it is called like the user, who is not named.
    let database = config.get_dbname().unwrap_or("(the user's)");
    format!("{}/{database}", hosts.join(","))
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::invalid("connection URL", reason)
}
