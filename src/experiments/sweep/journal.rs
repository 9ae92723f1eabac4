//! A sweep's journal: a file that outlives whatever may happen to the program that writes it.
//!
//! ```text
//! 00000123 89abcdef {"journal":"dlr-sweep/1","sweep":"fig1",...}      the header: whose journal it is
//! 000000f7 01234567 {"key":"...","outcome":{...}}                     a run, as soon as it is over
//! length   CRC-32   JSON, without the line's end
//! ```
//!
//! 1. A record is one line, written at once and synced before anything is founded on it.
//! 2. A last line without its end was cut off by a crash: it is removed before anything is appended. Any other damage is
//!    nothing that a crash does, and is refused.
//! 3. Nothing says that a run is going on: what is missing is what is still to be done.
//! 4. A journal belongs to one process at a time, by a lock that ends with it.
//! 5. When its sweep is complete, a journal is written anew in the order of its keys. So it is the same, byte for byte, in
//!    whatever order and in however many sittings its runs were made.

use super::run::{Outcome, hash};
use crate::data::Dataset;
use crate::engine::trainer::PROTOCOL;
use crate::error::{Error, Result, of_json};
use crate::files;
use crate::memory;
use crate::text::name;
use dlr_kernels::simd::Level;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

const FORMAT: &str = "dlr-sweep/1";
const WRITE_CURE: &str =
    "make room or choose another place, and run the same command again: what is finished is kept";
const READ_CURE: &str = "check the path and its permissions";
const FILE_CURE: &str = "give a journal, or a name that is not taken";

/// Whose journal it is. Runs of two sweeps, of two data sets, of two versions or of two instruction sets, which round
/// differently, never meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    journal: String,
    /// The sweep's name.
    pub sweep: String,
    /// SHA-256 of its plan.
    plan_sha256: String,
    protocol: u32,
    version: String,
    simd: String,
    data: String,
    data_sha256: [String; 4],
}

impl Header {
    /// The header of a sweep by that name and plan over `data`, by this build.
    pub fn new(sweep: &str, plan: &impl Serialize, data: &Dataset) -> Self {
        Self {
            journal: FORMAT.to_owned(),
            sweep: sweep.to_owned(),
            plan_sha256: hash(&serde_json::to_value(plan).expect("plans are JSON")),
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            simd: Level::compiled().name().to_owned(),
            data: if data.transposed { format!("{} (transposed)", data.name) } else { data.name.clone() },
            data_sha256: data.hashes.clone(),
        }
    }

