//! How much processor time the control group lets this process have.

use std::path::{Path, PathBuf};

use prismq_record::Known;

use super::files::{line, text};

const MEMBERSHIP: &str = "/proc/self/cgroup";
const NO_LIMIT: &str = "no control group limits it";

/// The least quota of the process's group and those above it, in cores; `root` is where the groups
/// are mounted. A process without a limit has no quota, which differs from a quota of 0.
pub(super) fn quota_cores(root: &Path) -> Known<f64> {
    text(MEMBERSHIP).and_then(|membership| least(root, &membership)).into()
}

fn least(root: &Path, membership: &str) -> Result<f64, String> {
    let quotas = groups(root, membership).into_iter().filter_map(|folder| quota_in(&folder));
    quotas.reduce(f64::min).ok_or_else(|| NO_LIMIT.to_owned())
}

/// The folders of the groups this process is in, from its own upwards: of version 2, and of version 1
/// where the controller `cpu` is still there. A container sees its own group at the root; `root` is where
/// the groups are mounted, `membership` the text of `/proc/PID/cgroup`.
#[must_use]
pub fn groups(root: &Path, membership: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in membership.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let bases = if controllers.is_empty() {
            vec![root.to_owned()]
        } else if controllers.split(',').any(|name| name == "cpu") {
            vec![root.join(controllers), root.join("cpu")]
        } else {
            continue;
        };
        for base in bases {
            let group = Path::new(group.trim_start_matches('/'));
            folders.extend(group.ancestors().map(|group| base.join(group)));
        }
    }
    folders
}

fn quota_in(folder: &Path) -> Option<f64> {
    let version_2 = line(folder.join("cpu.max")).ok().and_then(|text| parse_max(&text));
    version_2.or_else(|| {
        let quota = line(folder.join("cpu.cfs_quota_us")).ok()?;
        let period = line(folder.join("cpu.cfs_period_us")).ok()?;
        share(&quota, &period)
    })
}

/// `QUOTA PERIOD` in microseconds, or `max PERIOD`.
fn parse_max(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    share(quota, period)
}

/// Version 1 says -1 where there is no limit, version 2 says `max`.
fn share(quota: &str, period: &str) -> Option<f64> {
    let (quota, period) = (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?);
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_quota_is_a_number_of_cores() {
        assert_eq!(parse_max("150000 100000"), Some(1.5));
        assert_eq!(parse_max("max 100000"), None);
        assert_eq!(share("-1", "100000"), None);
        assert_eq!(parse_max(""), None);
    }

    #[test]
    fn the_least_of_all_groups_above_holds() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("outer/inner");
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("cpu.max"), "400000 100000\n").unwrap();
        fs::write(root.path().join("outer/cpu.max"), "200000 100000\n").unwrap();
        assert_eq!(least(root.path(), "0::/outer/inner\n"), Ok(2.0));
    }

    #[test]
    fn version_1_is_read_where_it_is_in_use() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("cpu,cpuacct/box");
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("cpu.cfs_quota_us"), "50000\n").unwrap();
        fs::write(group.join("cpu.cfs_period_us"), "100000\n").unwrap();
        assert_eq!(least(root.path(), "4:memory:/box\n3:cpu,cpuacct:/box\n"), Ok(0.5));
    }

    #[test]
    fn no_limit_is_unknown_with_a_reason() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(least(root.path(), "0::/\n1:cpu:/\nnonsense\n"), Err(NO_LIMIT.to_owned()));
    }
}
