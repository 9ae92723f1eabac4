//! Pictures become images as MNIST's were made: so MNIST's own stay what they are.

use crate::fixture::open;
use dlr::data::Split;
use dlr::data::fit::{Fit, Ink, fit};
use dlr::data::picture::Picture;
use std::path::Path;

const MNIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist");

fn picture(split: &Split, n: usize) -> Picture {
    Picture { rows: 28, columns: 28, grey: split.image(n), opacity: vec![] }
}

/// The box around the lit pixels: its longer side.
fn extent(image: &[u8]) -> usize {
    let lit = || image.iter().enumerate().filter(|(_, level)| **level > 0).map(|(n, _)| n);
    let side = |of: fn(usize) -> usize| lit().map(of).max().unwrap() - lit().map(of).min().unwrap() + 1;
    side(|n| n / 28).max(side(|n| n % 28))
}

#[test]
fn the_test_images_stay_as_they_are() {
    let test = open(Path::new(MNIST)).unwrap().test;
    let (mut same, mut nearly, mut shifted, mut rescaled) = (0, 0, 0, 0);
    for n in 0..test.len() {
        let before = picture(&test, n).grey;
        let after = fit(&picture(&test, n), 28, Fit::Mnist, None).unwrap();
        assert_eq!(after.ink, Ink::Light, "image {n}");
        // The strongest ink, of 254, becomes 255; what is fainter than a sixteenth is lost at an edge.
        match difference(&before, &after.grey) {
            0 => same += 1,
            1..16 => nearly += 1,
            _ if extent(&before) == 19 => rescaled += 1,
            // Without the faint pixels, the centre of mass is rounded to the next row or column.
            _ => {
                let is_shifted = |by: &usize| {
                    difference(&before[..784 - by], &after.grey[*by..]) < 16
                        || difference(&before[*by..], &after.grey[..784 - by]) < 16
                };
                assert!([1, 28].iter().any(is_shifted), "image {n}");
                shifted += 1;
            }
        }
    }
    assert_eq!((same, nearly, shifted, rescaled), (8_311, 1_678, 8, 3));
}

/// The largest difference between two levels in the same place.
fn difference(some: &[u8], others: &[u8]) -> u8 {
    some.iter().zip(others).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn dark_and_enlarged_ones_come_back() {
    let test = open(Path::new(MNIST)).unwrap().test;
    for n in 0..300 {
        let image = picture(&test, n);
        let expected = fit(&image, 28, Fit::Mnist, None).unwrap().grey;
        for times in [1, 3, 4] {
            let side = 28 * times;
            let at = |place: usize| 255 - image.grey[place / side / times * 28 + place % side / times];
            let dark = Picture {
                rows: side,
                columns: side,
                grey: (0..side * side).map(at).collect(),
                opacity: vec![],
            };
            let found = fit(&dark, 28, Fit::Mnist, None).unwrap();
            assert_eq!(found.ink, Ink::Dark, "image {n}");
            assert!(found.grey == expected, "image {n}, {times} times as large");
        }
    }
}
