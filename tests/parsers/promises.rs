//! What a small file promises costs nothing before it is kept.

use crate::memory::peak;
use dlr::data::gzip::inflate;
use dlr::data::idx::Kind;
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

/// A gzip file of an IDX header for so many images of 64 x 64 pixels, and one pixel.
fn gzip(images: u32) -> Vec<u8> {
    let header = [0x803, images, 64, 64].map(u32::to_be_bytes).concat();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&[&header[..], &[9]].concat()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn two_gib_promised_and_none_there() {
    let (read, most) = peak(|| inflate(&gzip(524_287), Kind::Images));
    let told = "expected 2147479568 bytes by its header, found 17 (truncated)";
    assert_eq!(read.unwrap_err().problem, told);
    assert!(most < 1 << 20, "{most} bytes");
}

/// As dense as deflate can be.
#[test]
fn the_densest_file_is_read() {
    let dark =
        [&[0x803_u32, 4096, 64, 64].map(u32::to_be_bytes).concat()[..], &vec![0; 4096 * 4096]].concat();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&dark).unwrap();
    let gz = encoder.finish().unwrap();
    assert!(gz.len() * 900 < dark.len(), "{} bytes", gz.len());
    assert!(inflate(&gz, Kind::Images).unwrap() == dark);
}