    /// How `found` differs, in words.
    pub(super) fn difference(&self, found: &Self) -> Option<String> {
        let sides = [
            ("sweep", &self.sweep, &found.sweep),
            ("version of dlr", &self.version, &found.version),
            ("instruction set", &self.simd, &found.simd),
            ("data set", &self.data, &found.data),
        ];
        let named = sides.into_iter().find(|(_, want, found)| want != found);
        let named = named.map(|(what, want, found)| format!("of another {what}: {found}, not {want}"));
        named.or_else(|| {
            (self != found).then(|| format!("of another {} sweep: its plan or data differ", self.sweep))
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    outcome: Outcome,
}

/// The outcomes of a sweep's runs, by their keys, and the file that keeps them.
#[derive(Debug)]
pub struct Journal {
    header: Header,
    pub(super) outcomes: BTreeMap<String, Outcome>,
    file: Option<Locked>,
    /// What was mended when it was opened.
    pub warning: Option<String>,
}

#[derive(Debug)]
struct Locked {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// One that lives no longer than this process.
    pub fn in_memory(header: Header) -> Self {
        Self { header, outcomes: BTreeMap::new(), file: None, warning: None }
    }

    /// Opens the journal at `path`, or begins it.
    ///
    /// # Errors
    /// [`Error::Data`] if it is another sweep's, damaged, or in use; [`Error::Read`] and [`Error::Write`].
    pub fn open(path: &Path, header: Header) -> Result<Self> {
        let mut file = lock(path)?;
        let mut bytes = Vec::new();
        memory::attempt(|| file.read_to_end(&mut bytes)).map_err(read_error(path))?;
        let Contents { header: found, outcomes, length } = parse(path, &bytes)?;
        if let Some(difference) = found.as_ref().and_then(|found| header.difference(found)) {
            let cure = "choose another place for the journal, or remove this one if it is no longer wanted";
            return Err(Error::data(path, format!("a journal {difference}"), cure));
        }
        let mut warning = None;
        if length < bytes.len() as u64 {
            let torn = bytes.len() as u64 - length;
            warning =
                Some(format!("{}: the last line was cut off; its {torn} bytes were removed", name(path)));
            file.set_len(length).map_err(write_error(path))?;
        }
        let mut locked = Locked { path: path.to_owned(), file };
        if found.is_none() {
            locked.append(&line(&header))?;
            sync_folder(path).map_err(write_error(path))?;
        }
        Ok(Self { header, outcomes, file: Some(locked), warning })
    }

    /// Reads the journal at `path` as it is, whosever it is.
    ///
    /// # Errors
    /// [`Error::Data`] if it is damaged, has no header, or is being written; [`Error::Read`].
    pub fn load(path: &Path) -> Result<(Header, BTreeMap<String, Outcome>)> {
        check_file(path, FILE_CURE)?;
        let mut file = File::open(path).map_err(read_error(path))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
            return Err(busy(path));
        }
        let mut bytes = Vec::new();
        memory::attempt(|| file.read_to_end(&mut bytes)).map_err(read_error(path))?;
        let Contents { header, outcomes, length } = parse(path, &bytes)?;
        match header {
            Some(header) if length == bytes.len() as u64 => Ok((header, outcomes)),
            _ => Err(Error::data(
                path,
                "a journal whose last line was cut off",
                "run its command again, which mends and completes it",
            )),
        }
    }

    /// The outcome of the run known by `key`.
    pub fn get(&self, key: &str) -> Option<&Outcome> {
        self.outcomes.get(key)
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether there is no run yet.
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Keeps the outcome of a run; when this returns, it is on the disk.
    ///
    /// # Errors
    /// [`Error::Write`]; then the run is not kept, and all earlier ones are.
    pub fn add(&mut self, key: String, outcome: Outcome) -> Result<()> {
        if self.outcomes.contains_key(&key) {
            return Ok(()); // two asked for the same run at once
        }
        let record = Record { key, outcome };
        if let Some(file) = &mut self.file {
            file.append(&line(&record))?;
        }
        self.outcomes.insert(record.key, record.outcome);
        Ok(())
    }

    /// Writes the journal of a complete sweep anew, in the order of its keys.
    ///
    /// # Errors
    /// [`Error::Write`]; then the journal is as it was.
    pub fn seal(&self) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut bytes = line(&self.header).into_bytes();
        for (key, outcome) in &self.outcomes {
            bytes.extend(line(&Record { key: key.clone(), outcome: outcome.clone() }).into_bytes());
        }
        files::write(&file.path, &bytes, WRITE_CURE)
    }

    /// Takes in the outcomes of another journal, the one at `path`; [`Journal::seal`] writes them.
    ///
    /// # Errors
    /// [`Error::Data`] if a run came out otherwise here.
    pub(super) fn take_in(&mut self, path: &Path, outcomes: BTreeMap<String, Outcome>) -> Result<()> {
        for (key, outcome) in outcomes {
            if self.outcomes.get(&key).is_some_and(|known| *known != outcome) {
                return Err(Error::data(
                    path,
                    format!("run {key} came out otherwise than in an earlier journal"),
                    "find out which machine erred; runs are the same everywhere if the build is",
                ));
            }
            self.outcomes.insert(key, outcome);
        }
        Ok(())
    }
}

impl Locked {
    /// Appends a line that is on the disk, whole, when this returns; or leaves the file as it was.
    fn append(&mut self, line: &str) -> Result<()> {
        let length = self.file.metadata().map_err(write_error(&self.path))?.len();
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            // Should this fail as well, the next start finds a line that is not whole and removes it.
            let _ = self.file.set_len(length);
            write_error(&self.path)(error)
        })
    }
}

/// Refuses what is no file: a pipe or a device may never end. A folder is refused by who opens it, and what is not there may
/// be begun.
pub(super) fn check_file(path: &Path, cure: &str) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() && !meta.is_dir() => Err(Error::data(path, "not a file", cure)),
        _ => Ok(()),
    }
}

/// Opens and locks the file at `path`; it is made if there is none.
fn lock(path: &Path) -> Result<File> {
    use std::os::unix::fs::MetadataExt as _;
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    check_file(path, FILE_CURE)?;
    loop {
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = opened.map_err(write_error(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(path)),
            // A file system on a network may take its time for a lock.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(error)) => return Err(write_error(path)(error)),
        }
        // Between the opening and the locking, another process may have put a complete journal in its place.
        let here = file.metadata().map_err(read_error(path))?;
        if fs::metadata(path).is_ok_and(|there| same(&here, &there)) {
            return Ok(file);
        }
    }
}

