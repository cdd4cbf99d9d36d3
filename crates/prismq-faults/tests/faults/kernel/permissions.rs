//! A user who may read a queue's file or its folder, and not write it, is told so, and changes nothing. Root
//! may write anything, so that this part runs as another user, where `setpriv` can make one of root.
//!
//! Failure mode: file: no permission for it or its folder | `Unusable` with a remedy, nothing changed

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use prismq::{Error, NewTask, Queue};
use prismq_faults::Scratch;

use crate::support::{FILE, sound};

const FOLDER: &str = "PRISMQ_TEST_FOLDER";
const DENIED: &str = "Permission denied (os error 13)";
/// The user and group called nobody, on most systems.
const NOBODY: u32 = 65_534;

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
#[ignore = "started by the test below, as a user who is not root"]
fn try_without_permission() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
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

#[test]
fn without_permission_nothing_is_opened_or_changed() {
    let folder = Scratch::new().unwrap();
    set(folder.path(), 0o755);
    let program = folder.file("faults");
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
        Queue::open(&path).unwrap().enqueue(&NewTask::new("job", [1])).unwrap();
        set(&path, file_mode);
        if name != "of-another" {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).ok();
            std::os::unix::fs::chown(&place, Some(NOBODY), Some(NOBODY)).ok();
        }
        set(&place, folder_mode);
        before.push((path.clone(), fs::read(&path).unwrap()));
    }
    let module = module_path!().split_once("::").unwrap().1;
    let nobody = NOBODY.to_string();
    let output = Command::new("setpriv")
        .args(["--reuid", nobody.as_str(), "--regid", nobody.as_str(), "--clear-groups"])
        .arg(&program)
        .args(["--exact", &format!("{module}::try_without_permission")])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains("done"), "{output:?}");
            said.lines()
                .filter(|line| line.contains("refused:"))
                .for_each(|line| println!("{line}"));
        }
        Err(error) => {
            println!("NOT RUN: setpriv is not there: {error}");
            return;
        }
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("setpriv:") => {
            println!("NOT RUN: this user may not become another");
            return;
        }
        Ok(output) => panic!("{output:?}"),
    }
    for (path, bytes) in before {
        assert_eq!(fs::read(&path).unwrap(), bytes, "{}", path.display());
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
        set(path.parent().unwrap(), 0o755);
        set(&path, 0o600);
        assert_eq!(sound(&path).tasks.len(), 1);
    }
}
