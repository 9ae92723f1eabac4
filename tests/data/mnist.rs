//! The real MNIST, as it ships in `data/mnist`.

use crate::fixture::*;
use dlr::data::known::Known;
use dlr::data::{CachePolicy, Check, Dataset, Source};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MNIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist");

fn inflated(which: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let path = Path::new(MNIST).join(format!("{}.gz", NAMES[which]));
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn it_is_what_it_says_from_gzip_cache_and_raw() {
    let dir = TempDir::new().unwrap();
    let policy = CachePolicy { folders: vec![dir.path().join("cache")] };
    let cold = Dataset::open_with(Path::new(MNIST), &policy).unwrap();
    assert!(matches!(cold.source, Source::Prepared(_)), "{:?}", cold.source);
    assert_eq!((cold.train.len(), cold.test.len()), (60_000, 10_000));
    assert_eq!((cold.inputs, cold.shape, cold.classes, &*cold.name), (784, (28, 28), 10, "mnist"));
    assert!((cold.train.density() - 0.191_202).abs() < 1e-6, "{}", cold.train.density());
    assert!((cold.test.density() - 0.192_758).abs() < 1e-6, "{}", cold.test.density());
    assert_eq!(cold.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(cold.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);

    // The hashes stand in the README, in the order of the files.
    let readme = fs::read_to_string(Path::new(MNIST).join("README.md")).unwrap();
    for (name, hash) in NAMES.iter().zip(&cold.hashes) {
        let line = readme.lines().find(|line| line.contains(name)).unwrap();
        assert!(line.contains(hash.as_str()), "{line}\n{hash}");
    }

    let warm = Dataset::open_with(Path::new(MNIST), &policy).unwrap();
    assert!(matches!(warm.source, Source::Cache(_)), "{:?}", warm.source);
    assert_same(&cold, &warm);

    let files: Files = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS].map(inflated);
    put(dir.path(), &files, "");
    let raw = open(dir.path()).unwrap();
    assert_same(&cold, &raw);
    assert_eq!(raw.name, "mnist", "the name comes of the contents");
    assert_eq!((raw.known.map(|known| known.name), raw.check), (Some("mnist"), Check::Verified));

    // Bytes are believed before words: digits that stand upright are not turned.
    let claimed = Dataset::open_as(dir.path(), Known::named("emnist-letters"), &policy).unwrap();
    assert_same(&cold, &claimed);
    assert_eq!((&*claimed.name, claimed.check, claimed.transposed), ("mnist", Check::Verified, false));
    let warning = format!(
        "{}: given as --dataset emnist-letters, but its files are taken for mnist's",
        dir.path().display()
    );
    assert_eq!(claimed.warnings, [warning]);

    for (split, images, labels) in
        [(&cold.train, TRAIN_IMAGES, TRAIN_LABELS), (&warm.test, TEST_IMAGES, TEST_LABELS)]
    {
        assert!(pixels(split) == files[images][16..], "an image differs from its pixels");
        assert!(split.labels() == &files[labels][8..], "a label differs");
    }
}

#[test]
fn it_is_found() {
    assert_eq!(dlr::data::find(Some(Path::new("elsewhere"))).unwrap(), PathBuf::from("elsewhere"));
    if std::env::var_os("DLR_DATA").is_none() {
        assert!(dlr::data::find(None).unwrap().ends_with("data/mnist"));
    }
    let mnist = Known::named("mnist").unwrap();
    let place = mnist.locate().unwrap();
    assert_eq!((mnist.search().unwrap(), open(&place).unwrap().known), (Some(place.clone()), Some(mnist)));
    assert!(mnist.places().unwrap().contains(&place));
}
