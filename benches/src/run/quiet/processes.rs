//! The processor time of the run's own processes, and of the kernel's threads, which mostly work for
//! them: they write back what the run has written.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// The parent of all threads of the kernel.
const KTHREADD: u32 = 2;
/// Fields of `/proc/PID/stat` after the name (`man 5 proc_pid_stat`): the parent, and the times in user
/// and kernel mode, of the process and of its children that have ended and were waited for.
const PARENT: usize = 1;
const TIMES: std::ops::Range<usize> = 11..15;

/// In ticks, of a process, all that descend from it and the kernel's threads, ended ones included.
pub(super) fn own_and_kernels(proc: &Path, own: u32) -> Option<u64> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut ticks: HashMap<u32, u64> = HashMap::new();
    for entry in fs::read_dir(proc).ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended since.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((parent, time)) = parse(&stat) else { continue };
        children.entry(parent).or_default().push(id);
        ticks.insert(id, time);
    }
    ticks.get(&own)?;
    let (mut counted, mut left) = (HashSet::new(), vec![own, KTHREADD]);
    while let Some(id) = left.pop() {
        if counted.insert(id) {
            left.extend(children.get(&id).into_iter().flatten());
        }
    }
    Some(counted.iter().filter_map(|id| ticks.get(id)).sum())
}

/// The parent and the time of a process. Its name may contain anything, parentheses included.
fn parse(stat: &str) -> Option<(u32, u64)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let times = fields.get(TIMES)?.iter().map(|time| time.parse::<u64>());
    let sum = times.sum::<Result<u64, _>>().ok()?;
    Some((fields.get(PARENT)?.parse().ok()?, sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_counts_with_its_descendants_and_the_kernels_threads() {
        let proc = tempfile::tempdir().unwrap();
        let write = |id: u32, parent: u32, ticks: u64| {
            let folder = proc.path().join(id.to_string());
            fs::create_dir(&folder).unwrap();
            let stat = format!("{id} (x) y) R {parent} 1 1 0 -1 0 0 0 0 0 {ticks} 1 1 1 20 0");
            fs::write(folder.join("stat"), stat).unwrap();
        };
        for (id, parent, ticks) in
            [(1, 0, 1_000), (2, 0, 10), (5, 2, 20), (7, 1, 5_000), (100, 7, 100), (101, 100, 200)]
        {
            write(id, parent, ticks);
        }
        fs::create_dir(proc.path().join("sys")).unwrap();
        fs::create_dir(proc.path().join("102")).unwrap();
        // Three ticks more for each: of the kernel's mode, and of children that have ended.
        assert_eq!(own_and_kernels(proc.path(), 100), Some(10 + 20 + 100 + 200 + 4 * 3));
        assert_eq!(own_and_kernels(proc.path(), 103), None, "it is not there");
    }

    #[test]
    fn nonsense_is_no_process() {
        assert_eq!(parse("1 (x"), None);
        assert_eq!(parse("1 (x) R 1 2 3"), None);
    }
}
