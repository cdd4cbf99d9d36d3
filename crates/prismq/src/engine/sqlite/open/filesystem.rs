//! Which filesystem a queue lies on: SQLite's WAL is shared by memory, which those of another machine do not
//! have, and their locks are kept by whom it pleases. Such a queue is opened all the same, as one process may
//! get by, and warned of.

use std::path::Path;

/// The numbers that Linux knows the filesystems by whose files may be another machine's (`statfs(2)`).
const OF_ANOTHER_MACHINE: [(u32, &str); 9] = [
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

/// Says so if the folder's files may be another machine's.
pub(super) fn warn_of_another_machine(folder: &Path) {
    let Ok(filesystem) = rustix::fs::statfs(folder) else { return };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the numbers are of 32 bits, whatever the width of the field"
    )]
    let number = filesystem.f_type as u32;
    if let Some(name) = of_another_machine(number) {
        tracing::warn!(
            folder = %folder.display(),
            filesystem = name,
            "a queue must lie on a filesystem of this machine's own: processes on two machines damage it"
        );
    }
}

/// The name of a filesystem whose files may be another machine's.
fn of_another_machine(number: u32) -> Option<&'static str> {
    OF_ANOTHER_MACHINE.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filesystems_of_another_machine_are_told_from_local_ones() {
        assert_eq!(of_another_machine(0x6969), Some("NFS"));
        assert_eq!(of_another_machine(0xFF53_4D42), Some("SMB"));
        assert_eq!(of_another_machine(0x6573_5546), Some("FUSE"));
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS.
        let local = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1];
        assert!(local.iter().all(|number| of_another_machine(*number).is_none()));
    }

    #[test]
    fn the_kernel_numbers_them_the_same() {
        let number = rustix::fs::statfs("/proc").map(|proc| proc.f_type);
        assert_eq!(number, Ok(rustix::fs::PROC_SUPER_MAGIC));
        assert_eq!(OF_ANOTHER_MACHINE[0].0, rustix::fs::NFS_SUPER_MAGIC as u32);
    }
}
