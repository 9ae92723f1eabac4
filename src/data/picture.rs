//! Pictures that users bring: a PNG file to grey levels.
//!
//! Every kind of PNG is read: grey, colour and palette, 1 to 16 bits, interlaced or not, with or without transparency. Of
//! 16 bits the upper 8 count; of an animation, its still image. Colours become grey by their luma (ITU-R BT.601),
//! `0.299 R + 0.587 G + 0.114 B`; profiles and gamma are not looked at.
//!
//! Like the other parsers here, this one takes bytes and opens no file, and its errors have no path.

use crate::{Error, memory};
use png::{ColorType, Decoder, DecodingError, Transformations};
use std::io::Cursor;
use std::path::Path;

/// The most rows, and columns, of a picture: what a camera makes is below it, and its memory is bounded by it.
pub const MAX_SIDE: u32 = 4096;

/// The most bytes of a file: four channels of 16 bits for every pixel, uncompressed, and as much again for all else.
pub const MAX_BYTES: u64 = 2 * 8 * (MAX_SIDE as u64) * (MAX_SIDE as u64);

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Rows of pixels.
    pub rows: usize,
    /// Columns of pixels.
    pub columns: usize,
    /// Grey levels, `[rows][columns]`: 0 is black, 255 is white.
    pub grey: Vec<u8>,
    /// How opaque every pixel is, `[rows][columns]`: 255 is wholly; empty if all are.
    pub opacity: Vec<u8>,
}

/// Why a picture can't be taken, without its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What was expected and what was found.
    pub problem: String,
    /// What the user can do.
    pub cure: &'static str,
}

impl Rejection {
    pub(super) fn new(problem: impl Into<String>, cure: &'static str) -> Self {
        Self { problem: problem.into(), cure }
    }

    /// The error about the picture in the file `path`.
    pub fn at(self, path: &Path) -> Error {
        Error::data(path, self.problem, self.cure)
    }
}

impl Picture {
    /// Decodes a PNG file.
    ///
    /// # Errors
    /// It is no PNG, or a damaged one, or has more than [`MAX_SIDE`] rows or columns, or there is no memory left for it.
    pub fn decode(file: &[u8]) -> Result<Self, Rejection> {
        if file.is_empty() {
            return Err(Rejection::new("expected a PNG image, found an empty file", "give a PNG image"));
        }
        if !file.starts_with(&SIGNATURE[..SIGNATURE.len().min(file.len())]) {
            return Err(Rejection::new("not a PNG image", "convert it to PNG"));
        }
        let mut decoder = Decoder::new(Cursor::new(file));
        decoder.set_transformations(Transformations::normalize_to_color8());
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        // Before anything is reserved for its pixels.
        let (columns, rows) = decoder.read_header_info().map_err(|error| rejection(&error))?.size();
        if rows.max(columns) > MAX_SIDE {
            let problem = format!("{columns} x {rows} pixels are more than {MAX_SIDE} x {MAX_SIDE}");
            return Err(Rejection::new(problem, "scale it down, or cut out what is to be classified"));
        }
        let mut reader = decoder.read_info().map_err(|error| rejection(&error))?;
        let mut pixels = zeros(reader.output_buffer_size().unwrap_or(usize::MAX))?;
        let frame = reader.next_frame(&mut pixels).map_err(|error| rejection(&error))?;
        pixels.truncate(frame.buffer_size());
        let (rows, columns) = (frame.height as usize, frame.width as usize);
        let (grey, opacity) = channels(&pixels, frame.color_type);
        Ok(Self { rows, columns, grey, opacity })
    }

    /// Its grey levels, `[rows][columns]`, where it lies on `paper` of that level.
    pub fn on(&self, paper: u8) -> Vec<u8> {
        if self.opacity.is_empty() {
            return self.grey.clone();
        }
        let paper = u32::from(paper);
        let over = |(&grey, &opacity): (&u8, &u8)| {
            let opacity = u32::from(opacity);
            ((u32::from(grey) * opacity + paper * (255 - opacity) + 127) / 255) as u8
        };
        self.grey.iter().zip(&self.opacity).map(over).collect()
    }
}

