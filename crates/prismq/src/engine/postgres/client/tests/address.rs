//! URLs: what they mean, what is refused, and that no secret is ever shown.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::engine::postgres::client::address::Address;
use crate::engine::postgres::client::tls::{self, Authorities, Tls};

fn address(url: &str) -> Address {
    Address::parse(url).unwrap()
}

fn refusal(url: &str) -> String {
    let error = Address::parse(url).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error:?}");
    error.to_string()
}

#[test]
fn a_url_names_hosts_database_and_options() {
    let url = "postgres://bob:s3cret@a.example:5433,b.example/app?target_session_attrs=read-write&schema=jobs";
    let address = address(url);
    assert_eq!(address.label, "a.example:5433,b.example:5432/app");
    assert_eq!(address.schema(), "jobs");
    assert!(!address.pooler);
    assert_eq!(address.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert_eq!(address.config.get_password(), Some(b"s3cret".as_slice()));
}

#[test]
fn hosts_may_be_an_option_and_the_database_that_of_the_user() {
    let address_of = |url: &str| address(url).label;
    let url = "postgres://bob@/app?host=a.example,b.example&port=5433,5434";
    assert_eq!(address_of(url), "a.example:5433,b.example:5434/app");
    assert_eq!(address_of("postgres://bob:s3cret@db"), "db:5432/(the user's)");
}

#[test]
fn a_socket_of_this_machine_is_a_host() {
    for url in ["postgres://%2Ftmp%2Fpg/app", "postgresql:///app?host=/tmp/pg&port=5432"] {
        let address = address(url);
        assert_eq!(address.label, "/tmp/pg:5432/app", "{url}");
        assert_eq!(address.config.get_ssl_mode(), SslMode::Prefer);
        assert_eq!(address.schema(), "prismq");
    }
}

#[test]
fn off_this_machine_the_certificate_is_verified_unless_the_url_says_otherwise() {
    let of = |url: &str| {
        let address = address(url);
        (address.config.get_ssl_mode(), address.tls)
    };
    let system = Tls::Verified(Authorities::OfSystem);
    let file = Tls::Verified(Authorities::File(PathBuf::from("/a b.pem")));
    for (url, mode, tls) in [
        ("postgres://db/app", SslMode::Require, &system),
        ("postgres://localhost,db/app", SslMode::Require, &system),
        ("postgres://localhost/app?hostaddr=10.0.0.1", SslMode::Require, &system),
        ("postgres://localhost/app", SslMode::Prefer, &Tls::Unverified),
        ("postgres://127.0.0.3,[::1]/app", SslMode::Prefer, &Tls::Unverified),
        ("postgres://localhost/app?sslmode=verify-full", SslMode::Require, &system),
        ("postgres://db/app?sslrootcert=/a%20b.pem", SslMode::Require, &file),
        ("postgres://db/app?sslmode=require&sslrootcert=/a%20b.pem", SslMode::Require, &file),
        ("postgres://db/app?sslmode=require", SslMode::Require, &Tls::Unverified),
        ("postgres://db/app?sslmode=prefer", SslMode::Prefer, &Tls::Unverified),
        ("postgres://db/app?sslmode=disable", SslMode::Disable, &Tls::Unverified),
    ] {
        assert_eq!(of(url), (mode, tls.clone()), "{url}");
    }
}

#[test]
fn a_server_that_has_vanished_is_not_waited_for_long_unless_the_url_says_so() {
    let config = address("postgres://localhost/app").config;
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(5)));
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(15)));
    assert!(config.get_keepalives_idle() <= Duration::from_secs(15));
    let config = address("postgres://localhost/app?connect_timeout=60&tcp_user_timeout=90").config;
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_mins(1)));
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(90)));
}

#[test]
fn a_transaction_pooler_is_named() {
    assert!(address("postgres://localhost/app?pooler=transaction").pooler);
    assert!(!address("postgres://localhost/app?pooler=session").pooler);
}

#[test]
fn an_invalid_url_is_refused_with_what_is_wrong_and_without_its_secrets() {
    for (url, wrong) in [
        ("mysql://bob:s3cret@db/app", "postgres://"),
        ("bob:s3cret@db", "postgres://"),
        ("postgres://bob:s3cret@", "names no host"),
        ("postgres://bob:p@s3cret@db/app", "%40"),
        ("postgres://bob:p?s3cret=1@db/app", "%40"),
        ("postgres://bob:s3cret@db:port/app", "port"),
        ("postgres://bob:s3cret@db/app?s3cret=1", "not known"),
        ("postgres://bob:s3cret@db/app?s3cret", "NAME=VALUE"),
        ("postgres://bob@db/app?password=s3cret&keepalives=s3cret", "keepalives"),
        ("postgres://bob:s3cret@db/app?sslmode=verify-ca", "verify-full"),
        ("postgres://bob:s3cret@db/app?pooler=s3cret", "pooler must be"),
        ("postgres://bob:s3cret@db/app?pooler=none&pooler=none", "pooler twice"),
        ("postgres://bob:s3cret@db/app?schema=S3cret", "schema must be"),
        ("postgres://bob:s3cret@db/app?schema=pg_s3cret", "schema must be"),
        ("postgres://bob:s3cret@db/app?schema=", "schema must be"),
        ("postgres://bob:s3cret@db/app?schema=%", "percent-encoded"),
        ("postgres://bob:s3cret@db/app?schema=%ff", "percent-encoded"),
    ] {
        let reason = refusal(url);
        assert!(reason.contains("connection URL") && reason.contains(wrong), "{url}: {reason}");
    }
}

#[test]
fn nothing_secret_is_printed_for_debugging() {
    let url = "postgres://bob:s3cret@db/app?options=s3cret";
    for url in [url, "postgres://bob@db/app?password=s3cret"] {
        let printed = format!("{:?}", address(url));
        assert!(printed.contains("db:5432/app") && !printed.contains("s3cret"), "{printed}");
    }
}

#[test]
fn authorities_that_cannot_be_used_are_refused_by_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    let refused = || {
        let authorities = Authorities::File(path.clone());
        tls::connector(&Tls::Verified(authorities)).map(drop).unwrap_err().to_string()
    };
    let missing = refused();
    assert!(missing.contains("root.pem cannot be read"), "{missing}");
    std::fs::write(&path, "no certificate").unwrap();
    let empty = refused();
    assert!(empty.contains("root.pem holds no certificate"), "{empty}");
    let invalid = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&path, invalid).unwrap();
    let invalid = refused();
    assert!(invalid.contains("root.pem holds an invalid certificate"), "{invalid}");
}