fn busy(path: &Path) -> Error {
    let cure = "wait until that has ended, or choose another place for the journal";
    Error::data(path, "another dlr is writing to this journal", cure)
}

/// What a journal's bytes say.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// `None` if there is not even a whole header.
    pub header: Option<Header>,
    /// The outcomes of runs, by their keys.
    pub outcomes: BTreeMap<String, Outcome>,
    /// Bytes up to the end of the last whole line.
    pub length: u64,
}

/// Reads the bytes of a journal, which errors call `path`.
///
/// # Errors
/// [`Error::Data`] if it is damaged otherwise than by a last line that was cut off, or no journal at all.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Contents> {
    let damaged = |number: usize, what: &str| {
        let problem = format!("line {number} is damaged: {what}");
        Error::data(path, problem, "restore it from a copy, or remove it, which loses its runs")
    };
    let mut read = Contents { header: None, outcomes: BTreeMap::new(), length: 0 };
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        let json = match content(line) {
            Ok(json) => json,
            // What is no journal at all must not be taken for one whose header was cut off.
            Err(_) if number == lines.len() && is_torn(line) && (number > 1 || is_torn_header(line)) => break,
            Err(what) if number == 1 => {
                return Err(Error::data(
                    path,
                    format!("no journal of dlr: {what}"),
                    "choose another place for the journal",
                ));
            }
            Err(what) => return Err(damaged(number, what)),
        };
        if number == 1 {
            let header: Header =
                serde_json::from_slice(json).map_err(|error| damaged(1, &of_json(&error)))?;
            if header.journal != FORMAT {
                let problem = format!("a journal of the form {}, not {FORMAT}", header.journal);
                return Err(Error::data(path, problem, "use the dlr that wrote it"));
            }
            read.header = Some(header);
        } else {
            let Record { key, outcome } =
                serde_json::from_slice(json).map_err(|error| damaged(number, &of_json(&error)))?;
            if read.outcomes.insert(key, outcome).is_some() {
                return Err(damaged(number, "its run is there already"));
            }
        }
        read.length += line.len() as u64;
    }
    Ok(read)
}

/// The bytes that a line carries, if it is whole.
fn content(line: &[u8]) -> Result<&[u8], &'static str> {
    let line = line.strip_suffix(b"\n").ok_or("it has no end")?;
    let (length, sum, json) = match (line.get(..8), line.get(9..17), line.get(18..)) {
        (Some(length), Some(sum), Some(json)) if line[8] == b' ' && line[17] == b' ' => (length, sum, json),
        _ => return Err("it does not begin with a length and a checksum"),
    };
    let number =
        |digits| std::str::from_utf8(digits).ok().and_then(|digits| u32::from_str_radix(digits, 16).ok());
    if number(length) != u32::try_from(json.len()).ok() {
        return Err("its length is wrong");
    }
    if number(sum) != Some(crc32fast::hash(json)) {
        return Err("its checksum is wrong");
    }
    Ok(json)
}

/// Whether a crash may have left a line so: without its end, or with blocks that never reached the disk and read as zeros.
/// Only the last line can be so, as each is synced before the next.
fn is_torn(line: &[u8]) -> bool {
    !line.ends_with(b"\n") || line.contains(&0)
}

/// Whether a line may be the beginning of a header, as far as it goes.
fn is_torn_header(line: &[u8]) -> bool {
    const START: &[u8] = b"00000000 00000000 {\"journal\":";
    let fits = |(&byte, &start): (&u8, &u8)| match start {
        b'0' => byte.is_ascii_hexdigit(),
        _ => byte == start,
    };
    line.iter().zip(START).all(fits)
}

fn line(record: &impl Serialize) -> String {
    let json = serde_json::to_string(record).expect("records are JSON");
    format!("{:08x} {:08x} {json}\n", json.len(), crc32fast::hash(json.as_bytes()))
}

/// Makes a new file's name as lasting as its content.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(files::folder(path))?.sync_all()
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Write { path: path.to_owned(), source, cure: WRITE_CURE }
}

fn read_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Read { path: path.to_owned(), source, cure: READ_CURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_folder_is_one_in_the_current_folder() {
        assert!(sync_folder(Path::new("s.journal")).is_ok());
        assert!(sync_folder(Path::new("there-is-no-such-folder/s.journal")).is_err());
    }
}