/// Grey levels and opacities of pixels of 8 bits a channel; no opacities where there is no such channel.
fn channels(pixels: &[u8], kind: ColorType) -> (Vec<u8>, Vec<u8>) {
    let alpha = |channels: usize| pixels.chunks_exact(channels).map(|pixel| pixel[channels - 1]).collect();
    let colours = |channels: usize| pixels.chunks_exact(channels).map(luma).collect();
    match kind {
        ColorType::Grayscale => (pixels.to_vec(), Vec::new()),
        ColorType::GrayscaleAlpha => (pixels.chunks_exact(2).map(|pixel| pixel[0]).collect(), alpha(2)),
        ColorType::Rgb => (colours(3), Vec::new()),
        ColorType::Rgba => (colours(4), alpha(4)),
        ColorType::Indexed => unreachable!("the decoder was asked to look palettes up"),
    }
}

/// The grey of a pixel whose first channels are red, green and blue; that of a grey pixel is its own.
fn luma(pixel: &[u8]) -> u8 {
    let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
}

fn zeros(len: usize) -> Result<Vec<u8>, Rejection> {
    let mut zeros = Vec::new();
    memory::reserve(&mut zeros, len).map_err(|_| {
        let problem = format!("expected memory for its {len} bytes, found too little");
        Rejection::new(problem, "free some memory, or scale it down")
    })?;
    zeros.resize(len, 0);
    Ok(zeros)
}

