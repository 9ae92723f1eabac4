//! Every bad file is refused, in exactly these words.

use crate::fixture::*;
use dlr::Error;
use std::fs;
use std::path::Path;

const REPLACE: &str = "replace it with a good copy, or name another folder with --data";
const NAME_A_FOLDER: &str = "name a folder with the four IDX files of a data set with --data";

/// Opens `dir` and compares the whole error with "path: problem; cure".
#[track_caller]
fn assert_refused(case: &str, dir: &Path, at: &Path, problem: &str, cure: &str) {
    let error = open(dir).map(drop).expect_err(case);
    assert!(matches!(error, Error::Data { .. }), "{case}: {error:?}");
    assert_eq!(error.to_string(), format!("{}: {problem}; {cure}", at.display()), "{case}");
}

/// Replaces one file of the small data set by `file`, as `NAME` + `suffix`.
#[track_caller]
fn assert_file_refused(case: &str, which: usize, file: &[u8], suffix: &str, problem: &str) {
    let dir = folder(&small());
    let dir = dir.path();
    fs::remove_file(dir.join(NAMES[which])).unwrap();
    let path = dir.join(format!("{}{suffix}", NAMES[which]));
    fs::write(&path, file).unwrap();
    assert_refused(case, dir, &path, problem, REPLACE);
}

/// One test for each bad IDX file: the name of the test, the file that is bad, its bytes, what is said. The words
/// are the same whether the file is raw or gzipped.
macro_rules! bad_idx {
    ($($name:ident: $which:ident, $file:expr => $problem:expr;)*) => {$(
        #[test]
        fn $name() {
            let file: Vec<u8> = $file.to_vec();
            assert_file_refused("raw", $which, &file, "", $problem);
            assert_file_refused("gzipped", $which, &gzip(&file), ".gz", $problem);
        }
    )*};
}

