//! Arrays become the data set that the same images in files do.

use crate::fixture::*;
use dlr::Dataset;
use dlr::data::Source;

#[test]
fn arrays_are_the_files_without_their_headers() {
    let files = small();
    let filed = open(folder(&files).path()).unwrap();
    let [images, labels, test_images, test_labels] = &files;
    let arrays = Dataset::from_arrays(
        "arrays",
        (4, 5),
        (&images[16..], &labels[8..]),
        (&test_images[16..], &test_labels[8..]),
    )
    .unwrap();
    assert_same(&filed, &arrays);
    assert_eq!((&*arrays.name, &arrays.source, arrays.warnings.len()), ("arrays", &Source::Memory, 0));
}
