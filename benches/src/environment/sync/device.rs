//! What the device below a directory says of itself, and mount options that weaken a sync.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{major, minor};

use super::super::files::line;

const DEVICES: &str = "/sys/dev/block";

/// A block device.
#[derive(Debug, Default)]
pub(super) struct Device {
    /// Its name in the kernel, for example `nvme0n1p2`.
    name: String,
    /// `write back` where it has a cache that a power cut empties, `write through` where it has none, or
    /// the kernel was asked to.
    pub(super) write_cache: Option<String>,
}

/// The device a directory lies on, as far as it is one of its own.
pub(super) fn below(directory: &Path) -> Option<Device> {
    let device = fs::metadata(directory).ok()?.dev();
    in_sysfs(Path::new(DEVICES), &format!("{}:{}", major(device), minor(device)))
}

fn in_sysfs(devices: &Path, numbers: &str) -> Option<Device> {
    // A link to the device's folder; that of a partition lies in its disk's.
    let folder = fs::canonicalize(devices.join(numbers)).ok()?;
    let name = folder.file_name()?.to_str()?.to_owned();
    let write_cache = [Some(folder.as_path()), folder.parent()]
        .into_iter()
        .flatten()
        .find_map(|folder| line(folder.join("queue/write_cache")).ok());
    Some(Device { name, write_cache })
}

/// Why a sync cannot reach a medium that survives a power cut, if it cannot.
pub(super) fn weakened(options: &str, device: Option<&Device>) -> Option<String> {
    let options: Vec<&str> = options.split(',').collect();
    let has = |names: &[&str]| options.iter().find(|option| names.contains(option)).copied();
    if has(&["volatile"]).is_some() {
        return Some("the filesystem is mounted with volatile: it leaves out syncs".to_owned());
    }
    let device = device?;
    let in_memory = ["ram", "zram"].iter().any(|kind| {
        let number = device.name.strip_prefix(kind);
        number.is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
    });
    if in_memory {
        return Some(format!("the device {} keeps its data in memory", device.name));
    }
    let unflushed = has(&["nobarrier", "barrier=0"])?;
    (device.write_cache.as_deref() == Some("write back")).then(|| {
        format!(
            "the filesystem is mounted with {unflushed}: syncs leave the data in the cache of {}, \
             which a power cut empties",
            device.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, write_cache: &str) -> Device {
        Device { name: name.to_owned(), write_cache: Some(write_cache.to_owned()) }
    }

    #[test]
    fn a_usual_mount_weakens_nothing() {
        assert_eq!(weakened("rw,relatime,discard", Some(&device("vda", "write back"))), None);
        assert_eq!(weakened("", None), None);
        assert_eq!(weakened("rw", Some(&device("rambo", "write back"))), None);
    }

    #[test]
    fn a_mount_without_flushes_weakens_a_volatile_cache_alone() {
        let of = |cache: &str| weakened("rw,nobarrier", Some(&device("sda1", cache)));
        assert!(of("write back").is_some_and(|reason| reason.contains("cache of sda1")));
        assert_eq!(of("write through"), None);
        assert!(weakened("barrier=0,rw", Some(&device("sda1", "write back"))).is_some());
    }

    #[test]
    fn volatile_overlays_and_memory_devices_keep_nothing() {
        assert!(weakened("rw,lowerdir=/a,volatile", None).is_some());
        assert!(weakened("rw", Some(&device("zram0", "write back"))).is_some());
        assert!(weakened("rw", Some(&device("ram1", "write through"))).is_some());
    }

    #[test]
    fn a_partition_has_the_cache_of_its_disk() {
        let sysfs = tempfile::tempdir().unwrap();
        let of = |name: &str| sysfs.path().join(name);
        fs::create_dir_all(of("devices/sda/sda1")).unwrap();
        fs::create_dir_all(of("devices/sda/queue")).unwrap();
        fs::create_dir_all(of("dev")).unwrap();
        fs::write(of("devices/sda/queue/write_cache"), "write back\n").unwrap();
        std::os::unix::fs::symlink(of("devices/sda/sda1"), of("dev/8:1")).unwrap();
        let found = in_sysfs(&of("dev"), "8:1").unwrap();
        assert_eq!(
            (found.name.as_str(), found.write_cache.as_deref()),
            ("sda1", Some("write back"))
        );
        assert!(in_sysfs(&of("dev"), "8:2").is_none());
    }
}
