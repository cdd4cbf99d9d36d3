//! The manifest of a driver that is shipped, `driver.toml`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use prismq_driver::message::{About, Class};
use serde::Deserialize;
use thiserror::Error;

const FILE: &str = "driver.toml";
/// The copy of it that is made once all its steps have succeeded.
const BUILT: &str = "build/driver.toml";
/// The variable that names folders of servers.
const SERVERS: &str = "PRISMQ_DRIVER_PATH";

/// Why a driver that is shipped cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Its manifest cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        #[source]
        source: std::io::Error,
    },
    /// Its manifest is wrong.
    #[error("{}: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A program that it needs is not installed.
    #[error("{name} needs {program}, which is not installed")]
    Missing {
        /// The driver.
        name: String,
        /// The program.
        program: String,
    },
    /// It has not been built, or has changed since.
    #[error("{name} is not built: prismq-bench driver build {name}")]
    Unbuilt {
        /// The driver.
        name: String,
    },
    /// It could not be built.
    #[error("cannot build {name}: {command} {reason}")]
    Build {
        /// The driver.
        name: String,
        /// The command that failed.
        command: String,
        /// How.
        reason: String,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    name: String,
    library: String,
    version: Option<String>,
    licence: String,
    command: Vec<String>,
    #[serde(default)]
    build: Vec<Vec<String>>,
    #[serde(default)]
    needs: Vec<String>,
    /// Shows how a driver is written; what it drives is no rival.
    #[serde(default)]
    example: bool,
    durability: Durability,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Durability {
    default: Class,
    strictest: Class,
    source: String,
}

/// A driver that is shipped.
#[derive(Debug, Clone)]
pub struct Manifest {
    folder: PathBuf,
    fields: Fields,
}

impl Manifest {
    /// Reads the manifest in a folder.
    ///
    /// # Errors
    /// If it cannot be read or is wrong.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path)
            .map_err(|source| ManifestError::Io { path: path.clone(), source })?;
        let wrong = |reason: String| ManifestError::Wrong { path: path.clone(), reason };
        let fields: Fields = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let is_empty = |command: &Vec<String>| command.is_empty();
        if is_empty(&fields.command) || fields.build.iter().any(is_empty) {
            return Err(wrong("a command is empty".to_owned()));
        }
        let folder = folder
            .canonicalize()
            .map_err(|source| ManifestError::Io { path: folder.to_owned(), source })?;
        Ok(Self { folder, fields })
    }

    /// The manifests in the folders of a folder, by name; what lacks one is left out.
    ///
    /// # Errors
    /// If one cannot be read or is wrong.
    pub fn all(folder: &Path) -> Result<Vec<Self>, ManifestError> {
        let failed = |source| ManifestError::Io { path: folder.to_owned(), source };
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            folders.push(entry.map_err(failed)?.path());
        }
        folders.retain(|folder| folder.join(FILE).is_file());
        folders.sort();
        folders.iter().map(|folder| Self::read(folder)).collect()
    }

    /// Its name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.fields.name
    }

    /// Whether it only shows how a driver is written.
    #[must_use]
    pub const fn is_example(&self) -> bool {
        self.fields.example
    }

    /// Its folder, in which its commands run.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its documents say how durability is set.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.fields.durability.source
    }

    /// Its program and arguments.
    pub(super) fn command(&self) -> (OsString, &[String]) {
        let (program, arguments) = match self.fields.command.split_first() {
            Some((program, arguments)) => (program.as_str(), arguments),
            None => ("", [].as_slice()),
        };
        // The system would look for a relative one from this process's own directory.
        let is_path = program.contains('/');
        let program = if is_path { self.folder.join(program).into() } else { program.into() };
        (program, arguments)
    }

    /// Whether what it needs is installed and what it builds is there.
    ///
    /// # Errors
    /// What is missing.
    pub fn ready(&self) -> Result<(), ManifestError> {
        self.installed()?;
        let is_built = self.fields.build.is_empty() || self.text()? == self.built();
        let (program, _) = self.command();
        let program = Path::new(&program);
        if is_built && (program.components().count() == 1 || program.exists()) {
            return Ok(());
        }
        Err(ManifestError::Unbuilt { name: self.name().to_owned() })
    }

    fn installed(&self) -> Result<(), ManifestError> {
        let directories = directories();
        let is_installed = |program: &&String| {
            directories.iter().any(|directory| directory.join(program).is_file())
        };
        match self.fields.needs.iter().find(|program| !is_installed(program)) {
            None => Ok(()),
            Some(program) => Err(ManifestError::Missing {
                name: self.name().to_owned(),
                program: program.clone(),
            }),
        }
    }

    /// Builds it.
    ///
    /// # Errors
    /// What is missing or failed.
    pub fn build(&self) -> Result<(), ManifestError> {
        self.installed()?;
        for words in &self.fields.build {
            let Some((program, arguments)) = words.split_first() else { continue };
            let failed = |reason: String| ManifestError::Build {
                name: self.name().to_owned(),
                command: words.join(" "),
                reason,
            };
            let is_path = program.contains('/');
            let program = if is_path { self.folder.join(program) } else { program.into() };
            let ended = Command::new(program).args(arguments).current_dir(&self.folder).status();
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => return Err(failed(format!("ended with {status}"))),
                Err(error) => return Err(failed(error.to_string())),
            }
        }
        if self.fields.build.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(BUILT);
        let failed = |source| ManifestError::Io { path: path.clone(), source };
        fs::create_dir_all(path.parent().unwrap_or(&self.folder)).map_err(failed)?;
        fs::write(&path, self.text()?).map_err(failed)
    }

    fn text(&self) -> Result<String, ManifestError> {
        let path = self.folder.join(FILE);
        fs::read_to_string(&path).map_err(|source| ManifestError::Io { path, source })
    }

    /// The manifest it was built by; empty if it was not.
    fn built(&self) -> String {
        fs::read_to_string(self.folder.join(BUILT)).unwrap_or_default()
    }

    /// In what the driver's own words differ from the manifest.
    #[must_use]
    pub fn differences(&self, about: &About) -> Vec<String> {
        let Fields { library, version, licence, durability, .. } = &self.fields;
        let mut differences = Vec::new();
        let mut compare = |what: &str, manifest: &str, said: &str| {
            if manifest != said {
                differences
                    .push(format!("{what} is {manifest} in driver.toml, {said} by the driver"));
            }
        };
        compare("the library", library, &about.library.name);
        compare(
            "its version",
            version.as_ref().unwrap_or(&about.library.version),
            &about.library.version,
        );
        compare("its licence", licence, &about.library.licence);
        let claimed = about.durability;
        compare("the default class", durability.default.letter(), claimed.default.letter());
        compare("the strictest class", durability.strictest.letter(), claimed.strictest.letter());
        differences
    }
}

