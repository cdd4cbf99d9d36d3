//! Files in memory that another process opens by a path: plans and lanes.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::process;

use prismq_driver::plan::Plan;
use rustix::fs::{MemfdFlags, memfd_create};

use super::error::{DriverError, Result};

/// A file in memory. It lasts as long as this value, also when who wrote it is killed.
#[derive(Debug)]
pub struct Memory {
    file: File,
}

impl Memory {
    /// A file with these bytes.
    ///
    /// # Errors
    /// [`DriverError::Memory`].
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let failed = |action| move |source| DriverError::Memory { action, source };
        let descriptor = memfd_create("prismq", MemfdFlags::CLOEXEC)
            .map_err(|error| failed("create")(error.into()))?;
        let file = File::from(descriptor);
        file.write_all_at(bytes, 0).map_err(failed("write"))?;
        Ok(Self { file })
    }

    /// A plan.
    ///
    /// # Errors
    /// [`DriverError::Memory`].
    pub fn plan(plan: &Plan) -> Result<Self> {
        Self::new(&plan.encode())
    }

    /// The path by which other processes of the same user open it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.file.as_raw_fd())
    }

    /// What has been written from this position on, up to so many bytes: who writes may have made the file of any length.
    pub(super) fn read_from(
        &self,
        position: u64,
        most: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        bytes.clear();
        let length = self.file.metadata()?.len().saturating_sub(position).min(most);
        bytes.resize(usize::try_from(length).unwrap_or(0), 0);
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = position + u64::try_from(filled).unwrap_or(u64::MAX);
            match self.file.read_at(rest, at)? {
                0 => break,
                count => filled += count,
            }
        }
        bytes.truncate(filled);
        Ok(())
    }
}
