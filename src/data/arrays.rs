//! Data sets from arrays in memory.

use super::idx::{Header, Kind, MAX_INPUTS};
use super::lit::Split;
use super::prepare::classes;
use super::{Check, Dataset, Source};
use crate::hash::hex;
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

impl Dataset {
    /// A data set of images that are in memory already.
    ///
    /// `shape` has the rows and columns of one image, together 1 to 4096 pixels. `train` and `test` are each the grey levels
    /// `[n][rows * columns]`, 0 for black, and the labels `[n]`, which are classes counted from 0; both have 1 image or
    /// more, and there are as many classes as the greatest of all labels says, at least 2. The arrays are copied, without
    /// their dark pixels.
    ///
    /// [`hashes`](Dataset::hashes) are those that the arrays would have as IDX files, so that data are known again however
    /// they came here.
    ///
    /// # Errors
    ///
    /// [`Error::Arrays`] if lengths disagree, a half is empty or too large for an IDX file of 2 GiB, there is only one class,
    /// or memory is short.
    pub fn from_arrays(
        name: &str,
        shape: (usize, usize),
        train: (&[u8], &[u8]),
        test: (&[u8], &[u8]),
    ) -> Result<Self> {
        let inputs = shape.0.checked_mul(shape.1).filter(|inputs| (1..=MAX_INPUTS).contains(inputs));
        let inputs = inputs.ok_or_else(|| Error::Arrays {
            array: "shape",
            problem: format!("expected 1 to {MAX_INPUTS} pixels an image, found {} x {}", shape.0, shape.1),
            cure: "scale the images down",
        })?;
        let (train, train_hashes) = split(["training images", "training labels"], inputs, shape, train)?;
        let (test, test_hashes) = split(["test images", "test labels"], inputs, shape, test)?;
        let classes = classes(&train, &test).map_err(|problem| Error::Arrays {
            array: "training labels",
            problem,
            cure: "number the classes from 0 on",
        })?;
        let ([images, labels], [test_images, test_labels]) = (train_hashes, test_hashes);
        Ok(Self {
            train,
            test,
            name: name.to_owned(),
            known: None,
            check: Check::Unknown,
            inputs,
            classes,
            class_names: (0..classes).map(|class| class.to_string()).collect(),
            shape,
            transposed: false,
            files: [const { PathBuf::new() }; 4],
            hashes: [images, labels, test_images, test_labels],
            source: Source::Memory,
            warnings: Vec::new(),
        })
    }
}

/// One half, and the hashes of its images and labels. `names` are what errors call the two.
fn split(
    names: [&'static str; 2],
    inputs: usize,
    shape: (usize, usize),
    (pixels, labels): (&[u8], &[u8]),
) -> Result<(Split, [String; 2])> {
    let wrong = |array, problem, cure| Error::Arrays { array, problem, cure };
    if labels.is_empty() {
        return Err(wrong(names[1], "expected 1 or more, found none".into(), "give one for each image"));
    }
    if labels.len().checked_mul(inputs) != Some(pixels.len()) {
        let problem = format!(
            "expected {} times {inputs} grey levels, an image for each label, found {}",
            labels.len(),
            pixels.len()
        );
        return Err(wrong(names[0], problem, "give as many images as labels, all of the same shape"));
    }
    let images = hash(Kind::Images, labels.len(), shape, pixels)
        .map_err(|problem| wrong(names[0], problem, "give fewer or smaller images"))?;
    let label_hash = hash(Kind::Labels, labels.len(), shape, labels)
        .map_err(|problem| wrong(names[1], problem, "give fewer"))?;
    let split = Split::from_images(shape, pixels, labels).map_err(|error| {
        wrong(
            names[0],
            format!("no memory for their lit pixels ({error})"),
            "free some memory, or give fewer",
        )
    })?;
    Ok((split, [images, label_hash]))
}

/// SHA-256 of the IDX file that so many images or labels would be, if it is one that may be.
fn hash(kind: Kind, items: usize, (rows, columns): (usize, usize), body: &[u8]) -> Result<String, String> {
    let sizes = [items, rows, columns].map(|size| u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    let mut header = vec![0, 0, 8, kind.dimensions() as u8];
    header.extend_from_slice(sizes[..kind.dimensions()].as_flattened());
    Header::parse(kind, &header)?;
    let hash = Sha256::new().chain_update(header).chain_update(body).finalize();
    Ok(hex(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0];
    const LABELS: [u8; 2] = [2, 0];

    type Half<'a> = (&'a [u8], &'a [u8]);

    fn of(shape: (usize, usize), train: Half, test: Half) -> Result<Dataset, String> {
        Dataset::from_arrays("mine", shape, train, test).map_err(|error| error.to_string())
    }

    #[test]
    fn arrays_are_what_the_data_set_holds() {
        let data = of((2, 3), (&IMAGES, &LABELS), (&IMAGES[..6], &[1])).unwrap();
        assert_eq!((data.inputs, data.classes, data.shape, &*data.name), (6, 3, (2, 3), "mine"));
        assert_eq!((data.train.len(), data.test.len()), (2, 1));
        assert_eq!(data.train.pixels().of(0), (&[1, 2, 3, 4, 5][..], &[1, 2, 3, 4, 5][..]));
        assert_eq!(data.train.pixels().of(1), (&[0][..], &[6][..]));
        assert_eq!((data.train.labels(), data.test.labels()), (&[2, 0][..], &[1][..]));
    }

    #[test]
    fn wrong_arrays_are_refused_by_their_names() {
        let good: Half = (&IMAGES, &LABELS);
        for (shape, train, test, message) in [
            ((0, 3), good, good, "shape: expected 1 to 4096 pixels an image, found 0 x 3; scale"),
            ((64, 65), good, good, "shape: expected 1 to 4096 pixels an image, found 64 x 65; scale"),
            ((usize::MAX, 2), good, good, "shape: expected 1 to 4096 pixels"),
            (
                (2, 3),
                (&IMAGES[..11], &LABELS),
                good,
                "training images: expected 2 times 6 grey levels, an image \
              for each label, found 11; give as many",
            ),
            ((2, 3), good, (&IMAGES, &[1]), "test images: expected 1 times 6 grey levels"),
            ((2, 3), (&[], &[]), good, "training labels: expected 1 or more, found none; give one"),
            ((2, 3), good, (&[], &[]), "test labels: expected 1 or more, found none; give one"),
            (
                (2, 3),
                (&IMAGES, &[0, 0]),
                (&IMAGES, &[0, 0]),
                "training labels: expected at least 2 classes, found \
              label 0 alone; number",
            ),
        ] {
            let error = of(shape, train, test).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(of((2, 3), (&IMAGES, &[0, 0]), (&IMAGES, &[0, 1])).is_ok());
    }
}
