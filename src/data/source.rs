//! The user's four files: which they are, and their bytes.
//!
//! A user's file may be changed or truncated at any time, so it is read into memory, never mapped.

use super::gzip;
use super::idx::{self, Header, Idx, Kind};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The files in the order of `Dataset::hashes`: both spellings of the name, and what is inside.
const FILES: [([&str; 2], Kind); 4] = [
    (["train-images-idx3-ubyte", "train-images.idx3-ubyte"], Kind::Images),
    (["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"], Kind::Labels),
    (["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"], Kind::Images),
    (["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"], Kind::Labels),
];

const REPLACE: &str = "replace it with a good copy, or name another folder with --data";
const MAKE_READABLE: &str = "make it readable, or name another folder with --data";
const NAME_A_FOLDER: &str = "name a folder with the four IDX files of a data set with --data";

/// The four files of a folder.
pub(super) struct Sources {
    /// The folder as the user names it.
    dir: PathBuf,
    /// The last part of its path, for people.
    pub(super) name: String,
    pub(super) fingerprint: Fingerprint,
}

/// What is known of the files without reading them. While it stays the same, so do their contents: changing a
/// file also changes its length or a time, and on Unix nobody can set the time of the last change at will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fingerprint {
    /// SHA-256 of the folder's path, absolute and without links: a path need not be text.
    pub(super) folder: String,
    files: [Stamp; 4],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    name: String,
    /// Length in bytes.
    len: u64,
    /// Time of the last write to the contents, ns since 1970.
    modified: u64,
    /// Time of the last change to the file or its attributes, ns since 1970; 0 where the system has none.
    changed: i64,
}

impl Sources {
    /// Finds the four files in `dir`, raw or with `.gz`; a raw one wins.
    pub(super) fn find(dir: &Path) -> Result<Self> {
        let unreadable = |error: io::Error| {
            let problem = match error.kind() {
                io::ErrorKind::NotFound => "expected a folder, found nothing".to_owned(),
                io::ErrorKind::NotADirectory => "expected a folder, found a file on the way".to_owned(),
                _ => format!("expected a readable folder, found an error ({error})"),
            };
            Error::data(dir, problem, NAME_A_FOLDER)
        };
        let folder = dir.canonicalize().map_err(unreadable)?;
        if !fs::metadata(&folder).map_err(unreadable)?.is_dir() {
            return Err(Error::data(dir, "expected a folder, found a file", NAME_A_FOLDER));
        }
        let [train_images, train_labels, test_images, test_labels] =
            FILES.map(|(names, _)| find_file(dir, names));
        let files = [train_images?, train_labels?, test_images?, test_labels?];
        let fingerprint = Fingerprint { folder: sha256(folder.as_os_str().as_encoded_bytes()), files };
        let name = folder.file_name().map_or("data".into(), |name| name.to_string_lossy());
        Ok(Self { dir: dir.to_owned(), name: name.into_owned(), fingerprint })
    }

    fn path(&self, i: usize) -> PathBuf {
        self.dir.join(&self.fingerprint.files[i].name)
    }

    /// Reads file `i`, inflating it if need be, and checks that it is an IDX file of the right kind and length.
    pub(super) fn read(&self, i: usize) -> Result<Vec<u8>> {
        read(&self.path(i), FILES[i].1).map_err(|fault| self.error(i, fault))
    }

    /// An error about file `i`.
    pub(super) fn error(&self, i: usize, fault: impl Into<Fault>) -> Error {
        let Fault { problem, cure } = fault.into();
        Error::data(&self.path(i), problem, cure)
    }
}

/// SHA-256 in lower-case hexadecimal, 64 characters.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with a file, without its path.
pub(super) struct Fault {
    problem: String,
    cure: &'static str,
}

impl Fault {
    /// The system has no memory left for the file's `bytes` bytes, or what becomes of them.
    pub(super) fn no_memory(bytes: usize) -> Self {
        let problem = format!("expected memory for its {bytes} bytes, found too little");
        Self { problem, cure: "free some memory, or use a smaller data set" }
    }

    fn unreadable(error: io::Error) -> Self {
        Self { problem: format!("expected a readable file, found an error ({error})"), cure: MAKE_READABLE }
    }
}

impl From<String> for Fault {
    fn from(problem: String) -> Self {
        Self { problem, cure: REPLACE }
    }
}

fn find_file(dir: &Path, names: [&str; 2]) -> Result<Stamp> {
    let mut problem = "expected this file, raw or with .gz, found neither".to_owned();
    for name in
        [names[0].to_owned(), names[1].to_owned(), format!("{}.gz", names[0]), format!("{}.gz", names[1])]
    {
        // Anything but a file is passed over: some archives unpack each file into a folder of the same name.
        match fs::metadata(dir.join(&name)) {
            Ok(meta) if meta.is_file() => return Ok(stamp(name, &meta)),
            Ok(meta) if meta.is_dir() => problem = format!("expected a file, found the folder {name}"),
            Ok(_) => problem = format!("expected a file, found something else at {name}"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => problem = format!("expected a readable folder, found an error ({error})"),
        }
    }
    Err(Error::data(&dir.join(names[0]), problem, NAME_A_FOLDER))
}

fn stamp(name: String, meta: &Metadata) -> Stamp {
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Stamp {
        name,
        len: meta.len(),
        modified: modified.map_or(0, |time| time.as_nanos() as u64),
        changed: changed(meta),
    }
}

#[cfg(unix)]
fn changed(meta: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    meta.ctime().wrapping_mul(1_000_000_000).wrapping_add(meta.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> i64 {
    0
}

/// Reads one file. The contents tell whether it is gzip, not the name: browsers inflate and keep the `.gz`.
fn read(path: &Path, kind: Kind) -> Result<Vec<u8>, Fault> {
    let mut file = File::open(path).map_err(Fault::unreadable)?;
    let len = file.metadata().map_err(Fault::unreadable)?.len();

    let mut bytes = Vec::new();
    (&mut file).take(idx::MAX_HEADER as u64).read_to_end(&mut bytes).map_err(Fault::unreadable)?;
    let gzipped = bytes.starts_with(&gzip::MAGIC);
    if gzipped {
        if len > idx::MAX_FILE {
            return Err(format!("expected at most {} bytes of gzip, found {len}", idx::MAX_FILE).into());
        }
    } else {
        // Before the rest is read: a huge file with a wrong header costs nothing.
        Header::parse(kind, &bytes)?.check_len(len)?;
    }

    let rest = (len as usize + 1).saturating_sub(bytes.len());
    bytes.try_reserve_exact(rest).map_err(|_| Fault::no_memory(len as usize))?;
    file.take(rest as u64).read_to_end(&mut bytes).map_err(Fault::unreadable)?;
    if gzipped {
        return gzip::inflate(&bytes, kind);
    }
    // Once more, in case it was changed while it was read.
    Idx::parse(kind, &bytes)?;
    Ok(bytes)
}
