//! IDX, the format of the MNIST files: a big-endian header, then unsigned bytes in row-major order.
//!
//! | bytes | images | labels |
//! | --- | --- | --- |
//! | 0..2 | 0, 0 | 0, 0 |
//! | 2 | type: 0x08, unsigned bytes | the same |
//! | 3 | number of dimensions: 3 | 1 |
//! | 4.. | images, rows, columns: a `u32` each | labels: one `u32` |
//! | then | images * rows * columns grey levels | one byte a label |
//!
//! The parser takes bytes and opens no file. Its errors are sentences without a path, which the caller adds.
//!
//! Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section
//! "File formats for the MNIST database".

use std::cmp::Ordering;

/// Most pixels that an image may have.
pub const MAX_INPUTS: usize = 4096;

/// Longest file that is accepted, in bytes after inflating: 2 GiB.
pub const MAX_FILE: u64 = 2 << 30;

/// Length of the longer of the two headers, in bytes.
pub const MAX_HEADER: usize = 16;

const UNSIGNED_BYTES: u8 = 0x08;

/// What a file is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Images: three dimensions.
    Images,
    /// Labels: one dimension.
    Labels,
}

impl Kind {
    /// Number of dimensions.
    pub const fn dimensions(self) -> usize {
        match self {
            Self::Images => 3,
            Self::Labels => 1,
        }
    }

    /// Length of the header in bytes.
    pub const fn header_len(self) -> usize {
        4 + 4 * self.dimensions()
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Labels => "labels",
        }
    }
}

