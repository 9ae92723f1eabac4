//! The user's four files: which they are, and their bytes.
//!
//! A user's file may be changed or truncated at any time, so it is read into memory, never mapped.

use super::folder::{self, NAME_A_FOLDER};
use super::gzip;
use super::idx::{self, Header, Idx, Kind};
use super::known::Known;
use crate::hash::hex;
use crate::memory;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What is in the files, in the order of `Dataset::hashes`.
const KINDS: [Kind; 4] = [Kind::Images, Kind::Labels, Kind::Images, Kind::Labels];

const REPLACE: &str = "replace it with a good copy, or name another folder with --data";
const MAKE_READABLE: &str = "make it readable, or name another folder with --data";

/// The four files of a folder.
pub(super) struct Sources {
    /// The folder as the user names it.
    dir: PathBuf,
    /// The last part of its path, for people.
    pub(super) name: String,
    /// What the user says they are, or else their names.
    pub(super) claim: Option<Claim>,
    pub(super) fingerprint: Fingerprint,
}

/// What somebody says that the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The user, by `--dataset`.
    User(&'static Known),
    /// The names of the files.
    Names(&'static Known),
}

impl Claim {
    pub(super) fn known(self) -> &'static Known {
        match self {
            Self::User(known) | Self::Names(known) => known,
        }
    }
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
    /// Finds the [four files](folder::four) in `dir`, which are `dataset`, if the user says so.
    pub(super) fn find(dir: &Path, dataset: Option<&'static Known>) -> Result<Self> {
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
        let (names, named) = folder::four(dir, dataset)?;
        let claim = dataset.map(Claim::User).or(named.map(Claim::Names));
        let [train_images, train_labels, test_images, test_labels] = names.map(|name| {
            let meta = fs::metadata(dir.join(&name));
            meta.map(|meta| stamp(name, &meta)).map_err(unreadable)
        });
        let files = [train_images?, train_labels?, test_images?, test_labels?];
        let fingerprint = Fingerprint { folder: sha256(folder.as_os_str().as_encoded_bytes()), files };
        let name = folder.file_name().map_or("data".into(), |name| name.to_string_lossy());
        Ok(Self { dir: dir.to_owned(), name: name.into_owned(), claim, fingerprint })
    }

    /// The folder as the user names it.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where file `i` lies.
    pub(super) fn path(&self, i: usize) -> PathBuf {
        self.dir.join(&self.fingerprint.files[i].name)
    }

    /// Reads file `i`, inflating it if need be, and checks that it is an IDX file of the right kind and length.
    pub(super) fn read(&self, i: usize) -> Result<Contents> {
        read(&self.path(i), KINDS[i]).map_err(|fault| self.error(i, fault))
    }

    /// An error about file `i`.
    pub(super) fn error(&self, i: usize, fault: impl Into<Fault>) -> Error {
        let Fault { problem, cure } = fault.into();
        Error::data(&self.path(i), problem, cure)
    }
}

/// What is in a file.
pub(super) struct Contents {
    /// Inflated, if need be.
    pub(super) bytes: Vec<u8>,
    /// The hash of the gzip file that it came in, if it did.
    pub(super) gzip: Option<String>,
}

/// SHA-256 in lower-case hexadecimal, 64 characters.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// What is wrong with a file, without its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was expected and what was found.
    pub problem: String,
    /// What the user can do.
    pub cure: &'static str,
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

fn stamp(name: String, meta: &Metadata) -> Stamp {
    let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Stamp {
        name,
        len: meta.len(),
        modified: modified.map_or(0, |time| time.as_nanos() as u64),
        changed: changed(meta),
    }
}

fn changed(meta: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    meta.ctime().wrapping_mul(1_000_000_000).wrapping_add(meta.ctime_nsec())
}

/// Reads one file. The contents tell whether it is gzip, not the name: browsers inflate and keep the `.gz`.
fn read(path: &Path, kind: Kind) -> Result<Contents, Fault> {
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
    memory::reserve(&mut bytes, rest).map_err(|_| Fault::no_memory(len as usize))?;
    file.take(rest as u64).read_to_end(&mut bytes).map_err(Fault::unreadable)?;
    if gzipped {
        return Ok(Contents { gzip: Some(sha256(&bytes)), bytes: gzip::inflate(&bytes, kind)? });
    }
    // Once more, in case it was changed while it was read.
    Idx::parse(kind, &bytes)?;
    Ok(Contents { bytes, gzip: None })
}
