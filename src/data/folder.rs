//! Which of a folder's files are the four of a data set.
//!
//! 1. If the data set was named, the files whose names begin with its name; no others, if there is one.
//! 2. The usual spellings, `train-images-idx3-ubyte` and `train-images.idx3-ubyte`.
//! 3. Whatever has `train`, or `t10k` or `test`, and `image` or `label` in its name, as long as there is only one.
//!
//! Each may be raw or gzipped; a raw one wins over the same with `.gz`.

use super::known::Known;
use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::Path;

/// The files in the order of `Dataset::hashes`: the usual spellings of their names, and what they are for people.
const FILES: [([&str; 2], &str); 4] = [
    (["train-images-idx3-ubyte", "train-images.idx3-ubyte"], "training images"),
    (["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"], "training labels"),
    (["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"], "test images"),
    (["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"], "test labels"),
];

/// Candidates that an error lists at most.
const LISTED: usize = 8;

pub(super) const NAME_A_FOLDER: &str = "name a folder with the four IDX files of a data set with --data";

/// The names of the four files in `dir`, and the data set that all of them name, if they do. `wanted` is the data set
/// that the user has named.
///
/// # Errors
/// [`Error::Data`] if a file is missing, or several could be it.
pub(super) fn four(dir: &Path, wanted: Option<&Known>) -> Result<([String; 4], Option<&'static Known>)> {
    let mut names = names(dir);
    let own = wanted.filter(|wanted| names.iter().any(|name| wanted.owns(name)));
    match wanted {
        Some(wanted) if own.is_some() => names.retain(|name| wanted.owns(name)),
        // The name of another data set is a word against it.
        Some(_) => names.retain(|name| Known::of_file(name).is_none()),
        None => (),
    }
    let find = |role| find(dir, role, &names, own);
    let files = [find(0)?, find(1)?, find(2)?, find(3)?];
    let [first, others @ ..] = files.each_ref().map(|name| Known::of_file(name));
    if let Some(other) = others.iter().position(|other| *other != first) {
        let problem =
            format!("expected four files of one data set, found {} beside {}", files[other + 1], files[0]);
        return Err(Error::data(dir, problem, choose(&files)));
    }
    Ok((files, first))
}

/// The file for a role, by its number in [`FILES`], among `names`; if they are `own`, by its name.
fn find(dir: &Path, role: usize, names: &[String], own: Option<&Known>) -> Result<String> {
    if own.is_none()
        && let Ok(usual) = usual(dir, role)
    {
        return Ok(usual);
    }
    let candidates: Vec<_> = names.iter().filter(|name| role_of(name) == Some(role)).cloned().collect();
    match (&candidates[..], own) {
        ([one], _) => Ok(one.clone()),
        ([], None) => usual(dir, role),
        ([], Some(own)) => {
            let name = format!("{}-{}", own.name, FILES[role].0[0].replace("t10k", "test"));
            Err(Error::data(&dir.join(name), NEITHER, NAME_A_FOLDER))
        }
        (several, _) => {
            let listed = several[..several.len().min(LISTED)].join(", ");
            let more = several.len().saturating_sub(LISTED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let problem = format!("expected one file of {}, found {listed}{more}", FILES[role].1);
            Err(Error::data(dir, problem, choose(several)))
        }
    }
}

const NEITHER: &str = "expected this file, raw or with .gz, found neither";

/// The file for a role under one of its usual spellings.
fn usual(dir: &Path, role: usize) -> Result<String> {
    let names = FILES[role].0;
    let mut problem = NEITHER.to_owned();
    for name in
        [names[0].to_owned(), names[1].to_owned(), format!("{}.gz", names[0]), format!("{}.gz", names[1])]
    {
        // Anything but a file is passed over: some archives unpack each file into a folder of the same name.
        match fs::metadata(dir.join(&name)) {
            Ok(meta) if meta.is_file() => return Ok(name),
            Ok(meta) if meta.is_dir() => problem = format!("expected a file, found the folder {name}"),
            Ok(_) => problem = format!("expected a file, found something else at {name}"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => problem = format!("expected a readable folder, found an error ({error})"),
        }
    }
    Err(Error::data(&dir.join(names[0]), problem, NAME_A_FOLDER))
}

/// What to do where files of several data sets lie together.
fn choose(files: &[String]) -> String {
    let mut sets: Vec<_> =
        files.iter().filter_map(|file| Known::of_file(file)).map(|known| known.name).collect();
    sets.dedup();
    if sets.is_empty() {
        return "leave only one of them in the folder".to_owned();
    }
    format!("choose with --dataset {}", sets.join(" or "))
}

/// The names of all files in `dir` that may be one of the four, sorted, each once; none if it can't be listed.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| role_of(name).is_some())
        .filter(|name| fs::metadata(dir.join(name)).is_ok_and(|meta| meta.is_file()))
        .collect();
    names.sort_unstable();
    let raw = names.clone();
    names.retain(|name| {
        name.strip_suffix(".gz").is_none_or(|stem| raw.binary_search_by(|raw| (**raw).cmp(stem)).is_err())
    });
    names
}

/// The role that a file's name tells, if it tells one.
fn role_of(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let has = |word| name.contains(word);
    match (has("train"), has("t10k") || has("test"), has("image"), has("label")) {
        _ if name.starts_with('.') => None,
        (true, false, true, false) => Some(0),
        (true, false, false, true) => Some(1),
        (false, true, true, false) => Some(2),
        (false, true, false, true) => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_role_or_none() {
        for (name, role) in [
            ("train-images-idx3-ubyte", Some(0)),
            ("emnist-letters-train-labels-idx1-ubyte.gz", Some(1)),
            ("Test_Images.idx", Some(2)),
            ("my.t10k.labels", Some(3)),
            ("images", None),
            ("train", None),
            ("train-test-images", None),
            ("train-images-and-labels", None),
            (".train-images.swp", None),
            ("emnist-letters-mapping.txt", None),
        ] {
            assert_eq!(role_of(name), role, "{name}");
        }
    }

    #[test]
    fn each_usual_spelling_has_its_role() {
        for (role, (names, _)) in FILES.iter().enumerate() {
            assert!(names.iter().all(|name| role_of(name) == Some(role)), "{names:?}");
        }
    }
}
