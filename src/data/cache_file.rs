//! The format of a cache file: prepared data as they lie in memory, to be mapped and used in place.
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | `dlrcache` |
//! | 8..12 | 0x01020304 in the byte order of the machine, which all numbers here and in the blocks have |
//! | 12..16 | version of the format |
//! | 16..20 | length of the JSON header |
//! | 20..24 | CRC-32 of bytes 0..20 and the JSON header |
//! | 24.. | JSON header, padded with spaces so that what follows starts at a multiple of 64 |
//! | then | the training images' block, then the test images' (see [`lit`](super::lit)) |
//!
//! The header holds counts, not offsets: where each array lies follows from them, so it cannot disagree.

use super::backing::Backing;
use super::identity::Hashes;
use super::idx::MAX_INPUTS;
use super::lit::{ALIGN, Layout, Split};
use super::prepare::Prepared;
use super::source::Fingerprint;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const MAGIC: [u8; 8] = *b"dlrcache";
const BYTE_ORDER: u32 = 0x0102_0304;
/// To be raised with every change to the format, and to how data are prepared.
const VERSION: u32 = 5;
/// Bytes before the JSON header.
const PREFIX: usize = 24;

/// Why a cache file is not used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// It is whole, but of another version, another machine, or other source files.
    Stale,
    /// It is not what was written.
    Damaged(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    shape: (usize, usize),
    transposed: bool,
    classes: usize,
    /// Images, lit pixels and lit groups.
    train: [u64; 3],
    test: [u64; 3],
    hashes: Hashes,
    sources: Fingerprint,
    /// CRC-32 of the two blocks.
    payload_crc: u32,
    /// Length of the two blocks in bytes.
    payload_len: u64,
}

/// The bytes that stand before the two blocks.
pub(super) fn encode_header(prepared: &Prepared, sources: &Fingerprint) -> serde_json::Result<Vec<u8>> {
    let mut crc = crc32fast::Hasher::new();
    crc.update(prepared.train.block());
    crc.update(prepared.test.block());
    let header = Header {
        shape: prepared.shape,
        transposed: prepared.transposed,
        classes: prepared.classes,
        train: prepared.train.layout().counts,
        test: prepared.test.layout().counts,
        hashes: prepared.hashes.clone(),
        sources: sources.clone(),
        payload_crc: crc.finalize(),
        payload_len: (prepared.train.block().len() + prepared.test.block().len()) as u64,
    };
    let mut json = serde_json::to_vec(&header)?;
    json.resize((PREFIX + json.len()).next_multiple_of(ALIGN) - PREFIX, b' ');

    let mut bytes = Vec::with_capacity(PREFIX + json.len());
    bytes.extend(MAGIC);
    bytes.extend([BYTE_ORDER, VERSION, json.len() as u32].map(u32::to_ne_bytes).concat());
    bytes.extend(header_crc(&bytes, &json).to_ne_bytes());
    bytes.extend(json);
    Ok(bytes)
}

