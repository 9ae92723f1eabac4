//! Data sets: from four IDX files, raw or gzipped, to lists of lit pixels that a trainer can run through.
//!
//! ```text
//! four files --folder, source, gzip, idx--> bytes --prepare, lit--> lists of lit pixels <--cache--> cache file
//! lists of lit pixels --identity, known--> Dataset
//! ```
//!
//! The first start reads, checks, hashes and converts the files, and keeps the result in a cache file. Later
//! starts map that file, as long as the four files are the same. Both give the same data, byte for byte.
//!
//! Single pictures take another way: [`picture`] reads PNG files, and [`fit`](mod@fit) makes images of them as data sets
//! have them.

mod arrays;
mod backing;
mod cache;
mod cache_file;
pub mod fit;
mod folder;
pub mod gzip;
mod identity;
pub mod idx;
pub mod known;
mod lit;
pub mod picture;
mod prepare;
mod source;

pub use cache::CachePolicy;
pub use identity::Check;
pub use lit::{Lists, Split};
pub use source::Fault;

use crate::{Error, Result};
use identity::Identity;
use known::Known;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A data set: labelled images to train on and others to test on.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The training images.
    pub train: Split,
    /// The test images.
    pub test: Split,
    /// The name of the [known data set](Self::known), unless its hashes speak against it; else the folder's name.
    pub name: String,
    /// The data set that the files are taken for: that which has their hashes, else that which the user names, else that
    /// which their names name.
    pub known: Option<&'static Known>,
    /// What speaks for that.
    pub check: Check,
    /// Pixels of one image, 1..=4096.
    pub inputs: usize,
    /// The greatest label in either split plus 1, 2..=256. Labels stay what they are in the files, also where they don't
    /// start at 0: then the first classes have no image, and their outputs only learn to stay off.
    pub classes: usize,
    /// What the classes are called, `[classes]`: by their names if the data set is known, else "0", "1", and so on.
    pub class_names: Vec<String>,
    /// Rows and columns of one image.
    pub shape: (usize, usize),
    /// Whether images were transposed, since the known data set has them lie on their sides.
    pub transposed: bool,
    /// The files: training images, training labels, test images, test labels.
    pub files: [PathBuf; 4],
    /// SHA-256 of the inflated files, 64 hexadecimal digits each: training images, training labels, test images,
    /// test labels.
    pub hashes: [String; 4],
    /// Where the data came from.
    pub source: Source,
    /// What the user should know though it does no harm to the data, one line each.
    pub warnings: Vec<String>,
}

/// Where a [`Dataset`] came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this cache file: a warm start.
    Cache(PathBuf),
    /// From the user's files, and now in this cache file too: a cold start.
    Prepared(PathBuf),
    /// From the user's files or arrays, and in memory only.
    Memory,
}

impl Dataset {
    /// Opens the data set in folder `dir`, by way of the [usual cache](CachePolicy::standard).
    ///
    /// The folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte`, each raw or gzipped with `.gz` (the raw one is taken if both are there). The
    /// spelling with a dot, `train-images.idx3-ubyte`, will do, and so will any other name that has `train`, or `t10k`
    /// or `test`, and `image` or `label` in it, if it is the only one. Of several data sets in one folder, that is taken
    /// whose [name](Known::name) all file names begin with, if [`open_as`](Self::open_as) was told which.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if a file is missing, unreadable or damaged, if several could be it, or if the four do not belong
    /// together. A cache that cannot be read or written is no error: see [`Dataset::warnings`].
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_as(dir, None, &CachePolicy::standard(dir))
    }

    /// Opens the data set in folder `dir` with a cache of one's own choice.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::open`].
    pub fn open_with(dir: &Path, policy: &CachePolicy) -> Result<Self> {
        Self::open_as(dir, None, policy)
    }

    /// Opens the data set in folder `dir`, which is `dataset` if the user says so. That its hashes speak against it is a
    /// warning; if they are those of another known data set, it is taken for that.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::open`].
    pub fn open_as(dir: &Path, dataset: Option<&'static Known>, policy: &CachePolicy) -> Result<Self> {
        let sources = source::Sources::find(dir, dataset)?;
        let (cached, mut warnings) = cache::load(&sources, policy);
        let (prepared, source) = match cached {
            Some((prepared, path)) => (prepared, Source::Cache(path)),
            None => {
                let prepared = prepare::prepare(&sources)?;
                let (source, warning) = cache::store(&prepared, &sources, policy);
                warnings.extend(warning);
                (prepared, source)
            }
        };
        let mut identity = Identity::of(&sources, &prepared.hashes);
        let class_names = identity.class_names(&sources, prepared.classes);
        Ok(Self {
            name: identity.name(&sources),
            known: identity.known,
            check: identity.check,
            inputs: prepared.train.inputs(),
            classes: prepared.classes,
            class_names,
            shape: prepared.shape,
            transposed: prepared.transposed,
            files: [0, 1, 2, 3].map(|i| sources.path(i)),
            hashes: prepared.hashes.plain,
            train: prepared.train,
            test: prepared.test,
            source,
            warnings: warnings.into_iter().chain(identity.warnings).collect(),
        })
    }
}

