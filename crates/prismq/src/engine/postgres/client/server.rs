//! Which server a session is connected to, and whether it can hold a queue.

use std::collections::HashSet;

use tokio_postgres::SimpleQueryMessage;

/// What a session asks for once it is connected, as one row of texts.
///
/// The processes without a user and a database are the server's own, which all start anew after a crash, although the
/// server keeps its start time; from PostgreSQL 18 on also those of clients that are connecting.
pub(super) const IDENTIFY: &str = "\
    SELECT pg_catalog.version(), \
        pg_catalog.current_setting('server_version_num'), \
        pg_catalog.pg_is_in_recovery()::pg_catalog.text, \
        pg_catalog.concat_ws(' ', \
            (SELECT system_identifier FROM pg_catalog.pg_control_system()), \
            (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())), \
        (SELECT pg_catalog.string_agg(pid::pg_catalog.text, ',') \
         FROM pg_catalog.pg_stat_activity WHERE datid IS NULL AND usesysid IS NULL), \
        pg_catalog.current_setting('synchronous_standby_names'), \
        (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8";

/// Asks for the version and the product.
pub(super) const VERSION: &str = "SELECT version()";

/// Asks for the standbys that commits wait for. A session learns of a change of the setting between two messages.
pub(super) const STANDBYS: &str = "SELECT pg_catalog.current_setting('synchronous_standby_names')";

/// Why a server without them is not used.
pub(super) const NO_STANDBY: &str = "it has no synchronous standby, which `Durability::Replicated` needs: set its synchronous_standby_names, or use \
     `Durability::Full`";

/// The oldest version that is supported, as `server_version_num` has it.
const VERSION_MIN: u32 = 140_000;

/// What `version()` of other products contains that speak the protocol, and their names.
const OTHER_PRODUCTS: [(&str, &str); 10] = [
    ("cockroach", "CockroachDB"),
    ("-yb-", "YugabyteDB"),
    ("yugabyte", "YugabyteDB"),
    ("redshift", "Amazon Redshift"),
    ("greenplum", "Greenplum"),
    ("cloudberry", "Apache Cloudberry"),
    ("materialize", "Materialize"),
    ("risingwave", "RisingWave"),
    ("cratedb", "CrateDB"),
    ("questdb", "QuestDB"),
];

/// How many of the server's own processes two sessions must both see if it has not crashed between them: it has three
/// that never end by themselves, and the id of one may be used again.
const COMMON_MIN: usize = 2;

/// One run of one server.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// Which server, and which timeline.
    server: String,
    /// Its own processes.
    processes: HashSet<u32>,
    /// When it was started, in microseconds.
    pub(super) started: i64,
}

impl Identity {
    /// Whether the server has neither crashed nor restarted in between, and no other has taken its place.
    pub(super) fn is_same_run(&self, other: &Self) -> bool {
        let common = self.processes.intersection(&other.processes).count();
        (&self.server, self.started) == (&other.server, other.started) && common >= COMMON_MIN
    }
}

/// What a server answered to [`IDENTIFY`].
pub(super) struct Answer<'a> {
    pub(super) version: &'a str,
    pub(super) version_number: &'a str,
    pub(super) in_recovery: &'a str,
    pub(super) server: &'a str,
    pub(super) processes: &'a str,
    pub(super) started: &'a str,
    /// Those that commits wait for.
    pub(super) standbys: &'a str,
}

/// Why a server is not used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It never can hold a queue.
    Refused(String),
    /// It cannot now.
    Now(String),
}

/// The identity of a server that can hold a queue, with a synchronous standby if it needs one.
pub(super) fn admit(answer: &Answer<'_>, needs_standby: bool) -> Result<Identity, Unfit> {
    if let Some(reason) = other_product(answer.version) {
        return Err(Unfit::Refused(reason));
    }
    let lower = answer.version.to_ascii_lowercase();
    let number = answer.version_number.parse::<u32>().ok();
    let Some(number) = number.filter(|_| lower.starts_with("postgresql ")) else {
        return Err(Unfit::Refused(format!(
            "it calls itself {:?}, which is not known to be PostgreSQL: use PostgreSQL",
            answer.version
        )));
    };
    if number < VERSION_MIN {
        return Err(Unfit::Refused(format!(
            "it is PostgreSQL {}, but {} or newer is needed: upgrade it",
            number / 10_000,
            VERSION_MIN / 10_000
        )));
    }
    if answer.in_recovery != "false" {
        return Err(Unfit::Now(
            "it is a standby, which does not write: name the primary, or both".to_owned(),
        ));
    }
    if needs_standby && !has_standby(Some(answer.standbys)) {
        return Err(Unfit::Refused(NO_STANDBY.to_owned()));
    }
    Ok(Identity {
        server: answer.server.to_owned(),
        processes: answer.processes.split(',').filter_map(|id| id.parse().ok()).collect(),
        started: answer.started.parse().unwrap_or_default(),
    })
}

