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

/// Where `path` leads to, if it is a link.
fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A device or a pipe: the new file would take its place.
        Ok(meta) if !meta.is_file() => return Err(io::Error::other("not a file")),
        // A rename would replace even a file that may not be written.
        Ok(meta) if meta.permissions().readonly() => return Err(io::ErrorKind::PermissionDenied.into()),
        Err(_) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
            return Err(io::ErrorKind::NotADirectory.into());
        }
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
