//! Parts of a sweep for several machines, and how their journals are joined.

use super::journal::Journal;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
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

/// The journals of parts in `folder`, by the names of the wholes.
///
/// # Errors
/// [`Error::Read`] if the folder can't be read; [`Error::Data`] if there are none, if parts are missing, or if there are
/// parts of two different divisions.
pub fn find_parts(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let failed =
        |source| Error::Read { path: folder.to_owned(), source, cure: "check the path and its permissions" };
    let mut found: BTreeMap<String, BTreeMap<usize, BTreeSet<usize>>> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        let part = file.to_str().and_then(part_of);
        if let Some((name, Shard { index, of })) = part {
            found.entry(name).or_default().entry(of).or_default().insert(index);
        }
    }
    if found.is_empty() {
        return Err(Error::data(folder, "there are no journals of parts", "make them with --shard I/N"));
    }
    let parts = found.into_iter().map(|(name, divisions)| {
        let numbers: Vec<_> = divisions.keys().map(usize::to_string).collect();
        let (&of, indices) = divisions.first_key_value().expect("a name has a part");
        if divisions.len() > 1 {
            let problem = format!("{name} is divided in {} parts", numbers.join(" and in "));
            return Err(Error::data(
                folder,
                problem,
                "keep the parts of one division, and move the others away",
            ));
        }
        if let Some(missing) = (0..of).find(|index| !indices.contains(index)) {
            let path = Shard { index: missing, of }.path(folder, &name);
            let cure = format!("make it with --shard {}/{of}", missing + 1);
            return Err(Error::data(&path, "this part is missing", cure));
        }
        let paths = (0..of).map(|index| Shard { index, of }.path(folder, &name)).collect();
        Ok((name, paths))
    });
    parts.collect()
}

/// The name of the whole, and the part, by the name of a part's file.
fn part_of(file: &str) -> Option<(String, Shard)> {
    let (name, part) = file.strip_suffix(".journal")?.rsplit_once('.')?;
    let shard = part.replace("-of-", "/").parse().ok()?;
    // In one spelling only, so that no two files are the same part.
    let spelled = Shard::path(shard, Path::new(""), name);
    (spelled == Path::new(file)).then(|| (name.to_owned(), shard))
}

/// Joins the journals at `parts`, all of one sweep, into the one at `whole`, which keeps the runs that it has. Nobody else
/// writes to any of them meanwhile.
///
/// # Errors
/// [`Error::Data`] if they belong to different sweeps, disagree about a run, or are being written; those of
/// [`Journal::load`], [`Journal::open`] and [`Journal::seal`]. Then the whole has the runs that it had.
///
/// # Panics
/// If there are no parts.
pub fn join(parts: &[PathBuf], whole: &Path) -> Result<Journal> {
    let loaded: Vec<_> = parts.iter().map(|path| Journal::load(path)).collect::<Result<_>>()?;
    let common = loaded.first().expect("there are parts").0.clone();
    // All that can be wrong with the parts is known before the whole is touched.
    let mut all = Journal::in_memory(common.clone());
    for (path, (header, outcomes)) in parts.iter().zip(loaded) {
        if let Some(difference) = common.difference(&header) {
            return Err(Error::data(
                path,
                format!("a journal {difference}, as in {}", parts[0].display()),
                "join parts of one sweep only, by one version of dlr on processors with one instruction set",
            ));
        }
        all.take_in(path, outcomes)?;
    }
    let mut joined = Journal::open(whole, common)?;
    joined.take_in(whole, all.outcomes)?;
    joined.seal()?;
    Ok(joined)
}
