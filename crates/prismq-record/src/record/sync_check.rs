//! Whether a sync of the databases' filesystem waits for the disk, which every durable figure rests on.

use serde::{Deserialize, Serialize};

/// What was found out about syncs. Gathered by the harness, only described here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncCheck {
    /// What it comes to.
    pub finding: SyncFinding,
    /// What it rests on, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Whether the user vouches for the disk (`PRISMQ_TRUST_SYNC=yes`), whatever was found.
    #[serde(default)]
    pub trusted: bool,
}

/// What a look at syncs came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SyncFinding {
    /// Nobody has looked, or it could not be found out.
    #[default]
    Unknown,
    /// A sync takes as long as a disk takes, and nothing was found that keeps it from waiting.
    Waits,
    /// A sync is faster than most disks, and it is not shown whether it waits.
    Doubtful,
    /// It is shown that a sync does not wait until the data is safe.
    DoesNotWait,
}

impl SyncCheck {
    /// Why no figure is durable, if that is shown and nobody vouches for the disk.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        let shown = self.finding == SyncFinding::DoesNotWait && !self.trusted;
        shown.then(|| {
            format!(
                "syncs do not wait for the disk, so that no figure is durable: {}",
                self.because()
            )
        })
    }

    /// What makes durable figures doubtful without making them worthless.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match self.finding {
            SyncFinding::Doubtful if !self.trusted => Some(format!(
                "syncs may not wait for the disk: {}; if it is as fast as that, PRISMQ_TRUST_SYNC=yes \
                 says so",
                self.because()
            )),
            SyncFinding::Doubtful | SyncFinding::DoesNotWait if self.trusted => Some(format!(
                "syncs are trusted by PRISMQ_TRUST_SYNC=yes, though {}",
                self.because()
            )),
            _ => None,
        }
    }

    fn because(&self) -> String {
        self.reasons.join("; ")
    }
}