bad_idx! {
    images_empty: TRAIN_IMAGES, [] => "expected an IDX header of 16 bytes, found 0";
    images_of_one_byte: TRAIN_IMAGES, [0] => "expected an IDX header of 16 bytes, found 1";
    images_of_three_bytes: TRAIN_IMAGES, [0, 0, 8] => "expected an IDX header of 16 bytes, found 3";
    images_of_a_magic_number: TRAIN_IMAGES, [0, 0, 8, 3] => "expected an IDX header of 16 bytes, found 4";
    images_of_most_of_a_header: TRAIN_IMAGES, images(6, 4, 5)[..15] =>
        "expected an IDX header of 16 bytes, found 15";
    first_byte_not_zero: TRAIN_IMAGES, [&[1], &images(6, 4, 5)[1..]].concat() =>
        "expected an IDX file (00 00 08 03), found 01 00 08 03";
    second_byte_not_zero: TRAIN_IMAGES, [&[0, 8], &images(6, 4, 5)[2..]].concat() =>
        "expected an IDX file (00 00 08 03), found 00 08 08 03";
    a_web_page: TRAIN_IMAGES, b"<!DOCTYPE html><title>Moved" =>
        "expected an IDX file (00 00 08 03), found 3c 21 44 4f";
    magic_number_in_the_wrong_byte_order: TRAIN_LABELS, [1, 8, 0, 0, 6, 0, 0, 0, 0, 1, 2, 0, 1, 2] =>
        "expected an IDX file (00 00 08 01), found 01 08 00 00";
    type_zero: TRAIN_IMAGES, [&[0, 0, 0], &images(6, 4, 5)[3..]].concat() =>
        "expected unsigned bytes (type 0x08), found type 0x00";
    signed_bytes: TRAIN_IMAGES, [&[0, 0, 9], &images(6, 4, 5)[3..]].concat() =>
        "expected unsigned bytes (type 0x08), found type 0x09";
    floats: TEST_IMAGES, [&[0, 0, 13], &images(6, 4, 5)[3..]].concat() =>
        "expected unsigned bytes (type 0x08), found type 0x0d";
    images_without_dimensions: TRAIN_IMAGES, idx(&[], &[0; 40]) =>
        "expected rank 3 (images), found rank 0";
    labels_in_place_of_images: TRAIN_IMAGES, labels(&[0; 40]) => "expected rank 3 (images), found rank 1";
    images_of_two_dimensions: TEST_IMAGES, idx(&[4, 20], &[0; 80]) =>
        "expected rank 3 (images), found rank 2";
    images_in_colour: TRAIN_IMAGES, idx(&[6, 4, 5, 3], &[0; 360]) =>
        "expected rank 3 (images), found rank 4";
    images_of_255_dimensions: TRAIN_IMAGES, [&[0, 0, 8, 255], &[1; 1020][..], &[7]].concat() =>
        "expected rank 3 (images), found rank 255";
    no_image: TRAIN_IMAGES, images(0, 4, 5) => "expected 1 or more images, found 0";
    no_row: TRAIN_IMAGES, images(6, 0, 5) => "expected 1 to 4096 pixels an image, found 0 x 5";
    no_column: TRAIN_IMAGES, images(6, 4, 0) => "expected 1 to 4096 pixels an image, found 4 x 0";
    one_pixel_too_many: TRAIN_IMAGES, images(1, 1, 4097) => "expected 1 to 4096 pixels an image, found 1 x 4097";
    one_row_too_many: TRAIN_IMAGES, images(1, 65, 64) => "expected 1 to 4096 pixels an image, found 65 x 64";
    pixels_that_wrap_32_bits: TRAIN_IMAGES, idx(&[6, 1 << 16, 1 << 16], &[]) =>
        "expected 1 to 4096 pixels an image, found 65536 x 65536";
    sizes_that_wrap_64_bits: TRAIN_IMAGES, idx(&[4, 1 << 31, 1 << 31], &[]) =>
        "expected 1 to 4096 pixels an image, found 2147483648 x 2147483648";
    greatest_sizes: TRAIN_IMAGES, idx(&[u32::MAX; 3], &[]) =>
        "expected 1 to 4096 pixels an image, found 4294967295 x 4294967295";
    sizes_in_the_wrong_byte_order: TRAIN_IMAGES, idx(&[6 << 24, 28 << 24, 28 << 24], &[]) =>
        "expected 1 to 4096 pixels an image, found 469762048 x 469762048";
    more_than_two_gib_of_images: TRAIN_IMAGES, idx(&[1 << 31, 1, 1], &[]) =>
        "expected at most 2147483648 bytes, found a header that promises 2147483664";
    two_tib_of_images: TRAIN_IMAGES, idx(&[1 << 29, 64, 64], &[]) =>
        "expected at most 2147483648 bytes, found a header that promises 2199023255568";
    two_gib_promised_and_none_there: TRAIN_IMAGES, idx(&[524_287, 64, 64], &[]) =>
        "expected 2147479568 bytes by its header, found 16 (truncated)";
    images_without_pixels: TRAIN_IMAGES, images(6, 4, 5)[..16] =>
        "expected 136 bytes by its header, found 16 (truncated)";
    images_short_by_a_byte: TRAIN_IMAGES, images(6, 4, 5)[..135] =>
        "expected 136 bytes by its header, found 135 (truncated)";
    images_short_by_an_image: TEST_IMAGES, images(4, 4, 5)[..76] =>
        "expected 96 bytes by its header, found 76 (truncated)";

    labels_empty: TRAIN_LABELS, [] => "expected an IDX header of 8 bytes, found 0";
    labels_of_most_of_a_header: TEST_LABELS, labels(&[2, 1, 0, 1])[..7] =>
        "expected an IDX header of 8 bytes, found 7";
    images_in_place_of_labels: TRAIN_LABELS, images(6, 4, 5) => "expected rank 1 (labels), found rank 3";
    labels_of_32_bits: TRAIN_LABELS, [&[0, 0, 12, 1, 0, 0, 0, 6], &[0; 24][..]].concat() =>
        "expected unsigned bytes (type 0x08), found type 0x0c";
    no_label: TEST_LABELS, labels(&[]) => "expected 1 or more labels, found 0";
    four_gib_of_labels: TRAIN_LABELS, idx(&[u32::MAX], &[]) =>
        "expected at most 2147483648 bytes, found a header that promises 4294967303";
    labels_that_are_fewer_than_promised: TRAIN_LABELS, idx(&[300], &[1; 6]) =>
        "expected 308 bytes by its header, found 14 (truncated)";
    labels_short_by_one: TRAIN_LABELS, labels(&[0, 1, 2, 0, 1, 2])[..13] =>
        "expected 14 bytes by its header, found 13 (truncated)";

    a_label_too_few: TRAIN_LABELS, labels(&[0, 1, 2, 0, 1]) => "expected 6 labels, one an image, found 5";
    a_label_too_many: TRAIN_LABELS, labels(&[0, 1, 2, 0, 1, 2, 0]) => "expected 6 labels, one an image, found 7";
    the_training_labels_twice: TEST_LABELS, labels(&[0, 1, 2, 0, 1, 2]) =>
        "expected 4 labels, one an image, found 6";
    test_images_of_another_size: TEST_IMAGES, images(4, 5, 5) =>
        "expected images of 4 x 5 like the training images, found 5 x 5";
    test_images_on_their_side: TEST_IMAGES, images(4, 5, 4) =>
        "expected images of 4 x 5 like the training images, found 5 x 4";
}