/// Checks `file`, the whole of a cache file, and views it as what was prepared from `sources`.
pub(super) fn decode(file: Backing, sources: &Fingerprint) -> Result<Prepared, Miss> {
    let bytes = file.bytes();
    let (prefix, rest) = bytes.split_at_checked(PREFIX).ok_or(Miss::Damaged("it is too short"))?;
    let number = |at: usize| u32::from_ne_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]);
    if prefix[..8] != MAGIC {
        return Err(Miss::Damaged("it is no cache file"));
    }
    if (number(8), number(12)) != (BYTE_ORDER, VERSION) {
        return Err(Miss::Stale);
    }
    let (json, payload) =
        rest.split_at_checked(number(16) as usize).ok_or(Miss::Damaged("its header is too short"))?;
    if header_crc(&prefix[..20], json) != number(20) {
        return Err(Miss::Damaged("its header's checksum is wrong"));
    }
    let header: Header =
        serde_json::from_slice(json).map_err(|_| Miss::Damaged("its header is no header"))?;
    if header.sources != *sources {
        return Err(Miss::Stale);
    }

    let (rows, cols) = header.shape;
    let inputs = rows.checked_mul(cols).filter(|inputs| (1..=MAX_INPUTS).contains(inputs));
    inputs.ok_or(Miss::Damaged("its images have no valid shape"))?;
    if !(2..=256).contains(&header.classes) {
        return Err(Miss::Damaged("its number of classes is not valid"));
    }
    let layout = |counts: [u64; 3]| match counts {
        [0, ..] => Err(Miss::Damaged("it has no images")),
        _ => Layout::new(counts).ok_or(Miss::Damaged("its counts are too great")),
    };
    let (train, test) = (layout(header.train)?, layout(header.test)?);
    let len = train.size.checked_add(test.size).ok_or(Miss::Damaged("its counts are too great"))?;
    if payload.len() != len || payload.len() as u64 != header.payload_len {
        return Err(Miss::Damaged("its length is wrong"));
    }
    if crc32fast::hash(payload) != header.payload_crc {
        return Err(Miss::Damaged("its checksum is wrong"));
    }

    // The checksums speak for the writer's bytes, the checks in here for the writer.
    let at = PREFIX + json.len();
    let file = Arc::new(file);
    let split = |at, layout| {
        Split::from_cache(Arc::clone(&file), at, layout, header.shape, header.classes).map_err(Miss::Damaged)
    };
    let test_at = at + train.size;
    Ok(Prepared {
        train: split(at, train)?,
        test: split(test_at, test)?,
        classes: header.classes,
        shape: header.shape,
        hashes: header.hashes,
        transposed: header.transposed,
    })
}

