//! A small valid data set, and folders to put it in.

use dlr::data::{CachePolicy, Dataset};
use dlr_kernels::groups::Groups;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

pub(crate) const TRAIN_IMAGES: usize = 0;
pub(crate) const TRAIN_LABELS: usize = 1;
pub(crate) const TEST_IMAGES: usize = 2;
pub(crate) const TEST_LABELS: usize = 3;

pub(crate) const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The contents of the four files, in the order of [`NAMES`].
pub(crate) type Files = [Vec<u8>; 4];

/// An IDX file of unsigned bytes.
pub(crate) fn idx(dims: &[u32], body: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    file.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    file.extend(body);
    file
}

/// Images with a lit pixel here and there; the third of each four is dark.
pub(crate) fn images(count: u32, rows: u32, cols: u32) -> Vec<u8> {
    let level = |image: u32, pixel: u32| match (image % 4, pixel % 3) {
        (2, _) | (_, 0) => 0,
        _ => (1 + (17 * image + 5 * pixel) % 255) as u8,
    };
    let body = (0..count).flat_map(|image| (0..rows * cols).map(move |pixel| level(image, pixel)));
    idx(&[count, rows, cols], &body.collect::<Vec<_>>())
}

pub(crate) fn labels(labels: &[u8]) -> Vec<u8> {
    idx(&[labels.len() as u32], labels)
}

/// Six images to train on and four to test on, of 4 x 5 pixels, in 3 classes.
pub(crate) fn small() -> Files {
    [images(6, 4, 5), labels(&[0, 1, 2, 0, 1, 2]), images(4, 4, 5), labels(&[2, 1, 0, 1])]
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Puts the four files into `dir`, each under its name and `suffix`.
pub(crate) fn put(dir: &Path, files: &Files, suffix: &str) {
    for (name, file) in NAMES.iter().zip(files) {
        fs::write(dir.join(format!("{name}{suffix}")), file).unwrap();
    }
}

/// A folder with the four raw files.
pub(crate) fn folder(files: &Files) -> TempDir {
    let dir = TempDir::new().unwrap();
    put(dir.path(), files, "");
    dir
}

/// Opens without a cache.
pub(crate) fn open(dir: &Path) -> dlr::Result<Dataset> {
    Dataset::open_with(dir, &CachePolicy::none())
}

/// Fails unless the two hold the same data, wherever they came from.
#[track_caller]
pub(crate) fn assert_same(a: &Dataset, b: &Dataset) {
    assert_eq!((a.inputs, a.classes, a.shape, &a.hashes), (b.inputs, b.classes, b.shape, &b.hashes));
    for split in [&a.train, &a.test] {
        assert_eq!(split.grouping(), &Groups::of_images(a.shape.0, a.shape.1));
    }
    // Not assert_eq: what it would print is no help.
    assert!(a.train == b.train, "the training images differ");
    assert!(a.test == b.test, "the test images differ");
}

/// The pixels that the lists of lit pixels stand for, `[images][inputs]`.
pub(crate) fn pixels(split: &dlr::data::Split) -> Vec<u8> {
    let mut pixels = vec![0; split.len() * split.inputs()];
    for (i, image) in pixels.chunks_exact_mut(split.inputs()).enumerate() {
        let (index, value) = split.pixels().of(i);
        assert_eq!(index.len(), value.len());
        assert!(index.is_sorted_by(|a, b| a < b), "image {i}: the pixels do not ascend");
        assert!(!value.contains(&0), "image {i}: a dark pixel is listed");
        for (&index, &value) in index.iter().zip(value) {
            image[usize::from(index)] = value;
        }

        let (number, levels) = split.groups().of(i);
        let found = number.iter().copied().zip(levels.iter().copied());
        assert!(
            found.eq(split.grouping().lit_in(image)),
            "image {i}: other groups are lit, or of other pixels"
        );
    }
    pixels
}
