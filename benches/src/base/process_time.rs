//! The processor time of processes with all that descend from them, as the kernel counts it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The parent of all threads of the kernel, which mostly work for the run: they write back what it has written.
pub const KTHREADD: u32 = 2;
/// The unit of processor times in `/proc`, the same on all systems with Linux.
pub const TICK: Duration = Duration::from_millis(10);
/// Fields of `/proc/PID/stat` after the name (`man 5 proc_pid_stat`): the parent, and the times in user
/// and kernel mode, of the process and of its children that have ended and were waited for.
const PARENT: usize = 1;
const TIMES: std::ops::Range<usize> = 11..15;

/// In ticks, of these processes and all that descend from them, ended ones included; `None` if the first is not there.
#[must_use]
pub fn ticks_of(proc: &Path, roots: &[u32]) -> Option<u64> {
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
    ticks.get(roots.first()?)?;
    let (mut counted, mut left) = (HashSet::new(), roots.to_vec());
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
    fn processes_count_with_their_descendants() {
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
        let ticks = |roots: &[u32]| ticks_of(proc.path(), roots);
        assert_eq!(ticks(&[100, KTHREADD]), Some(10 + 20 + 100 + 200 + 4 * 3));
        assert_eq!(ticks(&[100]), Some(100 + 200 + 2 * 3));
        assert_eq!(ticks(&[103, KTHREADD]), None, "it is not there");
    }

    #[test]
    fn nonsense_is_no_process() {
        assert_eq!(parse("1 (x"), None);
        assert_eq!(parse("1 (x) R 1 2 3"), None);
    }
}