/// Only a raw file's surplus is counted: inflating stops at the first byte too many.
#[test]
fn trailing_bytes() {
    let valid = small();
    for (which, len) in [(TRAIN_IMAGES, 136), (TRAIN_LABELS, 14), (TEST_IMAGES, 96), (TEST_LABELS, 12)] {
        for surplus in [1, 1000] {
            let file = [&valid[which][..], &vec![0; surplus]].concat();
            let expected = format!("expected {len} bytes by its header, found ");
            let raw = format!("{expected}{} (too long)", len + surplus);
            assert_file_refused("raw", which, &file, "", &raw);
            let gzipped = format!("{expected}more in the gzip stream");
            assert_file_refused("gzipped", which, &gzip(&file), ".gz", &gzipped);
        }
    }
}

#[test]
fn one_class() {
    let dir = folder(&[images(2, 1, 1), labels(&[0, 0]), images(1, 1, 1), labels(&[0])]);
    let dir = dir.path();
    let problem = "expected at least 2 classes, found label 0 alone";
    assert_refused("one class", dir, &dir.join(NAMES[TRAIN_LABELS]), problem, REPLACE);
}

const ENDS_EARLY: &str = "the gzip stream ends early (truncated)";
const NO_MATCH: &str = "the gzip stream is damaged (corrupt gzip stream does not have a matching checksum)";

/// One test for each bad gzip file, made from that of the training images by a function.
macro_rules! bad_gzip {
    ($($name:ident: $change:expr => $problem:expr;)*) => {$(
        #[test]
        fn $name() {
            let change: fn(Vec<u8>) -> Vec<u8> = $change;
            assert_file_refused("", TRAIN_IMAGES, &change(gzip(&images(6, 4, 5))), ".gz", $problem);
        }
    )*};
}

bad_gzip! {
    gzip_of_a_magic_number: |gz| gz[..2].to_vec() => ENDS_EARLY;
    gzip_cut_in_its_header: |gz| gz[..9].to_vec() => ENDS_EARLY;
    gzip_cut_after_its_header: |gz| gz[..10].to_vec() => ENDS_EARLY;
    gzip_cut_in_the_middle: |gz| gz[..gz.len() / 2].to_vec() => ENDS_EARLY;
    gzip_cut_before_its_checksum: |gz| gz[..gz.len() - 8].to_vec() => ENDS_EARLY;
    gzip_cut_before_its_length: |gz| gz[..gz.len() - 4].to_vec() => ENDS_EARLY;
    gzip_cut_by_a_byte: |gz| gz[..gz.len() - 1].to_vec() => ENDS_EARLY;
    gzip_with_a_wrong_checksum: |gz| flip(gz, 8) => NO_MATCH;
    gzip_with_a_wrong_length: |gz| flip(gz, 4) => NO_MATCH;
    gzip_of_another_method: |mut gz| { gz[2] = 7; gz } => "the gzip stream is damaged (invalid gzip header)";
    gzip_with_a_reserved_flag: |mut gz| { gz[3] = 0xe0; gz } => "the gzip stream is damaged (invalid gzip header)";
    gzip_of_a_block_that_is_none: |mut gz| { gz[10] = 7; gz } =>
        "the gzip stream is damaged (corrupt deflate stream)";
    gzip_and_a_stray_byte: |gz| [&gz[..], &[0]].concat() => "expected the file to end with its gzip stream, found 1 B more";
    gzip_and_stray_zeros: |gz| [&gz[..], &[0; 100]].concat() => "expected the file to end with its gzip stream, found 100 B more";
    gzip_and_half_a_magic_number: |gz| [&gz[..], &[0x1f]].concat() => "expected the file to end with its gzip stream, found 1 B more";
    gzip_and_the_start_of_another: |gz| [&gz[..], &gz[..9]].concat() => ENDS_EARLY;
    gzip_twice_the_same: |gz| [&gz[..], &gz].concat() =>
        "expected 136 bytes by its header, found more in the gzip stream";
    gzip_and_an_empty_one_with_a_wrong_checksum: |gz| [gz, flip(gzip(&[]), 8)].concat() => NO_MATCH;
    gzip_in_gzip: |gz| gzip(&gz) => "expected an IDX file (00 00 08 03), found 1f 8b 08 00";
    gzip_of_nothing: |_| gzip(&[]) => "expected an IDX header of 16 bytes, found 0";
    gzip_bomb: |_| gzip(&[images(6, 4, 5), vec![0; 64 << 20]].concat()) =>
        "expected 136 bytes by its header, found more in the gzip stream";
}