fn header_crc(prefix: &[u8], json: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(prefix);
    crc.update(json);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::super::backing::zeroed;
    use super::*;

    fn sources() -> Fingerprint {
        let file = r#"{"name":"f","len":1,"modified":2,"changed":3}"#;
        serde_json::from_str(&format!(r#"{{"folder":"d","files":[{file},{file},{file},{file}]}}"#)).unwrap()
    }

    fn prepared() -> Prepared {
        Prepared {
            train: Split::from_images((2, 2), &[0, 1, 2, 0, 3, 0, 0, 4], &[0, 1]).unwrap(),
            test: Split::from_images((2, 2), &[0, 0, 9, 0], &[1]).unwrap(),
            classes: 2,
            shape: (2, 2),
            hashes: Hashes {
                plain: [(); 4].map(|()| "0".repeat(64)),
                gzip: [None, Some("1".repeat(64)), None, None],
            },
            transposed: true,
        }
    }

    /// Decodes what was prepared after one change in its header's text, with checksums and lengths made right again.
    fn decode_with(from: &str, to: &str) -> Result<Prepared, Miss> {
        let prepared = prepared();
        let header = encode_header(&prepared, &sources()).unwrap();
        let text = std::str::from_utf8(&header[PREFIX..]).unwrap().trim_end();
        assert!(text.contains(from), "{from} is not in {text}");
        let mut json = text.replacen(from, to, 1).into_bytes();
        json.resize((PREFIX + json.len()).next_multiple_of(ALIGN) - PREFIX, b' ');

        let mut bytes = header[..16].to_vec();
        bytes.extend((json.len() as u32).to_ne_bytes());
        bytes.extend(header_crc(&bytes, &json).to_ne_bytes());
        let bytes = [&bytes[..], &json, prepared.train.block(), prepared.test.block()].concat();
        let mut memory = zeroed(bytes.len()).unwrap();
        bytemuck::cast_slice_mut(&mut memory).copy_from_slice(&bytes);
        decode(Backing::Owned(memory), &sources())
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let header = encode_header(&prepared(), &sources()).unwrap();
        let padding = header.iter().rev().take_while(|&&byte| byte == b' ').count();
        assert!(header.len().is_multiple_of(ALIGN) && padding < ALIGN, "{padding} spaces");
        let (written, read) = (prepared(), decode_with("", "").unwrap());
        assert_eq!((read.train, read.test), (written.train, written.test));
        assert_eq!((read.shape, read.classes, read.transposed), ((2, 2), 2, true));
        assert_eq!(read.hashes, written.hashes);
    }

    #[test]
    fn a_header_that_lies_is_refused_whatever_its_checksum() {
        let most = u64::MAX.to_string();
        let cases = [
            (r#""shape":[2,2]"#, r#""shape":[0,2]"#.to_owned(), "its images have no valid shape"),
            (r#""shape":[2,2]"#, r#""shape":[4097,1]"#.to_owned(), "its images have no valid shape"),
            (r#""shape":[2,2]"#, format!(r#""shape":[{most},{most}]"#), "its images have no valid shape"),
            (r#""shape":[2,2]"#, r#""shape":[2,1]"#.to_owned(), "a pixel outside its image"),
            (r#""classes":2"#, r#""classes":1"#.to_owned(), "its number of classes is not valid"),
            (r#""classes":2"#, r#""classes":257"#.to_owned(), "its number of classes is not valid"),
            (r#""train":[2,4,2]"#, r#""train":[2,5,2]"#.to_owned(), "image starts that are not in order"),
            (r#""train":[2,4,2]"#, r#""train":[3,4,2]"#.to_owned(), "image starts that are not in order"),
            (r#""train":[2,4,2]"#, r#""train":[2,4,3]"#.to_owned(), "image starts that are not in order"),
            (r#""train":[2,4,2]"#, format!(r#""train":[2,4,{most}]"#), "its counts are too great"),
            (r#""train":[2,4,2]"#, r#""train":[2,400,2]"#.to_owned(), "its length is wrong"),
            (r#""train":[2,4,2]"#, r#""train":[0,0,0]"#.to_owned(), "it has no images"),
            (r#""test":[1,1,1]"#, r#""test":[0,0,0]"#.to_owned(), "it has no images"),
            (r#""train":[2,4,2]"#, format!(r#""train":[{most},4,2]"#), "its counts are too great"),
            (r#""test":[1,1,1]"#, format!(r#""test":[1,{most},1]"#), "its counts are too great"),
            (r#""test":[1,1,1]"#, format!(r#""test":[1,{},1]"#, u64::MAX / 4), "its length is wrong"),
            (r#""payload_len":"#, r#""payload_len":1"#.to_owned(), "its length is wrong"),
            (r#""payload_crc":"#, r#""payload_crc":1"#.to_owned(), "its checksum is wrong"),
            (r#""shape":"#, r#""form":"#.to_owned(), "its header is no header"),
            (r#""transposed":true"#, r#""transposed":1"#.to_owned(), "its header is no header"),
            (r#"{"shape""#, r#"{"more":0,"shape""#.to_owned(), "its header is no header"),
        ];
        for (from, to, why) in cases {
            match decode_with(from, &to) {
                Err(Miss::Damaged(found)) if found == why => (),
                // A digit put in front may also leave what a u32 can hold.
                Err(Miss::Damaged("its header is no header")) if from.contains("crc") => (),
                other => panic!("{to}: expected {why}, found {other:?}"),
            }
        }
    }

    #[test]
    fn other_source_files_make_it_stale() {
        for (from, to) in [
            (r#""folder":"d""#, r#""folder":"e""#),
            (r#""name":"f""#, r#""name":"g""#),
            (r#""len":1"#, r#""len":2"#),
            (r#""modified":2"#, r#""modified":3"#),
            (r#""changed":3"#, r#""changed":4"#),
        ] {
            assert_eq!(decode_with(from, to).map(drop), Err(Miss::Stale), "{to}");
        }
    }
}
