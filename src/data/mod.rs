//! Data sets: from four IDX files, raw or gzipped, to lists of lit pixels that a trainer can run through.
//!
//! ```text
//! four files --source, gzip, idx--> bytes --prepare, lit--> Dataset <--cache--> cache file
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
mod gzip;
pub mod idx;
mod lit;
pub mod picture;
mod prepare;
mod source;

pub use cache::CachePolicy;
pub use lit::Split;

use crate::{Error, Result};
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
    /// "mnist" if the files are MNIST's by their hashes, else the folder's name.
    pub name: String,
    /// Pixels of one image, 1..=4096.
    pub inputs: usize,
    /// The greatest label in either split plus 1, 2..=256.
    pub classes: usize,
    /// Rows and columns of one image.
    pub shape: (usize, usize),
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
    /// spelling with a dot, `train-images.idx3-ubyte`, will do.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if a file is missing, unreadable or damaged, or if the four do not belong together. A
    /// cache that cannot be read or written is no error: see [`Dataset::warnings`].
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_with(dir, &CachePolicy::standard(dir))
    }

    /// Opens the data set in folder `dir` with a cache of one's own choice.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::open`].
    pub fn open_with(dir: &Path, policy: &CachePolicy) -> Result<Self> {
        let sources = source::Sources::find(dir)?;
        let (cached, warnings) = cache::load(&sources, policy);
        let mut dataset = match cached {
            Some(dataset) => dataset,
            None => {
                let mut dataset = prepare::prepare(&sources)?;
                cache::store(&mut dataset, &sources, policy);
                dataset
            }
        };
        dataset.warnings.splice(0..0, warnings);
        Ok(dataset)
    }
}

/// Finds the folder of the data set: `explicit` (the option `--data`), else `$DLR_DATA`, else the first of
/// `data/mnist` in the current folder and in the source tree that this program was built from.
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
    if let Some(dir) = variable.filter(|dir| !dir.is_empty()).map(PathBuf::from) {
        let problem = "expected a folder at DLR_DATA, found none";
        return if dir.is_dir() {
            Ok(dir)
        } else {
            Err(Error::data(&dir, problem, "correct DLR_DATA or unset it"))
        };
    }
    usual.iter().map(PathBuf::from).find(|dir| dir.is_dir()).ok_or_else(|| {
        let problem = format!("expected a folder here, or at {}, found none", usual[1..].join(" or "));
        Error::data(Path::new(usual[0]), problem, "name the folder of the data set with --data or DLR_DATA")
    })
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
}