/// Flips the lowest bit of the byte that stands `back` bytes before the end.
fn flip(mut bytes: Vec<u8>, back: usize) -> Vec<u8> {
    let at = bytes.len() - back;
    bytes[at] ^= 1;
    bytes
}

#[test]
fn gzip_cut_anywhere() {
    let gz = gzip(&images(6, 4, 5));
    for len in 2..gz.len() {
        assert_file_refused(&format!("cut to {len}"), TRAIN_IMAGES, &gz[..len], ".gz", ENDS_EARLY);
    }
}

#[test]
fn each_file_missing() {
    for name in NAMES {
        let dir = folder(&small());
        fs::remove_file(dir.path().join(name)).unwrap();
        let problem = "expected this file, raw or with .gz, found neither";
        assert_refused(name, dir.path(), &dir.path().join(name), problem, NAME_A_FOLDER);
    }
}

#[test]
fn a_folder_in_place_of_a_file() {
    let dir = folder(&small());
    let path = dir.path().join(NAMES[TEST_LABELS]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let problem = "expected a file, found the folder t10k-labels-idx1-ubyte";
    assert_refused("folder", dir.path(), &path, problem, NAME_A_FOLDER);
}

/// Neither is opened: to open a named pipe would wait for ever.
#[cfg(unix)]
#[test]
fn a_socket_in_place_of_a_file() {
    let dir = folder(&small());
    let path = dir.path().join(NAMES[TRAIN_LABELS]);
    fs::remove_file(&path).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let problem = "expected a file, found something else at train-labels-idx1-ubyte";
    assert_refused("socket", dir.path(), &path, problem, NAME_A_FOLDER);
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_to_itself() {
    let dir = folder(&small());
    let path = dir.path().join(NAMES[TRAIN_IMAGES]);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let problem =
        "expected a readable folder, found an error (Too many levels of symbolic links (os error 40))";
    assert_refused("link", dir.path(), &path, problem, NAME_A_FOLDER);
}

/// By its length alone: nearly all of it is a hole.
#[test]
fn a_gzip_file_of_more_than_two_gib() {
    let dir = folder(&small());
    let path = dir.path().join(NAMES[TRAIN_IMAGES]);
    fs::write(&path, gzip(&small()[TRAIN_IMAGES])).unwrap();
    let (most, more) = (2_u64 << 30, (2_u64 << 30) + 1);
    fs::File::options().write(true).open(&path).unwrap().set_len(more).unwrap();
    let problem = format!("expected at most {most} bytes of gzip, found {more}");
    assert_refused("huge", dir.path(), &path, &problem, REPLACE);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder(&small());
    let path = dir.path().join(NAMES[TRAIN_IMAGES]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        return; // Root reads everything.
    }
    let problem = "expected a readable file, found an error (Permission denied (os error 13))";
    let cure = "make it readable, or name another folder with --data";
    assert_refused("unreadable", dir.path(), &path, problem, cure);
}

/// It can be opened by whoever it belongs to, but nothing is where its beginning would be.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_while_it_is_read() {
    let dir = folder(&small());
    let path = dir.path().join(NAMES[TRAIN_IMAGES]);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
    let problem = "expected a readable file, found an error (Input/output error (os error 5))";
    let cure = "make it readable, or name another folder with --data";
    assert_refused("memory", dir.path(), &path, problem, cure);
}

#[test]
fn no_folder() {
    let dir = folder(&small());
    let none = dir.path().join("none");
    assert_refused("none", &none, &none, "expected a folder, found nothing", NAME_A_FOLDER);
    let file = dir.path().join(NAMES[0]);
    assert_refused("a file", &file, &file, "expected a folder, found a file", NAME_A_FOLDER);
    let below = file.join("below");
    assert_refused(
        "below a file",
        &below,
        &below,
        "expected a folder, found a file on the way",
        NAME_A_FOLDER,
    );
}