/// Why a server of this version is not used, if it is of another product. Most of them fail to answer [`IDENTIFY`], as they
/// lack functions of it, and are asked for [`VERSION`] alone then.
pub(super) fn other_product(version: &str) -> Option<String> {
    let lower = version.to_ascii_lowercase();
    let (_, name) = OTHER_PRODUCTS.iter().find(|(mark, _)| lower.contains(mark))?;
    Some(format!(
        "it is {name}, which speaks PostgreSQL's protocol but lacks what a queue needs: use PostgreSQL"
    ))
}

/// Whether commits wait for a standby, by the answer to [`STANDBYS`].
pub(super) fn has_standby(names: Option<&str>) -> bool {
    names.is_some_and(|names| !names.trim().is_empty())
}

/// The identity of a server that can hold a queue, from its answer to [`IDENTIFY`].
pub(super) fn identity(
    answer: &[SimpleQueryMessage],
    needs_standby: bool,
) -> Result<Identity, Unfit> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let column = |at| row.and_then(|row| row.try_get(at).ok().flatten()).unwrap_or_default();
    let answer = Answer {
        version: column(0),
        version_number: column(1),
        in_recovery: column(2),
        server: column(3),
        processes: column(4),
        standbys: column(5),
        started: column(6),
    };
    admit(&answer, needs_standby)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer<'a>(version: &'a str, version_number: &'a str, in_recovery: &'a str) -> Answer<'a> {
        Answer {
            version,
            version_number,
            in_recovery,
            server: "1 2",
            processes: "3,4,5",
            started: "7",
            standbys: "",
        }
    }

    fn admitted(version: &str, version_number: &str, in_recovery: &str) -> Result<(), String> {
        match admit(&answer(version, version_number, in_recovery), false) {
            Ok(_) => Ok(()),
            Err(Unfit::Refused(reason) | Unfit::Now(reason)) => Err(reason),
        }
    }

    #[test]
    fn postgresql_is_admitted_from_its_oldest_supported_version_on() {
        let named = "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu";
        assert_eq!(admitted(named, "150018", "false"), Ok(()));
        assert_eq!(admitted("PostgreSQL 14.0 on aarch64", "140000", "false"), Ok(()));
        let old = admitted("PostgreSQL 13.9 on aarch64", "130009", "false").unwrap_err();
        assert!(old.contains("PostgreSQL 13") && old.contains("14 or newer"), "{old}");
    }

    #[test]
    fn a_run_is_known_by_its_processes_whoever_else_is_connecting() {
        let run = |server, processes| {
            let answer =
                Answer { server, processes, ..answer("PostgreSQL 18.1", "180001", "false") };
            admit(&answer, false).unwrap()
        };
        let before = run("1 2", "100,101,102,190");
        assert_eq!(before.started, 7);
        assert!(before.is_same_run(&run("1 2", "100,101,102,230,231")));
        assert!(before.is_same_run(&run("1 2", "100,102,300")), "one has ended");
        assert!(!before.is_same_run(&run("1 2", "190,240,241,242")), "it has crashed");
        assert!(!before.is_same_run(&run("1 3", "100,101,102")), "it is another");
    }

    #[test]
    fn other_products_that_speak_the_protocol_are_refused_by_name() {
        for (version, number, name) in [
            ("CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)", "130000", "CockroachDB"),
            ("PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu", "150002", "YugabyteDB"),
            ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, Redshift 1.0.56754", "80002", "Redshift"),
            ("PostgreSQL 12.12 (Greenplum Database 7.0.0 build)", "120012", "Greenplum"),
            ("Something else 3", "150000", "Something else 3"),
            ("PostgreSQL 15", "none", "not known"),
        ] {
            let refused = admitted(version, number, "false").unwrap_err();
            assert!(refused.contains(name), "{version}: {refused}");
        }
    }

    #[test]
    fn a_standby_is_not_used() {
        let refused = admitted("PostgreSQL 15.18", "150018", "true").unwrap_err();
        assert!(refused.contains("standby"), "{refused}");
    }
}
