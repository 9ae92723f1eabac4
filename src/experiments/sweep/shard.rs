//! Parts of a sweep for several machines, and how their journals are joined.

use super::journal::{Header, Journal, write_sorted};
use super::run::Outcome;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of several parts: every `of`-th piece of work from number `index` on, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// 0 to `of` - 1.
    pub index: usize,
    /// 1 or more.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    /// From `i/n`, where `i` counts from 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let pair = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match pair {
            Some((i, n)) if (1..=n).contains(&i) && n <= 100_000 => Ok(Self { index: i - 1, of: n }),
            _ => Err("expected I/N, part I of N, with I from 1 to N and N up to 100000".to_owned()),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

impl Shard {
    /// This part of `all`.
    pub fn of<T: Clone>(self, all: &[T]) -> Vec<T> {
        all.iter().skip(self.index).step_by(self.of).cloned().collect()
    }

    /// The file of this part of the journal `name.journal` in `folder`.
    pub fn path(self, folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}.{}-of-{}.journal", self.index + 1, self.of))
    }
}

/// Joins the journals at `parts`, all of one sweep, into the one at `whole`. Returns the number of its runs.
///
/// # Errors
/// [`Error::Data`] if they belong to different sweeps or disagree about a run; those of [`Journal::load`];
/// [`Error::Write`].
pub fn join(parts: &[PathBuf], whole: &Path) -> Result<usize> {
    let mut joined: Option<(Header, BTreeMap<String, Outcome>)> = None;
    for path in parts {
        let (header, outcomes) = Journal::load(path)?;
        let (common, all) = joined.get_or_insert_with(|| (header.clone(), BTreeMap::new()));
        if let Some(difference) = common.difference(&header) {
            return Err(Error::data(
                path,
                format!("a journal {difference}, as in {}", parts[0].display()),
                "join parts of one sweep only, by one version of dlr on processors with one instruction set",
            ));
        }
        for (key, outcome) in outcomes {
            match all.get(&key) {
                Some(other) if *other != outcome => {
                    return Err(Error::data(
                        path,
                        format!("run {key} came out otherwise than in an earlier journal"),
                        "find out which machine erred; runs are the same everywhere if the build is",
                    ));
                }
                Some(_) => {}
                None => _ = all.insert(key, outcome),
            }
        }
    }
    let Some((header, outcomes)) = joined else { return Ok(0) };
    write_sorted(whole, &header, &outcomes)?;
    Ok(outcomes.len())
}
