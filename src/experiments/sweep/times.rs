//! How long runs took. It is another matter each time, so it is kept apart from what came of them, in a file of its own
//! beside the journal: a line for each run, as JSON.
//!
//! Times mean something only if each run had the processor to itself, so that those of runs that shared it are never kept.
//! A line that is lost or damaged loses a time, nothing else.

use super::journal::check_file;
use super::run::Times;
use crate::error::{Error, Result};
use crate::memory;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The times of a sweep's runs, by their keys.
#[derive(Debug, Default)]
pub struct Clocks {
    times: BTreeMap<String, Times>,
    path: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    #[serde(flatten)]
    times: Times,
}

impl Clocks {
    /// Those in the file at `path`, if there is one, and those to come.
    ///
    /// # Errors
    /// [`Error::Data`] if it is no file, [`Error::Read`].
    pub fn open(path: &Path) -> Result<Self> {
        check_file(path, "remove it, or choose another name for the journal")?;
        let bytes = match memory::attempt(|| fs::read(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|source| Error::Read {
                path: path.to_owned(),
                source,
                cure: "check its permissions, or remove it",
            })?,
        };
        Ok(Self { times: parse(&bytes), path: Some(path.to_owned()) })
    }

    /// The times of the run known by `key`.
    pub fn get(&self, key: &str) -> Option<Times> {
        self.times.get(key).copied()
    }

    /// Keeps the times of a run.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn add(&mut self, key: String, times: Times) -> Result<()> {
        if let Some(path) = &self.path {
            let record = Record { key: key.clone(), times };
            // The line's end comes first, so that a line that was cut off spoils no other.
            let line = format!("\n{}", serde_json::to_string(&record).expect("times are JSON"));
            let opened = OpenOptions::new().append(true).create(true).open(path);
            opened.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|source| Error::Write {
                path: path.clone(),
                source,
                cure: "make room, and run the same command again",
            })?;
        }
        self.times.insert(key, times);
        Ok(())
    }
}

/// The times in the bytes of such a file, by the keys of their runs; of two for one run, the later.
pub fn parse(bytes: &[u8]) -> BTreeMap<String, Times> {
    let lines = bytes.split(|&byte| byte == b'\n');
    let records = lines.filter_map(|line| serde_json::from_slice::<Record>(line).ok());
    records.map(|record| (record.key, record.times)).collect()
}
