//! Contact sheets: many small images on one picture, each with a line of text below it. PNG, 8-bit greyscale.
//!
//! ```text
//! | gap | image | gap | image | gap |      ink is white (255), as in the data; the paper, black (0)
//! |     |  cap- |     |  tion |     |      gaps, and places without a tile, dark grey
//! ```

use super::font::{HEIGHT, WIDTH, glyph};

/// One image of a contact sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Grey levels, `[rows * columns]`, row by row: 0 is dark.
    pub grey: Vec<u8>,
    /// What stands below the image. Digits, ASCII letters and `-><?.,:%/+=()` are drawn, anything else is left blank;
    /// so is what comes after 40 characters.
    pub caption: String,
}

/// Images are enlarged as long as no side becomes longer than this, in pixels.
const SIDE: usize = 64;

/// Between tiles, and around them all, in pixels.
const GAP: usize = 2;

/// The grey of gaps: seen beside black, but no ink.
const GAP_GREY: u8 = 56;

/// Pixels above and below a line of text.
const LEADING: usize = 2;

/// Characters of a caption that are drawn at most: one long name is not to spread all tiles.
const LONGEST: usize = 40;

/// A PNG of the tiles, `across` in a row (at least 1), each of `shape` (rows, columns); scaled by a whole factor if small.
/// If no tile has a caption, there is no room for any. The same tiles give the same bytes.
///
/// # Panics
/// A tile's `grey` has not rows * columns levels, or rows or columns are 0, or the picture would have a side of 2^31
/// pixels or more.
pub fn png(tiles: &[Tile], shape: (usize, usize), across: usize) -> Vec<u8> {
    let grid = Grid::new(tiles, shape, across);
    let mut sheet = Sheet::new(grid.width(), grid.height());
    for (place, tile) in tiles.iter().enumerate() {
        grid.draw(&mut sheet, place, tile);
    }
    sheet.encode()
}

/// Where everything stands.
struct Grid {
    /// Rows and columns of an image, before it is enlarged.
    shape: (usize, usize),
    scale: usize,
    across: usize,
    down: usize,
    /// Width and height of an image with its caption.
    cell: (usize, usize),
}

impl Grid {
    fn new(tiles: &[Tile], shape: (usize, usize), across: usize) -> Self {
        let (rows, columns) = shape;
        assert!(rows > 0 && columns > 0, "images of {rows} x {columns}");
        let scale = (SIDE / rows.max(columns)).max(1);
        let longest = tiles.iter().map(|tile| drawn(&tile.caption).count()).max().unwrap_or(0);
        let caption = if longest == 0 { 0 } else { HEIGHT + 2 * LEADING };
        let across = across.clamp(1, tiles.len().max(1));
        Self {
            shape,
            scale,
            across,
            down: tiles.len().div_ceil(across),
            cell: ((columns * scale).max(text_width(longest)), rows * scale + caption),
        }
    }

    fn width(&self) -> usize {
        GAP + self.across * (self.cell.0 + GAP)
    }

    fn height(&self) -> usize {
        GAP + self.down * (self.cell.1 + GAP)
    }

    fn draw(&self, sheet: &mut Sheet, place: usize, tile: &Tile) {
        let ((rows, columns), scale) = (self.shape, self.scale);
        assert_eq!(tile.grey.len(), rows * columns, "grey levels of an image of {rows} x {columns}");
        let (width, height) = self.cell;
        let left = GAP + place % self.across * (width + GAP);
        let top = GAP + place / self.across * (height + GAP);
        sheet.fill(left, top, (width, height), 0);

        let middle = |inner: usize| left + (width - inner) / 2;
        let image = middle(columns * scale);
        for (pixel, &grey) in tile.grey.iter().enumerate() {
            let (x, y) = (image + pixel % columns * scale, top + pixel / columns * scale);
            sheet.fill(x, y, (scale, scale), grey);
        }
        let text = middle(text_width(drawn(&tile.caption).count()));
        for (n, character) in drawn(&tile.caption).enumerate() {
            sheet.ink(text + n * (WIDTH + 1), top + rows * scale + LEADING, character);
        }
    }
}

/// The part of a caption that is drawn.
fn drawn(caption: &str) -> impl Iterator<Item = char> {
    caption.chars().take(LONGEST)
}

/// Pixels that so many characters take, with one between each two.
fn text_width(characters: usize) -> usize {
    (characters * (WIDTH + 1)).saturating_sub(1)
}

/// A picture in the making.
struct Sheet {
    width: usize,
    height: usize,
    /// `[height][width]`
    grey: Vec<u8>,
}

