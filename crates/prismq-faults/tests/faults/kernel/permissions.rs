//! A user who may read a queue's file or its folder, and not write it, is refused with the reason and a remedy, and
//! changes nothing. Root may write anything, so that this runs as another user, through `setpriv`.
//!
//! Failure mode: file: no permission for it or its folder | `Unusable` with a remedy, nothing changed

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use prismq::{Error, NewTask, Queue};
use prismq_faults::Scratch;

use crate::kernel::child::Part;
use crate::support::{FILE, sound};

const DENIED: &str = "Permission denied (os error 13)";
/// The user and group called nobody, on most systems.
const NOBODY: u32 = 65_534;

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Tries it, as a user who is not root.
pub(crate) fn open_without_permission(folder: &Path) {
    let refused = |path: &Path, reason: &str, remedy: &str| {
        let error = Queue::open(path).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains(remedy), "{text}");
        println!("refused: {error}");
    };
    refused(&folder.join("read-only-file").join(FILE), "it is read-only", "run `chmod u+w`");
    refused(&folder.join("of-another").join(FILE), DENIED, "run `chown 65534 ");
    refused(&folder.join("read-only-folder").join(FILE), DENIED, "run `chmod u+rwX ");
    refused(&folder.join("read-only-folder").join("new.db"), DENIED, "run `chmod u+rwX ");
    assert!(!folder.join("read-only-folder").join("new.db").exists());
    println!("done");
}

pub(crate) fn without_permission_nothing_is_opened_or_changed() {
    let folder = Scratch::new().unwrap();
    set(folder.path(), 0o755);
    let program = folder.file("kernel");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let cases = [
        ("read-only-file", 0o444, 0o755),
        ("of-another", 0o600, 0o755),
        ("read-only-folder", 0o600, 0o555),
    ];
    let mut before = Vec::new();
    for (name, file_mode, folder_mode) in cases {
        let place = folder.file(name);
        fs::create_dir(&place).unwrap();
        let path = place.join(FILE);
        Queue::open(&path).unwrap().enqueue(NewTask::new("job", [1])).unwrap();
        set(&path, file_mode);
        if name != "of-another" {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).ok();
            std::os::unix::fs::chown(&place, Some(NOBODY), Some(NOBODY)).ok();
        }
        set(&place, folder_mode);
        before.push((path.clone(), fs::read(&path).unwrap()));
    }
    let nobody = NOBODY.to_string();
    let output = Command::new("setpriv")
        .args(["--reuid", nobody.as_str(), "--regid", nobody.as_str(), "--clear-groups"])
        .arg(&program)
        .envs(Part::OpenWithoutPermission.environment(folder.path()))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && stdout.contains("done"), "{output:?}");
    stdout.lines().filter(|line| line.contains("refused:")).for_each(|line| println!("{line}"));
    for (path, bytes) in before {
        assert_eq!(fs::read(&path).unwrap(), bytes, "{}", path.display());
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "no file is added: {names:?}");
        set(path.parent().unwrap(), 0o755);
        set(&path, 0o600);
        assert_eq!(sound(&path).tasks.len(), 1);
    }
}