/// What a file's header says, within the limits of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of images or labels, at least 1.
    pub items: usize,
    /// Rows and columns of one image; (1, 1) for labels.
    pub shape: (usize, usize),
    /// Length that the whole file must have, header included, in bytes.
    pub file_len: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`, which may stop short of the rest of the file.
    ///
    /// # Errors
    ///
    /// What was expected and what was found: no IDX file, another type or number of dimensions, no items, no
    /// pixels or more than [`MAX_INPUTS`], more than [`MAX_FILE`] bytes.
    pub fn parse(kind: Kind, bytes: &[u8]) -> Result<Self, String> {
        let short =
            || format!("expected an IDX header of {} bytes, found {}", kind.header_len(), bytes.len());
        let &[zero, zero2, element, rank] = bytes.first_chunk::<4>().ok_or_else(short)?;
        if (zero, zero2) != (0, 0) {
            let found = format!("{zero:02x} {zero2:02x} {element:02x} {rank:02x}");
            return Err(format!("expected an IDX file (00 00 08 {:02x}), found {found}", kind.dimensions()));
        }
        if element != UNSIGNED_BYTES {
            return Err(format!("expected unsigned bytes (type 0x08), found type 0x{element:02x}"));
        }
        if usize::from(rank) != kind.dimensions() {
            let (expected, what) = (kind.dimensions(), kind.plural());
            return Err(format!("expected rank {expected} ({what}), found rank {rank}"));
        }

        let sizes = bytes.get(4..kind.header_len()).ok_or_else(short)?;
        let mut sizes = sizes.as_chunks::<4>().0.iter().map(|&size| u64::from(u32::from_be_bytes(size)));
        let items = sizes.next().unwrap_or(1);
        let (rows, cols) = (sizes.next().unwrap_or(1), sizes.next().unwrap_or(1));
        if items == 0 {
            return Err(format!("expected 1 or more {}, found 0", kind.plural()));
        }
        // Two factors below 2^32 cannot wrap; the third is multiplied only once the first two are below 2^13.
        let inputs = rows * cols;
        if inputs == 0 || inputs > MAX_INPUTS as u64 {
            return Err(format!("expected 1 to {MAX_INPUTS} pixels an image, found {rows} x {cols}"));
        }
        let file_len = kind.header_len() as u64 + items * inputs;
        if file_len > MAX_FILE {
            return Err(format!(
                "expected at most {MAX_FILE} bytes, found a header that promises {file_len}"
            ));
        }
        // At most 2^31, so each of these fits a `usize` of 32 bits.
        Ok(Self { items: items as usize, shape: (rows as usize, cols as usize), file_len: file_len as usize })
    }

    /// Compares the file's true length in bytes with the one that the header promises.
    ///
    /// # Errors
    ///
    /// Both lengths, and whether the file is truncated or too long.
    pub fn check_len(&self, found: u64) -> Result<(), String> {
        let expected = self.file_len as u64;
        let fault = match found.cmp(&expected) {
            Ordering::Equal => return Ok(()),
            Ordering::Less => "truncated",
            Ordering::Greater => "too long",
        };
        Err(format!("expected {expected} bytes by its header, found {found} ({fault})"))
    }
}

/// A whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idx<'a> {
    /// Its header.
    pub header: Header,
    /// Its grey levels, `[items][rows][columns]`, or its labels, `[items]`.
    pub body: &'a [u8],
}

impl<'a> Idx<'a> {
    /// Views `file`, a whole IDX file, without copying.
    ///
    /// # Errors
    ///
    /// Those of [`Header::parse`] and [`Header::check_len`].
    pub fn parse(kind: Kind, file: &'a [u8]) -> Result<Self, String> {
        let header = Header::parse(kind, file)?;
        header.check_len(file.len() as u64)?;
        Ok(Self { header, body: &file[kind.header_len()..] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(dims: &[u32], body: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, UNSIGNED_BYTES, dims.len() as u8];
        file.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
        file.extend(body);
        file
    }

    /// Parses as slowly and plainly as possible; `None` where the file must be refused.
    fn naive(kind: Kind, file: &[u8]) -> Option<(usize, Vec<u8>)> {
        let rank = if kind == Kind::Images { 3 } else { 1 };
        if file.len() < 4 + 4 * rank || file[..4] != [0, 0, 8, rank as u8] {
            return None;
        }
        let dim = |d: usize| (0..4).fold(0u128, |size, b| size * 256 + u128::from(file[4 + 4 * d + b]));
        let inputs = (1..rank).map(dim).product::<u128>();
        let body = dim(0) * inputs;
        let fits =
            dim(0) > 0 && (1..=4096).contains(&inputs) && file.len() as u128 == body + 4 + 4 * rank as u128;
        fits.then(|| (dim(0) as usize, file[4 + 4 * rank..].to_vec()))
    }

    #[test]
    fn every_byte_changed_is_refused_or_read_as_the_naive_reader_reads_it() {
        let images = (Kind::Images, file(&[2, 2, 3], &[1; 12]));
        for (kind, valid) in [images, (Kind::Labels, file(&[5], &[0, 1, 2, 3, 4]))] {
            assert!(Idx::parse(kind, &valid).is_ok());
            for at in 0..valid.len() {
                for change in 0..=255 {
                    let mut bytes = valid.clone();
                    bytes[at] ^= change;
                    let parsed =
                        Idx::parse(kind, &bytes).ok().map(|idx| (idx.header.items, idx.body.to_vec()));
                    assert_eq!(parsed, naive(kind, &bytes), "{kind:?}: byte {at} ^ {change:#x}");
                }
            }
        }
    }

    #[test]
    fn the_limits_themselves_are_accepted() {
        let accepts = |dims: &[u32]| Header::parse(Kind::Images, &file(dims, &[]));
        assert_eq!(accepts(&[1, 1, 4096]).unwrap().shape, (1, 4096));
        assert_eq!(accepts(&[524_287, 64, 64]).unwrap().items, 524_287);
        assert_eq!(accepts(&[(1 << 27) - 1, 4, 4]).unwrap().file_len, 1 << 31);
        assert!(accepts(&[524_288, 64, 64]).unwrap_err().contains("a header that promises 2147483664"));
        assert!(accepts(&[u32::MAX, u32::MAX, u32::MAX]).unwrap_err().contains("1 to 4096 pixels"));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read((items, rows, cols) in (1u32..5, 1u32..9, 1u32..9), seed: u8) {
            let body: Vec<u8> = (0..items * rows * cols).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
            let bytes = file(&[items, rows, cols], &body);
            let idx = Idx::parse(Kind::Images, &bytes).unwrap();
            prop_assert_eq!(idx.header.items, items as usize);
            prop_assert_eq!(idx.header.shape, (rows as usize, cols as usize));
            prop_assert_eq!(idx.body, &body[..]);
        }

        #[test]
        fn any_bytes_are_read_as_the_naive_reader_reads_them(bytes: Vec<u8>, magic: bool, images: bool) {
            let kind = if images { Kind::Images } else { Kind::Labels };
            let mut file = if magic { vec![0, 0, 8, kind.dimensions() as u8] } else { vec![] };
            file.extend(bytes);
            let parsed = Idx::parse(kind, &file).ok().map(|idx| (idx.header.items, idx.body.to_vec()));
            prop_assert_eq!(parsed, naive(kind, &file));
        }
    }
}
