//! From the user's four files to a data set in memory, with all checks that span several files.

use super::idx::{Idx, Kind};
use super::lit::Split;
use super::source::{Fault, Sources, sha256};
use super::{Dataset, Source};
use crate::Result;

/// SHA-256 of MNIST's four inflated files, in the order of [`Dataset::hashes`].
const MNIST: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

/// Reads, checks, hashes and converts the four files.
pub(super) fn prepare(sources: &Sources) -> Result<Dataset> {
    let (train, shape, train_hashes) = split(sources, 0)?;
    let (test, test_shape, test_hashes) = split(sources, 2)?;
    if test_shape != shape {
        let ((rows, cols), (test_rows, test_cols)) = (shape, test_shape);
        let problem = format!(
            "expected images of {rows} x {cols} like the training images, found {test_rows} x {test_cols}"
        );
        return Err(sources.error(2, problem));
    }
    let classes = classes(&train, &test).map_err(|problem| sources.error(1, problem))?;

    let [images, labels] = train_hashes;
    let [test_images, test_labels] = test_hashes;
    let hashes = [images, labels, test_images, test_labels];
    let name = if hashes == MNIST { "mnist".to_owned() } else { sources.name.clone() };
    Ok(Dataset {
        train,
        test,
        name,
        inputs: shape.0 * shape.1,
        classes,
        shape,
        hashes,
        source: Source::Memory,
        warnings: Vec::new(),
    })
}

/// How many classes there are, by the greatest label of both splits.
pub(super) fn classes(train: &Split, test: &Split) -> Result<usize, String> {
    match train.labels().iter().chain(test.labels()).max() {
        None | Some(0) => Err("expected at least 2 classes, found label 0 alone".to_owned()),
        Some(&greatest) => Ok(usize::from(greatest) + 1),
    }
}

/// Converts the images of file `first` and the labels of the one after it; also gives the images' rows and
/// columns and the hashes of the two files. Only here, for one split at a time, are raw images in memory.
fn split(sources: &Sources, first: usize) -> Result<(Split, (usize, usize), [String; 2])> {
    let labels = sources.read(first + 1)?;
    let images = sources.read(first)?;
    let labels_idx =
        Idx::parse(Kind::Labels, &labels).map_err(|problem| sources.error(first + 1, problem))?;
    let images_idx = Idx::parse(Kind::Images, &images).map_err(|problem| sources.error(first, problem))?;
    if labels_idx.header.items != images_idx.header.items {
        let (expected, found) = (images_idx.header.items, labels_idx.header.items);
        return Err(
            sources.error(first + 1, format!("expected {expected} labels, one an image, found {found}"))
        );
    }
    let (rows, cols) = images_idx.header.shape;
    let split = Split::from_pixels(rows * cols, images_idx.body, labels_idx.body)
        .map_err(|_| sources.error(first, Fault::no_memory(images.len())))?;
    Ok((split, (rows, cols), [sha256(&images), sha256(&labels)]))
}
