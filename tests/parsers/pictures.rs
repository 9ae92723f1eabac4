//! Files that are no pictures.

use crate::naive::crc32;
use crate::refused::assert_refused;
use crate::samples;
use dlr::data::picture::Picture;
use std::path::Path;

fn read(bytes: &[u8]) -> Result<(), String> {
    Picture::decode(bytes).map(drop).map_err(|refused| refused.at(Path::new("p.png")).to_string())
}

/// A file of these chunks.
fn chunks(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let chunk = |(name, body): &(&[u8; 4], &[u8])| {
        let named = [&name[..], body].concat();
        [&(body.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
    };
    [&b"\x89PNG\r\n\x1a\n"[..], &chunks.iter().flat_map(chunk).collect::<Vec<_>>()].concat()
}

/// The body of a header.
fn header(columns: u32, rows: u32, rest: [u8; 5]) -> Vec<u8> {
    [&columns.to_be_bytes()[..], &rows.to_be_bytes(), &rest].concat()
}

#[test]
fn bad_pictures_are_refused() {
    let good = samples::png();
    assert_eq!(read(&good), Ok(()));
    let pixels = &good[41..good.len() - 16];
    assert_eq!(&good[37..41], b"IDAT");
    let of = |columns, rows, rest: [u8; 5]| {
        chunks(&[(b"IHDR", &header(columns, rows, rest)), (b"IDAT", pixels), (b"IEND", &[])])
    };
    let grey = [8, 0, 0, 0, 0];
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    assert_eq!(of(8, 5, grey), good);

    let (cut, damaged) =
        ("a PNG image that is cut off; give a whole copy", "a damaged PNG image; give a good copy");
    let scale = "scale it down, or cut out what is to be classified";
    let large =
        |columns: u32, rows: u32| format!("{columns} x {rows} pixels are more than 4096 x 4096; {scale}");
    let mut cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "expected a PNG image, found an empty file; give a PNG image"),
        ("text", b"P2 this is no PNG".to_vec(), "not a PNG image; convert it to PNG"),
        ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(), "not a PNG image; convert it to PNG"),
        (
            "line ends as in text",
            [b"\x89PNG\n\x1a\n", &good[8..]].concat(),
            "not a PNG image; convert it to PNG",
        ),
        ("half a signature", good[..4].to_vec(), cut),
        ("a signature alone", good[..8].to_vec(), cut),
        ("cut in the header", good[..30].to_vec(), cut),
        ("a header alone", good[..33].to_vec(), cut),
        ("cut in the pixels", good[..50].to_vec(), cut),
        ("another header than its checksum", flipped(17), damaged),
        ("other pixels than their checksum", flipped(45), damaged),
        ("no header", chunks(&[(b"IDAT", pixels), (b"IEND", &[])]), damaged),
        (
            "two headers",
            chunks(&[(b"IHDR", &header(8, 5, grey)), (b"IHDR", &header(8, 5, grey)), (b"IDAT", pixels)]),
            damaged,
        ),
        (
            "a header too short",
            chunks(&[(b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 5, 8]), (b"IDAT", pixels)]),
            damaged,
        ),
        ("no pixels", chunks(&[(b"IHDR", &header(8, 5, grey)), (b"IEND", &[])]), damaged),
        (
            "pixels that are not deflated",
            chunks(&[(b"IHDR", &header(8, 5, grey)), (b"IDAT", &[7; 40]), (b"IEND", &[])]),
            damaged,
        ),
        ("too few pixels", of(8, 6, grey), damaged),
        ("no columns", of(0, 5, grey), damaged),
        ("no rows", of(8, 0, grey), damaged),
        ("three bits", of(8, 5, [3, 0, 0, 0, 0]), damaged),
        ("a colour that is none", of(8, 5, [8, 1, 0, 0, 0]), damaged),
        ("a palette that is not there", of(8, 5, [8, 3, 0, 0, 0]), damaged),
        ("another compression", of(8, 5, [8, 0, 1, 0, 0]), damaged),
        ("another filter", of(8, 5, [8, 0, 0, 1, 0]), damaged),
        ("another interlacing", of(8, 5, [8, 0, 0, 0, 2]), damaged),
        ("as large as may be, without pixels", of(4096, 4096, grey)[..33].to_vec(), cut),
    ];
    let sizes = [(4097, 1), (1, 4097), (100_000, 100_000), (u32::MAX >> 1, u32::MAX >> 1)];
    let said = sizes.map(|(columns, rows)| large(columns, rows));
    for ((columns, rows), said) in sizes.into_iter().zip(&said) {
        cases.push(("too large", of(columns, rows, grey), said));
    }
    assert_refused(
        read,
        cases.into_iter().map(|(case, bytes, said)| (case, bytes, format!("p.png: {said}"))),
    );
}