/// Finds the folder of the data set: `explicit` (the option `--data`), else `$DLR_DATA`, or `mnist` in that if it holds
/// several, else the first of `data/mnist` in the current folder and in the source tree that this program was built from.
///
/// Where a data set that was named is, [`Known::locate`] tells.
///
/// # Errors
///
/// [`Error::Data`] if `$DLR_DATA` is set to no folder, or none of the usual folders is there; it says where was
/// looked. An `explicit` folder is taken as it is: opening it tells what is wrong with it.
pub fn find(explicit: Option<&Path>) -> Result<PathBuf> {
    find_in(
        explicit,
        env::var_os("DLR_DATA"),
        &["data/mnist", concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist")],
    )
}

fn find_in(explicit: Option<&Path>, variable: Option<OsString>, usual: &[&str]) -> Result<PathBuf> {
    if let Some(dir) = explicit {
        return Ok(dir.to_owned());
    }
    if let Some(dir) = from_variable(variable)? {
        let mnist = dir.join("mnist");
        return Ok(if mnist.is_dir() && !holds_one(&dir) { mnist } else { dir });
    }
    usual.iter().map(PathBuf::from).find(|dir| dir.is_dir()).ok_or_else(|| {
        let problem = format!("expected a folder here, or at {}, found none", usual[1..].join(" or "));
        Error::data(Path::new(usual[0]), problem, "name the folder of the data set with --data or DLR_DATA")
    })
}

/// Whether the four files of a data set are in `dir`, whatever is in them.
pub fn holds_one(dir: &Path) -> bool {
    source::Sources::find(dir, None).is_ok()
}

/// Whether `$DLR_DATA` names the folder of one data set.
pub fn is_chosen() -> bool {
    names_one(env::var_os("DLR_DATA"))
}

fn names_one(variable: Option<OsString>) -> bool {
    from_variable(variable).is_ok_and(|dir| dir.is_some_and(|dir| holds_one(&dir)))
}

/// The folder that `$DLR_DATA` names, if it is set.
fn from_variable(variable: Option<OsString>) -> Result<Option<PathBuf>> {
    let dir = variable.filter(|dir| !dir.is_empty()).map(PathBuf::from);
    match dir {
        Some(dir) if !dir.is_dir() => {
            let problem = "expected a folder at DLR_DATA, found none";
            Err(Error::data(&dir, problem, "correct DLR_DATA or unset it"))
        }
        dir => Ok(dir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_named_is_the_one() {
        let here = env!("CARGO_MANIFEST_DIR");
        let find = |explicit: Option<&str>, variable: Option<&str>, usual: &[&str]| {
            find_in(explicit.map(Path::new), variable.map(OsString::from), usual)
                .map(|dir| dir.display().to_string())
                .map_err(|error| error.to_string())
        };
        assert_eq!(find(Some("any"), Some(here), &[here]), Ok("any".into()));
        assert_eq!(find(None, Some(here), &["none"]), Ok(here.into()));
        assert_eq!(find(None, Some(""), &["none", here]), Ok(here.into()));
        let (several, one) = (format!("{here}/data"), format!("{here}/data/mnist"));
        assert_eq!(find(None, Some(&several), &[]), Ok(one.clone()));
        assert_eq!(find(None, Some(&one), &[]), Ok(one));
        assert_eq!(
            find(None, Some("none"), &[here]),
            Err("none: expected a folder at DLR_DATA, found none; correct DLR_DATA or unset it".into())
        );
        assert_eq!(
            find(None, None, &["none", "/none"]),
            Err("none: expected a folder here, or at /none, found none; \
                 name the folder of the data set with --data or DLR_DATA"
                .into())
        );
    }

    #[test]
    fn one_data_set_is_chosen_by_its_folder_alone() {
        let here = env!("CARGO_MANIFEST_DIR");
        let chosen = |variable: Option<&str>| names_one(variable.map(OsString::from));
        assert!(chosen(Some(&format!("{here}/data/mnist"))));
        assert!(!chosen(Some(&format!("{here}/data"))), "it holds several");
        assert!(!chosen(Some("none")) && !chosen(Some("")) && !chosen(None));
    }

    /// No cache is looked for before the files are.
    #[test]
    fn an_empty_folder_is_no_data_set() {
        let dir = tempfile::TempDir::new().unwrap();
        let told = Dataset::open(dir.path()).unwrap_err().to_string();
        let missing = dir.path().join("train-images-idx3-ubyte").display().to_string();
        assert!(told.starts_with(&format!("{missing}: expected this file, raw or with .gz")), "{told}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
