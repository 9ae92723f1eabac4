//! Writing files so that no reader ever sees half of one.

use crate::error::{Error, Result};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes `bytes` to `path`: to a file beside it first, which then takes its place, so that a failure leaves what was
/// there. Where `path` is a link, the file that it leads to is replaced.
///
/// # Errors
/// [`Error::Write`], with `cure`, if the folder can't be written to or the disk is full.
pub fn write(path: &Path, bytes: &[u8], cure: &'static str) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source, cure };
    let place = place(path);
    let mut file = temporary_beside(&place).map_err(failed)?;
    file.as_file_mut().write_all(bytes).map_err(failed)?; // whose errors don't name the temporary file
    file.as_file().sync_all().map_err(failed)?;
    file.persist(place).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Whether [`write()`] could write to `path` now: to be asked before long work rather than after it.
///
/// # Errors
/// [`Error::Write`], with `cure`, if not.
pub fn check_place(path: &Path, cure: &'static str) -> Result<()> {
    temporary_beside(&place(path)).map(drop).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
        cure,
    })
}

/// Where the file at `path` is, or would be: two paths are those of one file if they have the same place. Links are followed,
/// even one to a file that is yet to come.
pub fn place(path: &Path) -> PathBuf {
    /// As many as the system follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if fs::metadata(&path).is_ok() {
            break; // it leads somewhere
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder(&path).join(target);
    }
    let in_folder = || Some(folder(&path).canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(|| if is_of_folder(&path) { None } else { in_folder() }).unwrap_or(path)
}

/// Whether nothing but a folder can have this path.
fn is_of_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The folder that `path` is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = folder(path);
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A device or a pipe: the new file would take its place.
        Ok(meta) if !meta.is_file() => return Err(io::Error::other("not a file")),
        // A rename would replace even a file that may not be written.
        Ok(meta) if meta.permissions().readonly() => return Err(io::ErrorKind::PermissionDenied.into()),
        Err(_) if is_of_folder(path) => return Err(io::ErrorKind::NotADirectory.into()),
        _ => {}
    }
    fs::metadata(folder)?;
    let file = tempfile::Builder::new().prefix(".dlr-save-").permissions(permissions()).tempfile_in(folder);
    file.map_err(|error| error.kind().into()) // its own message names a file that the user did not
}

/// Readable by all, as far as the umask lets; a temporary file is private otherwise.
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn what_is_written_takes_the_place_of_what_was_there_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, other] = ["file", "link", "other"].map(|name| folder.path().join(name));
        symlink("file", &link).unwrap();
        for (path, bytes) in
            [(&link, b"first".to_vec()), (&file, vec![7; 100_000]), (&link, b"third".to_vec())]
        {
            write(path, &bytes, "").unwrap();
            assert!(fs::read(&file).unwrap() == bytes);
            check_place(path, "").unwrap();
            assert!(fs::read(&file).unwrap() == bytes);
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the file and the link");

        // Others may read it as they may any new file.
        fs::write(&other, "").unwrap();
        let [mode, usual] = [file, other].map(|path| fs::metadata(path).unwrap().permissions().mode());
        assert_eq!(mode, usual);
    }

    #[test]
    fn paths_of_one_file_have_one_place_whether_it_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        fs::create_dir(inside("folder")).unwrap();
        symlink("../file", inside("folder/link")).unwrap();
        symlink("folder/link", inside("link")).unwrap();
        let paths = ["file", "./file", "folder/../file", "folder/link", "link"].map(inside);
        for there in [false, true] {
            let places = paths.each_ref().map(|path| place(path));
            assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
            assert_eq!(places[0].exists(), there);
            fs::write(&paths[0], "").unwrap();
        }
        symlink("loop", inside("loop")).unwrap();
        for other in ["other", "loop", "none/file", "folder"] {
            assert_ne!(place(&inside(other)), place(&paths[0]), "{other}");
        }
        assert_eq!(
            place(Path::new("no-such-file")),
            Path::new(".").canonicalize().unwrap().join("no-such-file")
        );
    }

    #[test]
    fn a_name_without_a_folder_is_one_in_the_current_folder() {
        check_place(Path::new("there-is-no-such-file"), "").unwrap();
    }

    #[test]
    fn a_place_where_nothing_can_be_written_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        fs::create_dir(inside("folder")).unwrap();
        fs::write(inside("protected"), "old").unwrap();
        fs::set_permissions(inside("protected"), fs::Permissions::from_mode(0o444)).unwrap();
        for (path, why) in [
            (inside("folder"), "is a directory"),
            (inside("new/"), "not a directory"),
            (inside("none/new"), "No such file or directory (os error 2)"),
            (inside("protected"), "permission denied"),
            (PathBuf::from("/dev/null"), "not a file"),
        ] {
            let told = format!("cannot write {}: {why}; choose another", path.display());
            assert_eq!(check_place(&path, "choose another").unwrap_err().to_string(), told);
            assert_eq!(write(&path, b"new", "choose another").unwrap_err().to_string(), told);
        }
        assert_eq!(fs::read(inside("protected")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the folder and the file");
    }
}
