//! Network filesystems: SQLite's WAL needs shared memory, which machines do not share, and locks that these filesystems
//! keep unreliably. A queue on one is opened all the same, as a single process may work, and warned of.

use std::path::Path;

/// Types of network filesystems on Linux (`statfs(2)`).
const NETWORK_FILESYSTEMS: [(u32, &str); 9] = [
    (0x0000_6969, "NFS"),
    (0xFF53_4D42, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0x0000_517B, "SMB"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x6573_5546, "FUSE"),
];

/// Warns if the folder is on a network filesystem.
pub(super) fn warn_of_network(folder: &Path) {
    let Ok(filesystem) = rustix::fs::statfs(folder) else { return };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the types have 32 bits; the width of the field depends on the platform"
    )]
    let number = filesystem.f_type as u32;
    if let Some(name) = network_filesystem(number) {
        tracing::warn!(
            folder = %folder.display(),
            filesystem = name,
            "the queue may be on a network filesystem: use a local one, as processes on two machines damage the file"
        );
    }
}

/// The name of a network filesystem.
fn network_filesystem(number: u32) -> Option<&'static str> {
    NETWORK_FILESYSTEMS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_filesystems_are_distinguished_from_local_ones() {
        assert_eq!(network_filesystem(0x6969), Some("NFS"));
        assert_eq!(network_filesystem(0xFF53_4D42), Some("SMB"));
        assert_eq!(network_filesystem(0x6573_5546), Some("FUSE"));
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS.
        let local = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1];
        assert!(local.iter().all(|number| network_filesystem(*number).is_none()));
    }

    #[test]
    fn their_type_numbers_are_those_of_the_kernel() {
        let number = rustix::fs::statfs("/proc").map(|proc| proc.f_type);
        assert_eq!(number, Ok(rustix::fs::PROC_SUPER_MAGIC));
        assert_eq!(NETWORK_FILESYSTEMS[0].0, rustix::fs::NFS_SUPER_MAGIC as u32);
    }
}
