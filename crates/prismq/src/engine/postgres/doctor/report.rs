//! What was found, and what to do about it.

use std::fmt;
use std::time::Duration;

use crate::time::Timestamp;

/// From so many dead rows in one table on, something keeps them from being removed.
const DEAD_ROWS_MAX: u64 = 1_000_000;
/// From this age on, a table is not frozen in time: at 2 billion the server stops taking writes.
const TRANSACTION_AGE_MAX: u64 = 500_000_000;
/// Longer than a transaction of any program should be open.
const OPEN_MAX: Duration = Duration::from_secs(300);
/// The tables whose rows change all the time, which the schema has vacuum follow closely, and after how many dead rows.
const BUSY: [(&str, u32); 11] = [
    ("task", VACUUMED_AFTER),
    ("ready", VACUUMED_AFTER),
    ("scheduled", VACUUMED_AFTER),
    ("expiry", VACUUMED_AFTER),
    ("ended", VACUUMED_AFTER),
    ("counter_delta", 2_000),
    ("virtual_time", 2_000),
    ("arrival", 2_000),
    ("slot", VACUUMED_AFTER),
    ("turn", VACUUMED_AFTER),
    ("prismq_inbox", VACUUMED_AFTER),
];
const VACUUMED_AFTER: u32 = 10_000;

/// The state of a queue's tables, and what keeps them from being cleaned. See [`doctor`](crate::postgres::doctor).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The tables of the queue's schema, those with the most dead rows first.
    pub tables: Vec<TableHealth>,
    /// Who keeps deleted rows from being removed, those first that hold the oldest: at most 20.
    pub holders: Vec<Holder>,
    /// What is wrong, each with what to do; empty if nothing is.
    pub warnings: Vec<String>,
}

/// One table, as the server's statistics show it, which lag behind by about a second.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableHealth {
    /// Its name, without the schema.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Deleted and replaced rows that are still stored.
    pub dead_rows: u64,
    /// Its size with its indexes, in bytes.
    pub bytes: u64,
    /// When a vacuum of it last ended, by the server's clock.
    pub vacuumed_at: Option<Timestamp>,
    /// Whether the server vacuums it by itself.
    pub is_vacuumed: bool,
    /// Whether it does so after a fixed number of changes, as the schema sets it.
    pub follows_closely: bool,
    /// How many transactions have begun since its oldest row that is not frozen.
    pub transaction_age: u64,
}

/// Someone who may still see rows that were deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// Its name: of a session its process, application and user.
    pub name: String,
    /// How many transactions have begun since what it sees.
    pub transactions: u64,
    /// For how long its transaction has been open, where that is known.
    pub since: Option<Duration>,
}

/// What keeps deleted rows from being removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HolderKind {
    /// A session with an open transaction.
    Session,
    /// A replication slot, perhaps of a standby that is gone.
    ReplicationSlot,
    /// A transaction that was prepared, and neither committed nor rolled back.
    PreparedTransaction,
    /// A standby with `hot_standby_feedback`, on which a query runs.
    Standby,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            HolderKind::Session => "the session of",
            HolderKind::ReplicationSlot => "the replication slot",
            HolderKind::PreparedTransaction => "the prepared transaction",
            HolderKind::Standby => "the standby",
        };
        write!(f, "{kind} {}", self.name)?;
        if let Some(since) = self.since {
            write!(f, ", open for {} s", since.as_secs())?;
        }
        write!(f, ", {} transactions old", self.transactions)
    }
}

impl HolderKind {
    const fn remedy(self) -> &'static str {
        match self {
            Self::Session => "end its transaction, or the session by pg_terminate_backend",
            Self::ReplicationSlot => {
                "drop it by pg_drop_replication_slot if its standby does not come back"
            }
            Self::PreparedTransaction => "COMMIT PREPARED or ROLLBACK PREPARED it",
            Self::Standby => "end the query on it, or set hot_standby_feedback off",
        }
    }
}

impl Diagnosis {
    /// Of the queue in this schema; `cleans` says whether the server vacuums by itself.
    pub(super) fn new(
        schema: &str,
        tables: Vec<TableHealth>,
        holders: Vec<Holder>,
        cleans: bool,
    ) -> Self {
        let warnings = warnings(schema, &tables, &holders, cleans);
        Self { tables, holders, warnings }
    }
}