impl Sheet {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, grey: vec![GAP_GREY; width * height] }
    }

    /// Fills a rectangle of `(width, height)` pixels.
    fn fill(&mut self, left: usize, top: usize, (width, height): (usize, usize), grey: u8) {
        for y in top..top + height {
            self.grey[y * self.width + left..][..width].fill(grey);
        }
    }

    fn ink(&mut self, left: usize, top: usize, character: char) {
        for (y, row) in glyph(character).iter().enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, inked)| **inked) {
                self.fill(left + x, top + y, (1, 1), 255);
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let side = |pixels: usize| i32::try_from(pixels).expect("a PNG has sides below 2^31").unsigned_abs();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side(self.width), side(self.height));
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("both sides are positive, and memory takes all");
        writer.write_image_data(&self.grey).expect("there are as many levels as pixels");
        writer.finish().expect("one image was promised and written");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Width, height and grey levels of a PNG.
    fn decode(bytes: &[u8]) -> (usize, usize, Vec<u8>) {
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut grey = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut grey).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::Eight));
        (info.width as usize, info.height as usize, grey)
    }

    fn tile(grey: &[u8], caption: &str) -> Tile {
        Tile { grey: grey.to_vec(), caption: caption.into() }
    }

    /// A picture in characters, a line for each row of pixels.
    fn shown(bytes: &[u8]) -> Vec<String> {
        let (width, _, grey) = decode(bytes);
        let character = |&level: &u8| match level {
            0 => '.',
            GAP_GREY => ' ',
            255 => '#',
            _ => '+',
        };
        grey.chunks(width).map(|row| row.iter().map(character).collect()).collect()
    }

    #[test]
    fn tiles_fill_rows_and_leave_gaps() {
        let dark = vec![0; 64 * 33];
        let mut light = vec![255; 64 * 33];
        light[0] = 100;
        let tiles = [tile(&dark, ""), tile(&light, ""), tile(&dark, "")];
        let rows = shown(&png(&tiles, (64, 33), 2));
        assert_eq!((rows.len(), rows[0].len()), (2 + 2 * (64 + 2), 2 + 2 * (33 + 2)));
        let (dark, light, gap) = (".".repeat(33), "#".repeat(33), "  ");
        assert_eq!(rows[2], [gap, &dark, gap, "+", &light[1..], gap].concat());
        assert_eq!(rows[65], [gap, &dark, gap, &light, gap].concat());
        assert_eq!(rows[66].trim(), "");
        assert_eq!(rows[68], [gap, &dark, gap, &" ".repeat(33), gap].concat());
    }

    #[test]
    fn small_images_are_enlarged_by_a_whole_factor() {
        for ((rows, columns), scale) in
            [((1, 1), 64), ((28, 28), 2), ((8, 8), 8), ((4, 33), 1), ((64, 64), 1)]
        {
            let (width, height, grey) =
                decode(&png(&[tile(&vec![9; rows * columns], "")], (rows, columns), 5));
            assert_eq!((width, height), (columns * scale + 4, rows * scale + 4), "{rows} x {columns}");
            assert_eq!(grey.iter().filter(|&&level| level == 9).count(), rows * columns * scale * scale);
        }
    }

    #[test]
    fn captions_stand_below_the_middle() {
        let rows = shown(&png(&[tile(&[0; 32 * 32], "T1")], (32, 32), 1));
        assert_eq!(rows.len(), 2 + 64 + 2 + 8 + 2 + 2);
        let text: Vec<_> = rows[68..76].iter().map(|row| row.trim().trim_matches('.')).collect();
        let expected = ["#####...#", "#....##", "#.....#", "#.....#", "#.....#", "#.....#", "#....###", ""];
        assert_eq!(text, expected);
        let left = rows[68].find('#').unwrap();
        assert_eq!(left, 2 + (64 - 11) / 2);
    }

    #[test]
    fn a_long_caption_makes_room_for_itself_up_to_an_end() {
        let width = |caption: &str| decode(&png(&[tile(&[0; 4], caption)], (2, 2), 1)).0;
        assert_eq!(width("ten digits"), 64 + 4);
        assert_eq!(width(&"a".repeat(20)), 119 + 4);
        assert_eq!(width(&"a".repeat(40)), width(&"a".repeat(1000)));
    }

    #[test]
    fn what_the_font_lacks_is_blank() {
        let blank = png(&[tile(&[0; 4], "   ")], (2, 2), 1);
        assert_eq!(png(&[tile(&[0; 4], "\u{304a}\u{0}\u{1f600}")], (2, 2), 1), blank);
        assert_ne!(png(&[tile(&[0; 4], " - ")], (2, 2), 1), blank);
        assert_ne!(png(&[tile(&[0; 4], "")], (2, 2), 1), blank, "no caption, no line");
    }

    #[test]
    fn no_tile_is_an_empty_sheet() {
        let (_, height, grey) = decode(&png(&[], (28, 28), 0));
        assert_eq!(height, 2);
        assert!(grey.iter().all(|&level| level == GAP_GREY));
    }

    #[test]
    #[should_panic(expected = "grey levels of an image of 2 x 2")]
    fn a_tile_of_another_shape_is_refused() {
        png(&[tile(&[0; 3], "")], (2, 2), 1);
    }
}
