//! Where prepared data are kept between runs, and how a cache file gets there.
//!
//! A cache file appears whole or not at all: it is written under another name, flushed to the disk, and renamed.
//! It is never written to again, so a file that is mapped elsewhere cannot change. Two processes that prepare the
//! same data at once both succeed, and the later rename stands.

use super::Source;
use super::backing::Backing;
use super::cache_file::{self, Miss};
use super::identity::Identity;
use super::prepare::Prepared;
use super::source::Sources;
use crate::text;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const TEMPORARY: &str = ".dlr-cache-";

/// A temporary file this old belongs to no living process.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The folders that may hold the prepared data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachePolicy {
    /// Tried in order, to read and to write. None: prepare in memory, and do not complain.
    pub folders: Vec<PathBuf>,
}

impl CachePolicy {
    /// The usual places for the data in `dir`: `$DLR_CACHE` alone if it is set; else `$XDG_CACHE_HOME/dlr` or
    /// `$HOME/.cache/dlr`, then `dir/.dlr-cache`.
    pub fn standard(dir: &Path) -> Self {
        Self::from_variables(|name| env::var_os(name), dir)
    }

    /// No cache.
    pub fn none() -> Self {
        Self::default()
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>, dir: &Path) -> Self {
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(only) = path("DLR_CACHE") {
            return Self { folders: vec![only] };
        }
        // The XDG base directory specification has relative paths ignored.
        let xdg = path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        let user = xdg.or_else(|| path("HOME").map(|home| home.join(".cache")));
        Self {
            folders: user.map(|user| user.join("dlr")).into_iter().chain([dir.join(".dlr-cache")]).collect(),
        }
    }
}

/// What was prepared from `sources` earlier, from the first folder that has it, and the cache file that it is in; and
/// what is wrong with the cache files that were passed over.
pub(super) fn load(sources: &Sources, policy: &CachePolicy) -> (Option<(Prepared, PathBuf)>, Vec<String>) {
    let name = file_name(sources);
    let mut warnings = Vec::new();
    for path in policy.folders.iter().map(|folder| folder.join(&name)) {
        // Without one it is written, and then a reason why it cannot be read will show.
        let Ok(file) = map(&path) else { continue };
        match cache_file::decode(file, &sources.fingerprint) {
            Ok(prepared) if prepared.transposed == wants_transposed(sources, &prepared) => {
                return (Some((prepared, path)), warnings);
            }
            Ok(_) | Err(Miss::Stale) => (),
            Err(Miss::Damaged(why)) => {
                warnings.push(format!(
                    "{}: the cache file was damaged ({why}) and is not used",
                    text::name(&path)
                ));
            }
        }
    }
    (None, warnings)
}

/// Whether images are to be transposed: the same files may now be taken for another data set than when they were prepared.
fn wants_transposed(sources: &Sources, prepared: &Prepared) -> bool {
    Identity::of(sources, &prepared.hashes).is_transposed()
}

/// Writes what was prepared to the first folder that takes it, and tells where, or why nowhere.
pub(super) fn store(
    prepared: &Prepared,
    sources: &Sources,
    policy: &CachePolicy,
) -> (Source, Option<String>) {
    let name = file_name(sources);
    let mut reasons = Vec::new();
    for folder in &policy.folders {
        match write(prepared, sources, folder, &name) {
            Ok(path) => return (Source::Prepared(path), None),
            Err(error) => reasons.push(format!("{} ({error})", text::name(folder))),
        }
    }
    let warning = || {
        let reasons = reasons.join(", ");
        format!(
            "no cache folder could be written, so the next start prepares the data again: {reasons}; \
             set DLR_CACHE to a folder that can"
        )
    };
    (Source::Memory, (!reasons.is_empty()).then(warning))
}

/// Unique for each folder of data; its name, or that of one of the data sets in it, is there for people.
fn file_name(sources: &Sources) -> String {
    let name = sources.claim.map_or(&*sources.name, |claim| claim.known().name);
    let short: String = name.chars().take(40).collect();
    format!("{short}-{}.dlr-cache", &sources.fingerprint.folder[..16])
}

fn map(path: &Path) -> io::Result<Backing> {
    // Looked at before it is opened: opening a named pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = File::open(path)?;
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    Backing::of_cache_file(&mut file, len)
}

fn write(prepared: &Prepared, sources: &Sources, folder: &Path, name: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    remove_abandoned(folder);
    // Errors by their kind, and writing to the file as such: else messages name a file that the user did not.
    let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder);
    let mut file = file.map_err(|error| io::Error::from(error.kind()))?;
    let bytes = file.as_file_mut();
    bytes.write_all(&cache_file::encode_header(prepared, &sources.fingerprint)?)?;
    bytes.write_all(prepared.train.block())?;
    bytes.write_all(prepared.test.block())?;
    make_read_only(file.as_file())?;
    file.as_file().sync_all()?;
    let path = folder.join(name);
    file.persist(&path)?;
    // The cache is in place; should the rename not outlive a power failure, it is prepared again.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(path)
}

fn make_read_only(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

/// Removes what killed processes have left. Whatever cannot be removed may stay.
fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = || entry.metadata().and_then(|meta| meta.modified()).ok()?.elapsed().ok();
        if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
            && age().is_some_and(|age| age > ABANDONED)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_places() {
        let folders = |variables: &[(&str, &str)]| {
            let variable =
                |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
            CachePolicy::from_variables(variable, Path::new("data")).folders
        };
        assert!(!CachePolicy::standard(Path::new("data")).folders.is_empty());
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(folders(&[]), paths(&["data/.dlr-cache"]));
        assert_eq!(folders(&[("HOME", "/h")]), paths(&["/h/.cache/dlr", "data/.dlr-cache"]));
        let xdg = ("XDG_CACHE_HOME", "/x");
        assert_eq!(folders(&[("HOME", "/h"), xdg]), paths(&["/x/dlr", "data/.dlr-cache"]));
        let relative = ("XDG_CACHE_HOME", "x");
        assert_eq!(folders(&[("HOME", "/h"), relative]), paths(&["/h/.cache/dlr", "data/.dlr-cache"]));
        assert_eq!(folders(&[("DLR_CACHE", "/c"), ("HOME", "/h"), xdg]), paths(&["/c"]));
        assert_eq!(
            folders(&[("DLR_CACHE", ""), ("HOME", "/h")]),
            paths(&["/h/.cache/dlr", "data/.dlr-cache"])
        );
    }
}