fn warnings(schema: &str, tables: &[TableHealth], holders: &[Holder], cleans: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if !cleans {
        warnings.push(
            "the server does not vacuum by itself: set autovacuum and track_counts on".to_owned(),
        );
    }
    let oldest = holders.first();
    let remedy = oldest.map_or_else(String::new, |oldest| {
        format!("; {oldest} keeps them: {}", oldest.kind.remedy())
    });
    for table in tables {
        let TableHealth { name, dead_rows, transaction_age, .. } = table;
        let busy = BUSY.into_iter().find(|(busy, _)| busy == name);
        if !table.is_vacuumed || (busy.is_some() && !table.follows_closely) {
            let closely = busy.map_or_else(String::new, |(_, threshold)| {
                format!(
                    ", autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = {threshold}, \
                     autovacuum_vacuum_cost_delay = 0"
                )
            });
            warnings.push(format!(
                "table {name} has lost the settings of its vacuum: ALTER TABLE \"{schema}\".{name} SET \
                 (autovacuum_enabled = true{closely})"
            ));
        }
        if *dead_rows >= DEAD_ROWS_MAX {
            warnings.push(format!("table {name} has {dead_rows} dead rows{remedy}"));
        }
        if *transaction_age >= TRANSACTION_AGE_MAX {
            warnings.push(format!(
                "table {name} has rows that are {transaction_age} transactions old, and the server stops at 2 billion: \
                 VACUUM it{remedy}"
            ));
        }
    }
    let long = |holder: &&Holder| {
        holder.kind == HolderKind::PreparedTransaction
            || holder.since.is_some_and(|since| since >= OPEN_MAX)
    };
    warnings.extend(
        holders
            .iter()
            .filter(long)
            .map(|holder| format!("{holder}, keeps deleted rows: {}", holder.kind.remedy())),
    );
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableHealth {
        TableHealth {
            name: name.to_owned(),
            rows: 10,
            dead_rows: 10,
            bytes: 8192,
            vacuumed_at: None,
            is_vacuumed: true,
            follows_closely: true,
            transaction_age: 10,
        }
    }

    fn holder(kind: HolderKind, seconds: u64) -> Holder {
        let since = Some(Duration::from_secs(seconds));
        Holder { kind, name: "x".to_owned(), transactions: 5, since }
    }

    #[test]
    fn nothing_is_wrong_with_small_tables_that_are_vacuumed() {
        let session = holder(HolderKind::Session, 1);
        assert_eq!(
            Diagnosis::new("prismq", vec![table("task")], vec![session], true).warnings,
            [""; 0]
        );
    }

    #[test]
    fn many_dead_or_old_rows_name_the_oldest_holder() {
        let dead = TableHealth { dead_rows: DEAD_ROWS_MAX, ..table("task") };
        let old = TableHealth { transaction_age: TRANSACTION_AGE_MAX, ..table("log") };
        let session = holder(HolderKind::Session, 1);
        let warnings = Diagnosis::new("prismq", vec![dead, old], vec![session], true).warnings;
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("1000000 dead rows; the session of x"), "{warnings:?}");
        assert!(warnings[1].contains("500000000 transactions old"), "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("pg_terminate_backend")));
    }

    #[test]
    fn lost_settings_and_forgotten_transactions_are_named() {
        let lost = TableHealth { follows_closely: false, ..table("counter_delta") };
        let of_no_matter = TableHealth { follows_closely: false, ..table("retry") };
        let forgotten = holder(HolderKind::PreparedTransaction, 1);
        let long = holder(HolderKind::Session, 301);
        let diagnosis =
            Diagnosis::new("prismq", vec![lost, of_no_matter], vec![forgotten, long], false);
        let about = |what: &str| diagnosis.warnings.iter().any(|warning| warning.contains(what));
        assert_eq!(diagnosis.warnings.len(), 4, "{:?}", diagnosis.warnings);
        assert!(about("autovacuum and track_counts") && about("table counter_delta has lost"));
        assert!(about("autovacuum_vacuum_threshold = 2000"), "as the schema has it");
        assert!(about("ROLLBACK PREPARED") && about("open for 301 s"));
    }
}