fn rejection(error: &DecodingError) -> Rejection {
    match error {
        // Bytes in memory can do nothing else than end.
        DecodingError::IoError(_) => Rejection::new("a PNG image that is cut off", "give a whole copy"),
        _ => Rejection::new("a damaged PNG image", "give a good copy"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use png::{BitDepth, Encoder};

    /// A PNG file of these samples, packed as PNG packs them.
    fn encoded(size: [u32; 2], kind: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
        encoded_with(size, kind, depth, samples, |_| ())
    }

    fn encoded_with(
        [columns, rows]: [u32; 2],
        kind: ColorType,
        depth: BitDepth,
        samples: &[u8],
        more: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, columns, rows);
        encoder.set_color(kind);
        encoder.set_depth(depth);
        more(&mut encoder);
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
        file
    }

    fn decoded(file: &[u8]) -> Picture {
        Picture::decode(file).unwrap()
    }

    #[test]
    fn every_kind_becomes_grey() {
        let opaque = |grey: &[u8]| Picture { rows: 1, columns: 2, grey: grey.to_vec(), opacity: vec![] };
        let of = |kind, depth, samples: &[u8]| decoded(&encoded([2, 1], kind, depth, samples));
        use BitDepth::{Eight, Four, One, Sixteen, Two};
        use ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
        assert_eq!(of(Grayscale, Eight, &[7, 200]), opaque(&[7, 200]));
        assert_eq!(of(Grayscale, One, &[0b0100_0000]), opaque(&[0, 255]));
        assert_eq!(of(Grayscale, Two, &[0b0110_0000]), opaque(&[85, 170]));
        assert_eq!(of(Grayscale, Four, &[0x3c]), opaque(&[51, 204]));
        assert_eq!(of(Grayscale, Sixteen, &[7, 255, 200, 0]), opaque(&[7, 200]));
        // Grey stays as it is; pure colours have their weights.
        assert_eq!(of(Rgb, Eight, &[9, 9, 9, 255, 255, 255]), opaque(&[9, 255]));
        assert_eq!(of(Rgb, Eight, &[255, 0, 0, 0, 255, 0]), opaque(&[76, 150]));
        assert_eq!(of(Rgb, Sixteen, &[0, 0, 0, 0, 255, 255, 8, 8, 8, 8, 8, 8]), opaque(&[29, 8]));

        let partly = Picture { opacity: vec![255, 51], ..opaque(&[10, 20]) };
        assert_eq!(of(GrayscaleAlpha, Eight, &[10, 255, 20, 51]), partly);
        assert_eq!(of(Rgba, Eight, &[10, 10, 10, 255, 20, 20, 20, 51]), partly);
        assert_eq!(of(Rgba, Sixteen, &[10, 0, 10, 0, 10, 0, 255, 0, 20, 0, 20, 0, 20, 0, 51, 0]), partly);

        let palette = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_palette(&[0, 0, 255, 4, 4, 4][..]);
        let indexed = encoded_with([2, 1], ColorType::Indexed, One, &[0b0100_0000], palette);
        assert_eq!(decoded(&indexed), opaque(&[29, 4]));
        let with_transparency = |encoder: &mut Encoder<&mut Vec<u8>>| {
            palette(encoder);
            encoder.set_trns(&[0][..]);
        };
        let indexed = encoded_with([2, 1], ColorType::Indexed, One, &[0b0100_0000], with_transparency);
        assert_eq!(decoded(&indexed), Picture { opacity: vec![0, 255], ..opaque(&[29, 4]) });
        // One grey level may stand for transparency.
        let keyed = |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_trns(&[0, 7][..]);
        let keyed = encoded_with([2, 1], Grayscale, Eight, &[7, 200], keyed);
        assert_eq!(decoded(&keyed), Picture { opacity: vec![0, 255], ..opaque(&[7, 200]) });
    }

    #[test]
    fn what_is_transparent_shows_the_paper() {
        let picture = Picture { rows: 1, columns: 4, grey: vec![100; 4], opacity: vec![255, 0, 51, 254] };
        assert_eq!(picture.on(255), [100, 255, 224, 101]);
        assert_eq!(picture.on(0), [100, 0, 20, 100]);
        let opaque = Picture { opacity: vec![], ..picture };
        assert_eq!(opaque.on(255), opaque.grey);
    }

    fn problem(file: &[u8]) -> String {
        Picture::decode(file).unwrap_err().problem
    }

    #[test]
    fn what_is_no_png_is_refused() {
        assert!(problem(&[]).contains("empty"));
        assert_eq!(problem(b"\xff\xd8\xff\xe0\0\x10JFIF\0"), "not a PNG image");
        assert_eq!(problem(b"P5 2 2 255 abcd"), "not a PNG image");
        assert_eq!(problem(b"text"), "not a PNG image");
    }

    #[test]
    fn wherever_it_is_cut_off_it_is_refused_or_whole() {
        let samples: Vec<u8> = (0..=255).flat_map(|n: u8| [n, n.wrapping_mul(37)]).collect();
        let file = encoded([16, 32], ColorType::Grayscale, BitDepth::Eight, &samples);
        let whole = decoded(&file);
        let mut refused = 0;
        for len in 0..file.len() {
            match Picture::decode(&file[..len]) {
                Ok(picture) => assert_eq!(picture, whole, "{len} bytes"),
                Err(Rejection { problem, .. }) => {
                    assert!(problem.contains("cut off") || len == 0, "{len} bytes: {problem}");
                    refused += 1;
                }
            }
        }
        // The chunk after the pixels, IEND, may lack.
        assert!(refused >= file.len() - 16, "{refused} of {}", file.len());
    }

    #[test]
    fn a_flipped_bit_is_seen_or_harmless() {
        let samples: Vec<u8> = (0..64).map(|n: u8| n.wrapping_mul(n)).collect();
        let file = encoded([8, 8], ColorType::Grayscale, BitDepth::Eight, &samples);
        let whole = decoded(&file);
        let mut refused = 0;
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Picture::decode(&flipped) {
                Ok(picture) => assert_eq!(picture, whole, "bit {bit}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 6 * file.len(), "{refused} of {}", 8 * file.len());
    }

    /// The first chunk alone, that says so many columns and rows, in front of nothing.
    fn header_only(columns: u32, rows: u32) -> Vec<u8> {
        let mut file = encoded([1, 1], ColorType::Rgba, BitDepth::Sixteen, &[0; 8]);
        file.truncate(33);
        file[16..20].copy_from_slice(&columns.to_be_bytes());
        file[20..24].copy_from_slice(&rows.to_be_bytes());
        let crc = crc32fast::hash(&file[12..29]);
        file[29..33].copy_from_slice(&crc.to_be_bytes());
        file
    }

    #[test]
    fn a_huge_one_is_refused_by_its_header() {
        for (columns, rows) in [(100_000, 100_000), (4097, 1), (1, 4097), (0x7fff_ffff, 0x7fff_ffff)] {
            let expected = format!("{columns} x {rows} pixels are more than 4096 x 4096");
            assert_eq!(problem(&header_only(columns, rows)), expected);
        }
        assert!(problem(&header_only(4096, 4096)).contains("cut off"));
        assert!(problem(&header_only(0, 5)).contains("damaged"));
        assert_eq!(MAX_BYTES, 256 << 20);
        let largest = encoded([4096, 4096], ColorType::Grayscale, BitDepth::One, &[0; 4096 * 512]);
        assert_eq!(decoded(&largest).grey.len(), 4096 * 4096);
    }
}
