//! From the user's four files to a data set in memory, with all checks that span several files.

use super::identity::{Hashes, Identity};
use super::idx::{Idx, Kind};
use super::lit::Split;
use super::source::{Contents, Fault, Sources, sha256};
use crate::{Result, memory};
use std::collections::TryReserveError;

/// The contents of the four files.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) train: Split,
    pub(super) test: Split,
    /// The greatest label plus 1.
    pub(super) classes: usize,
    /// Rows and columns of one image, as it was prepared.
    pub(super) shape: (usize, usize),
    pub(super) hashes: Hashes,
    /// Whether rows and columns were exchanged.
    pub(super) transposed: bool,
}

/// The hash of what is in a file, and of its gzip file, if it came in one.
type FileHashes = (String, Option<String>);

/// Reads, checks, hashes and converts the four files, and transposes the images if they are those of a data set where
/// that is due.
pub(super) fn prepare(sources: &Sources) -> Result<Prepared> {
    let claimed = sources.claim.is_some_and(|claim| claim.known().transposed);
    let prepared = prepare_as(sources, claimed)?;
    // Only the hashes of all files tell what they are; that they speak against what was said is rare.
    let transposed = Identity::of(sources, &prepared.hashes).is_transposed();
    if transposed == claimed { Ok(prepared) } else { prepare_as(sources, transposed) }
}

fn prepare_as(sources: &Sources, transposed: bool) -> Result<Prepared> {
    let (train, shape, [images, labels]) = split(sources, [0, 1], transposed)?;
    let (test, test_shape, [test_images, test_labels]) = split(sources, [2, 3], transposed)?;
    let files = [images, labels, test_images, test_labels];
    if test_shape != shape {
        let ((rows, cols), (test_rows, test_cols)) = (shape, test_shape);
        let problem = format!(
            "expected images of {rows} x {cols} like the training images, found {test_rows} x {test_cols}"
        );
        return Err(sources.error(2, problem));
    }
    let classes = classes(&train, &test).map_err(|problem| sources.error(1, problem))?;
    Ok(Prepared {
        train,
        test,
        classes,
        shape: if transposed { (shape.1, shape.0) } else { shape },
        hashes: Hashes {
            plain: files.each_ref().map(|(plain, _)| plain.clone()),
            gzip: files.map(|(_, gzip)| gzip),
        },
        transposed,
    })
}

/// How many classes there are, by the greatest label of both splits.
pub(super) fn classes(train: &Split, test: &Split) -> Result<usize, String> {
    match train.labels().iter().chain(test.labels()).max() {
        None | Some(0) => Err("expected at least 2 classes, found label 0 alone".to_owned()),
        Some(&greatest) => Ok(usize::from(greatest) + 1),
    }
}

/// Converts the images of one file, transposed or as they are, and the labels of another, which `files` has the numbers of;
/// also gives the images' rows and columns in the file and the hashes of the two files: of what is in them, and of their
/// gzip files, if that is what they are. Only here, for one split at a time, are raw images in memory.
fn split(
    sources: &Sources,
    files: [usize; 2],
    transposed: bool,
) -> Result<(Split, (usize, usize), [FileHashes; 2])> {
    let [of_images, of_labels] = files;
    let Contents { bytes: labels, gzip: labels_gzip } = sources.read(of_labels)?;
    let Contents { bytes: images, gzip: images_gzip } = sources.read(of_images)?;
    let labels_idx =
        Idx::parse(Kind::Labels, &labels).map_err(|problem| sources.error(of_labels, problem))?;
    let images_idx =
        Idx::parse(Kind::Images, &images).map_err(|problem| sources.error(of_images, problem))?;
    if labels_idx.header.items != images_idx.header.items {
        let (expected, found) = (images_idx.header.items, labels_idx.header.items);
        return Err(
            sources.error(of_labels, format!("expected {expected} labels, one an image, found {found}"))
        );
    }
    let (rows, cols) = images_idx.header.shape;
    let no_memory = |_| sources.error(of_images, Fault::no_memory(images.len()));
    let upright =
        if transposed { transpose(images_idx.body, (rows, cols)).map_err(no_memory)? } else { Vec::new() };
    let (shape, pixels) =
        if transposed { ((cols, rows), &*upright) } else { ((rows, cols), images_idx.body) };
    let split = Split::from_images(shape, pixels, labels_idx.body).map_err(no_memory)?;
    Ok((split, (rows, cols), [(sha256(&images), images_gzip), (sha256(&labels), labels_gzip)]))
}

/// Images of `(rows, cols)` as images of `(cols, rows)`.
fn transpose(pixels: &[u8], (rows, cols): (usize, usize)) -> Result<Vec<u8>, TryReserveError> {
    let mut transposed = Vec::new();
    memory::reserve(&mut transposed, pixels.len())?;
    for image in pixels.chunks_exact(rows * cols) {
        transposed.extend((0..rows * cols).map(|at| image[at % rows * cols + at / rows]));
    }
    Ok(transposed)
}