/// Where programs are looked for: where the user says servers are, in `PATH`, and where Debian has servers.
fn directories() -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for variable in [SERVERS, "PATH"] {
        directories.extend(env::split_paths(&env::var_os(variable).unwrap_or_default()));
    }
    directories.push("/usr/sbin".into());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    directories.extend(versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))));
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = 'a'\nlibrary = 'b'\nlicence = 'MIT'\ncommand = ['build/run', 'x']\n\
        [durability]\ndefault = 'C'\nstrictest = 'S'\nsource = 'its README'\n";

    fn written(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        folder
    }

    #[test]
    fn a_command_with_a_slash_is_taken_from_the_folder() {
        let folder = written(TEXT);
        let manifest = Manifest::read(folder.path()).unwrap();
        let (program, arguments) = manifest.command();
        assert_eq!(program, manifest.folder().join("build/run").into_os_string());
        assert_eq!(arguments, ["x"]);
        let missing = manifest.ready().unwrap_err().to_string();
        assert_eq!(missing, "a is not built: prismq-bench driver build a");
    }

    #[test]
    fn what_has_steps_is_ready_once_they_have_succeeded_until_they_change() {
        let text = TEXT.replace("build/run', 'x'", "sh'");
        let folder = written(&format!("build = [['false']]\n{text}"));
        let manifest = Manifest::read(folder.path()).unwrap();
        assert!(matches!(manifest.ready(), Err(ManifestError::Unbuilt { .. })));
        manifest.build().unwrap_err();
        assert!(matches!(manifest.ready(), Err(ManifestError::Unbuilt { .. })));

        fs::write(folder.path().join(FILE), format!("build = [['true']]\n{text}")).unwrap();
        let manifest = Manifest::read(folder.path()).unwrap();
        manifest.build().unwrap();
        manifest.ready().unwrap();

        fs::write(folder.path().join(FILE), format!("build = [['true', '2']]\n{text}")).unwrap();
        let manifest = Manifest::read(folder.path()).unwrap();
        assert!(matches!(manifest.ready(), Err(ManifestError::Unbuilt { .. })));
    }

    #[test]
    fn what_is_unknown_or_missing_is_refused_with_its_line() {
        for (text, part) in [
            (format!("x = 1\n{TEXT}"), "unknown field `x`"),
            (TEXT.replace("'C'", "'D'"), "unknown variant `D`"),
            (TEXT.replace("['build/run', 'x']", "[]"), "a command is empty"),
            (format!("needs = ['no-such-program']\n{TEXT}"), ""),
        ] {
            let folder = written(&text);
            match Manifest::read(folder.path()) {
                Err(error) => assert!(error.to_string().contains(part), "{error}"),
                Ok(manifest) => {
                    let missing = manifest.ready().unwrap_err().to_string();
                    assert_eq!(missing, "a needs no-such-program, which is not installed");
                }
            }
        }
    }
}
