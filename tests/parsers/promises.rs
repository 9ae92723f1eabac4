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

/// Some bytes too many, and then what is no deflate stream: whoever goes on finds it damaged. Up to its window of 32 KiB a
/// decoder goes on for itself, so that much is asked for.
#[test]
fn nothing_is_inflated_beyond_the_first_byte_that_is_too_much() {
    const WINDOW: u16 = 1 << 15;
    let header = [0x801, u32::from(WINDOW) - 9].map(u32::to_be_bytes).concat();
    let stored = WINDOW + 4;
    let block =
        [&[0][..], &stored.to_le_bytes(), &(!stored).to_le_bytes(), &header, &vec![1; stored as usize - 8]];
    let gz = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &block.concat(), &[0xff; 99]].concat();
    let told = "expected 32767 bytes by its header, found more in the gzip stream";
    assert_eq!(inflate(&gz, Kind::Labels).unwrap_err().problem, told);
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
