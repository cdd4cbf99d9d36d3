//! What the databases lie on, by the kernel's list of mounts (`man 5 proc`, `mountinfo`).

use std::fs;
use std::path::{Path, PathBuf};

use super::files::text;

const FILE: &str = "/proc/self/mountinfo";

/// A mounted filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    point: PathBuf,
    /// Its type, for example `ext4`.
    pub(super) filesystem: String,
    /// What is mounted, for example `/dev/vda1`.
    pub(super) device: String,
    /// The mount's own options, then those of the filesystem that are not among them.
    pub(super) options: String,
}

/// What is mounted over an existing path.
pub(super) fn mount_of(path: &Path) -> Result<Mount, String> {
    let path = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
    below(&text(FILE)?, &path).ok_or_else(|| format!("{FILE} has no mount over {}", path.display()))
}

/// The mount with the longest path to this one; of several mounted on one point the last covers the
/// others.
fn below(mountinfo: &str, path: &Path) -> Option<Mount> {
    let mounts = mountinfo.lines().filter_map(parse);
    mounts
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL...] - TYPE DEVICE SUPER_OPTIONS`.
fn parse(line: &str) -> Option<Mount> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(4);
    let (point, own) = (mount.next()?, mount.next()?);
    let mut filesystem = filesystem.split(' ');
    let (kind, device) = (filesystem.next()?, filesystem.next()?);
    let of_filesystem = filesystem.next().unwrap_or_default();
    let mut options: Vec<&str> = own.split(',').collect();
    for option in of_filesystem.split(',').filter(|option| !option.is_empty()) {
        if !options.contains(&option) {
            options.push(option);
        }
    }
    Some(Mount {
        point: PathBuf::from(unescape(point)),
        filesystem: kind.to_owned(),
        device: unescape(device),
        options: options.join(","),
    })
}

/// Spaces, tabs, line ends and backslashes are written as three octal digits after a backslash.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|_| *first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (code, after.get(3..)) {
            (Some(byte), Some(after)) => {
                bytes.push(byte);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
22 21 0:21 / /proc rw,nosuid shared:12 master:3 - proc proc rw
23 21 0:35 / /tmp rw,nosuid - tmpfs tmpfs rw,size=1024k
24 21 254:2 / /mnt/two\\040words rw,noatime - xfs /dev/vdb rw,attr2
25 24 254:3 / /mnt/two\\040words rw - btrfs /dev/mapper/a\\134b rw,ssd
a line of another kind
";

    fn of(path: &str) -> Mount {
        below(LIST, Path::new(path)).unwrap()
    }

    #[test]
    fn ext4_is_distinguished_from_ext2_and_ext3() {
        let mount = of("/home/somebody/target");
        assert_eq!((mount.filesystem.as_str(), mount.device.as_str()), ("ext4", "/dev/vda1"));
        assert_eq!(mount.options, "rw,relatime,errors=remount-ro");
    }

    #[test]
    fn the_longest_path_wins_but_not_a_common_beginning() {
        assert_eq!(of("/tmp/x").filesystem, "tmpfs");
        assert_eq!(of("/tmpfoo/x").filesystem, "ext4");
    }

    #[test]
    fn the_last_mount_on_a_point_covers_the_others() {
        let mount = of("/mnt/two words/db");
        assert_eq!(
            (mount.filesystem.as_str(), mount.device.as_str()),
            ("btrfs", "/dev/mapper/a\\b")
        );
    }

    #[test]
    fn nonsense_is_passed_over() {
        assert_eq!(below("", Path::new("/")), None);
        assert_eq!(below("1 2 3 - \n- - -\n", Path::new("/")), None);
        assert_eq!(unescape("a\\04"), "a\\04");
        assert_eq!(unescape("a\\999b"), "a\\999b");
    }

    #[test]
    fn this_directory_is_on_some_mount() {
        assert!(!mount_of(Path::new(".")).unwrap().filesystem.is_empty());
        assert!(mount_of(Path::new("/no such directory")).is_err());
    }
}
