//! Whether a sync of the databases' filesystem waits for the disk, which every durable figure rests on.

use serde::{Deserialize, Serialize};

/// Whether syncs wait for the disk, as the harness found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncCheck {
    /// The result.
    pub finding: SyncFinding,
    /// Its reasons, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Whether the user vouches for the disk (`PRISMQ_TRUST_SYNC=yes`), regardless of the result.
    #[serde(default)]
    pub trusted: bool,
}

/// The result of a check of syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SyncFinding {
    /// Not checked, or not determined.
    #[default]
    Unknown,
    /// A sync takes as long as a disk takes, and nothing was found that keeps it from waiting.
    Waits,
    /// A sync is faster than most disks are; whether it waits is not proved.
    Doubtful,
    /// A sync is proved not to wait until the data is safe.
    DoesNotWait,
}

impl SyncCheck {
    /// Why no figure is durable, if that is proved and the user does not vouch for the disk.
    #[must_use]
    pub fn invalid_reason(&self) -> Option<String> {
        let shown = self.finding == SyncFinding::DoesNotWait && !self.trusted;
        shown.then(|| {
            format!("syncs do not wait for the disk, so no figure is durable: {}", self.because())
        })
    }

    /// What makes durable figures doubtful without making them worthless.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match self.finding {
            SyncFinding::Doubtful if !self.trusted => Some(format!(
                "syncs may not wait for the disk: {}; if the disk is that fast, set \
                 PRISMQ_TRUST_SYNC=yes",
                self.because()
            )),
            SyncFinding::Doubtful | SyncFinding::DoesNotWait if self.trusted => Some(format!(
                "syncs are trusted because of PRISMQ_TRUST_SYNC=yes, though {}",
                self.because()
            )),
            _ => None,
        }
    }

    fn because(&self) -> String {
        self.reasons.join("; ")
    }
}
