//! Libraries that come before those a program was linked with, and may answer in their place.

use std::env;
use std::fs;

/// The dynamic linker's list for all programs (`man 8 ld.so`).
const FOR_ALL: &str = "/etc/ld.so.preload";
const MAPS: &str = "/proc/self/maps";

/// Those of this process, by name: asked for by `LD_PRELOAD` or for all programs, or in memory under a
/// name known for it.
pub(super) fn libraries() -> Vec<String> {
    let asked = env::var("LD_PRELOAD").unwrap_or_default();
    let for_all = fs::read_to_string(FOR_ALL).unwrap_or_default();
    let maps = fs::read_to_string(MAPS).unwrap_or_default();
    found(&[&asked, &for_all], &maps)
}

fn found(lists: &[&str], maps: &str) -> Vec<String> {
    let listed = lists.iter().flat_map(|list| list.split([':', ' ', '\n', '\t']));
    // The path is the sixth field, and empty for memory without a file.
    let mapped = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let known =
        |path: &&str| ["eatmydata", "nosync", "nofsync"].iter().any(|name| path.contains(name));
    let mut found: Vec<String> = Vec::new();
    for path in listed.filter(|path| !path.is_empty()).chain(mapped.filter(known)) {
        if !found.iter().any(|other| other == path) {
            found.push(path.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_in_the_lists_and_in_memory() {
        let maps = "\
7f00-7f01 r-xp 0000 fe:00 1 /usr/lib/x86_64-linux-gnu/libeatmydata.so.1.3.0
7f01-7f02 r--p 0000 fe:00 1 /usr/lib/x86_64-linux-gnu/libeatmydata.so.1.3.0
7f02-7f03 r-xp 0000 fe:00 2 /usr/lib/libc.so.6
7f03-7f04 rw-p 0000 00:00 0
";
        assert_eq!(
            found(&["/a/libone.so:libtwo.so", "/b/three.so\n"], maps),
            [
                "/a/libone.so",
                "libtwo.so",
                "/b/three.so",
                "/usr/lib/x86_64-linux-gnu/libeatmydata.so.1.3.0"
            ]
        );
        assert!(found(&["", ""], "").is_empty());
    }
}
