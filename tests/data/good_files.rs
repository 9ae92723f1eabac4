//! Every way to write the same four files gives the same data.

use crate::fixture::*;
use dlr::data::Source;
use std::fs;
use tempfile::TempDir;

#[test]
fn the_small_data_set() {
    let files = small();
    let dir = folder(&files);
    let data = open(dir.path()).unwrap();
    assert_eq!((data.inputs, data.classes, data.shape), (20, 3, (4, 5)));
    assert_eq!(data.name, dir.path().file_name().unwrap().to_str().unwrap());
    assert_eq!((data.source, data.warnings), (Source::Memory, vec![]));
    assert_eq!((data.train.len(), data.test.len()), (6, 4));
    assert_eq!(data.train.labels(), [0, 1, 2, 0, 1, 2]);
    assert_eq!(data.test.label(3), 1);
    assert_eq!(pixels(&data.train), files[TRAIN_IMAGES][16..]);
    assert_eq!(pixels(&data.test), files[TEST_IMAGES][16..]);
    assert!(data.train.pixels().of(2).0.is_empty(), "a dark image");
}

#[test]
fn raw_and_gzipped_are_the_same_under_any_name() {
    let raw = small();
    let gzipped = raw.clone().map(|file| gzip(&file));
    let in_two_members = raw.clone().map(|file| [gzip(&file[..9]), gzip(&file[9..]), gzip(&[])].concat());
    let expected = open(folder(&raw).path()).unwrap();
    for (files, suffix) in
        [(&gzipped, ".gz"), (&in_two_members, ".gz"), (&raw, ".gz"), (&gzipped, ""), (&in_two_members, "")]
    {
        let dir = TempDir::new().unwrap();
        put(dir.path(), files, suffix);
        assert_same(&open(dir.path()).unwrap(), &expected);
    }
}

#[test]
fn the_spelling_with_a_dot() {
    for (files, suffix) in [(small(), ""), (small().map(|file| gzip(&file)), ".gz")] {
        let dir = TempDir::new().unwrap();
        for (name, file) in NAMES.iter().zip(&files) {
            let name = name.replace("-idx", ".idx");
            fs::write(dir.path().join(format!("{name}{suffix}")), file).unwrap();
        }
        assert_same(&open(dir.path()).unwrap(), &open(folder(&small()).path()).unwrap());
    }
}

#[test]
fn raw_wins_over_gzipped() {
    let dir = folder(&small());
    put(dir.path(), &[(); 4].map(|()| b"not looked at".to_vec()), ".gz");
    assert_same(&open(dir.path()).unwrap(), &open(folder(&small()).path()).unwrap());
}

#[test]
fn a_folder_of_the_same_name_is_passed_over() {
    let dir = TempDir::new().unwrap();
    put(dir.path(), &small().map(|file| gzip(&file)), ".gz");
    fs::create_dir(dir.path().join(NAMES[TRAIN_IMAGES])).unwrap();
    assert_same(&open(dir.path()).unwrap(), &open(folder(&small()).path()).unwrap());
}

#[test]
fn the_extremes() {
    let dark = [idx(&[1, 64, 64], &[0; 4096]), labels(&[255]), idx(&[1, 64, 64], &[255; 4096]), labels(&[0])];
    let data = open(folder(&dark).path()).unwrap();
    assert_eq!((data.inputs, data.classes), (4096, 256));
    assert_eq!((data.train.density(), data.test.density()), (0.0, 1.0));
    assert_eq!(data.test.pixels().of(0).0.last(), Some(&4095));

    let one_pixel = [idx(&[1, 1, 1], &[1]), labels(&[0]), idx(&[1, 1, 1], &[0]), labels(&[1])];
    let data = open(folder(&one_pixel).path()).unwrap();
    assert_eq!((data.inputs, data.classes), (1, 2));
    assert_eq!(data.train.pixels().of(0), (&[0][..], &[1][..]));
}
