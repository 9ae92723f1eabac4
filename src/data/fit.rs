//! From a picture to an image as a network knows them, which is how MNIST's were made.
//!
//! MNIST's digits are white (255) on black (0), each scaled so that the box around its ink fits into 20 x 20 pixels, with
//! its proportions kept and with grey levels at its edges, and then shifted so that its centre of mass lies in the middle
//! of 28 x 28 (Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits"). So:
//!
//! 1. Paper and ink are told apart by the border, most of which is paper. The paper's level becomes 0.
//! 2. The box around the ink is scaled by area: a pixel is the mean of what lies below it. All sums are of whole numbers,
//!    and so exact; a box that has the right size already stays as it is.
//! 3. The result is made as strong as ink can be, and is shifted by whole pixels until its centre of mass lies within half
//!    a pixel of row and column 14, counted from 0, where that of every MNIST image lies; but never beyond the edge.
//!
//! Of the 10,000 MNIST test images, 8,311 come out of this as they went in, and 1,678 nearly so: their strongest level was
//! 254, or pixels fainter than a 16th of it, which are taken for dirt, are lost at the edge of the shorter side. Without
//! these, 8 more are shifted by a pixel; 3 have a box of 19 pixels and get one of 20.

use super::picture::{Picture, Rejection};
use std::ops::Range;

/// Whether what is drawn is darker or lighter than what it is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As with pen on paper.
    Dark,
    /// As in MNIST, or with chalk on a board.
    Light,
}

impl Ink {
    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    /// By how much `level` is more inky than `paper`.
    fn over(self, paper: u8, level: u8) -> u8 {
        match self {
            Self::Dark => paper.saturating_sub(level),
            Self::Light => level.saturating_sub(paper),
        }
    }
}

/// How a picture becomes an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Cut out, scaled and centred as MNIST was.
    Mnist,
    /// Pixel by pixel, but with dark ink turned to light.
    None,
}

/// An image for a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Grey levels, `[side][side]`: 0 is paper, 255 the strongest ink.
    pub grey: Vec<u8>,
    /// What the picture's ink was taken for.
    pub ink: Ink,
}

/// Between the border's pixels, so many times their median deviation is noise: five standard deviations and more.
const NOISE: u16 = 8;

/// What is fainter than this part of the strongest ink is outside the box, if it is at its edge: it may be dirt, or what
/// lossy compression has left around the ink. No longer side of the boxes of MNIST's test images gets shorter by it.
const FAINT: u8 = 16;

/// The image of `side` x `side` pixels that becomes of `picture`, whose ink is taken for `ink`, or for what it seems.
///
/// What is transparent shows the paper: white, or black under light ink. If that is not said, and nothing can be seen on
/// white, it is black.
///
/// # Errors
/// The picture has no ink, or under [`Fit::None`] another size.
///
/// # Panics
/// If `side` is 0.
pub fn fit(picture: &Picture, side: usize, how: Fit, ink: Option<Ink>) -> Result<Image, Rejection> {
    let (rows, columns) = (picture.rows, picture.columns);
    if how == Fit::None && (rows, columns) != (side, side) {
        let problem = format!("{columns} x {rows} pixels, but the network takes {side} x {side}");
        return Err(Rejection::new(problem, "scale it, or leave --fit none out"));
    }
    let mut grey = picture.on(if ink == Some(Ink::Light) { 0 } else { 255 });
    if ink.is_none() && is_uniform(&grey) {
        grey = picture.on(0);
    }
    let grey = Grey { columns, level: grey };
    let paper = Paper::of(&grey, ink).ok_or_else(|| {
        Rejection::new("no ink found: all its pixels are alike", "give a picture with a digit on it")
    })?;
    let image = match how {
        Fit::None => grey.level.iter().map(|&level| paper.ink.over(paper.end(), level)).collect(),
        Fit::Mnist => centred(&scaled(&paper.removed(grey), box_of(side)), side),
    };
    Ok(Image { grey: image, ink: paper.ink })
}

/// The side of the box that ink is fitted into, in an image of `side`: MNIST's share of it.
fn box_of(side: usize) -> usize {
    ((20 * side + 14) / 28).max(1)
}

fn is_uniform(level: &[u8]) -> bool {
    level.iter().all(|other| *other == level[0])
}

/// Levels of `[rows][columns]` pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grey {
    columns: usize,
    level: Vec<u8>,
}

impl Grey {
    fn rows(&self) -> usize {
        self.level.len() / self.columns
    }

    /// The pixels at the edge.
    fn border(&self) -> Vec<u8> {
        let (columns, rows) = (self.columns, self.rows());
        let is_at_edge = |n: usize| {
            let (row, column) = (n / columns, n % columns);
            row == 0 || row + 1 == rows || column == 0 || column + 1 == columns
        };
        (0..self.level.len()).filter(|&n| is_at_edge(n)).map(|n| self.level[n]).collect()
    }

    /// The rows and columns of the box around all that is above `least`, which something is.
    fn bounds(&self, least: u8) -> [Range<usize>; 2] {
        let mut inked = [vec![false; self.rows()], vec![false; self.columns]];
        for n in (0..self.level.len()).filter(|&n| self.level[n] > least) {
            inked[0][n / self.columns] = true;
            inked[1][n % self.columns] = true;
        }
        inked.map(|inked| {
            let first = inked.iter().position(|&is| is).expect("something is above");
            let last = inked.iter().rposition(|&is| is).expect("something is above");
            first..last + 1
        })
    }
}

/// What a picture is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Paper {
    /// What it is drawn with.
    ink: Ink,
    /// The paper's level: its median.
    level: u8,
    /// The median of its deviations from that.
    spread: u8,
}

impl Paper {
    /// The paper of a picture. What is lighter than the middle between the darkest and the lightest pixel is on one side,
    /// all else on the other; the paper is the side on which most of the border is, or of the whole where the border is
    /// halved, unless `ink` says which it is. `None` if all pixels are alike.
    fn of(grey: &Grey, ink: Option<Ink>) -> Option<Self> {
        let (darkest, lightest) = (*grey.level.iter().min()?, *grey.level.iter().max()?);
        if darkest == lightest {
            return None;
        }
        let is_light = |level: u8| 2 * u16::from(level) > u16::from(darkest) + u16::from(lightest);
        let border = grey.border();
        let light = |levels: &[u8]| levels.iter().filter(|&&level| is_light(level)).count();
        let seems = || {
            let (of_border, of_all) = (2 * light(&border), 2 * light(&grey.level));
            let is_light = match of_border.cmp(&border.len()) {
                std::cmp::Ordering::Equal => of_all >= grey.level.len(),
                order => order.is_gt(),
            };
            if is_light { Ink::Dark } else { Ink::Light }
        };
        let ink = ink.unwrap_or_else(seems);
        let paper = |levels: &[u8]| -> Vec<u8> {
            levels.iter().copied().filter(|&level| is_light(level) == (ink == Ink::Dark)).collect()
        };
        let mut levels = paper(&border);
        if levels.is_empty() {
            levels = paper(&grey.level);
        }
        let level = median(&mut levels);
        let mut deviations: Vec<u8> = levels.iter().map(|other| other.abs_diff(level)).collect();
        Some(Self { ink, level, spread: median(&mut deviations) })
    }

    /// The end of the scale on the paper's side.
    fn end(&self) -> u8 {
        if self.ink == Ink::Dark { 255 } else { 0 }
    }

    /// The picture without its paper: ink alone, less the noise, which is at most half of the strongest ink.
    fn removed(&self, mut grey: Grey) -> Grey {
        grey.level.iter_mut().for_each(|level| *level = self.ink.over(self.level, *level));
        let most = grey.level.iter().copied().max().unwrap_or(0);
        let noise = (NOISE * u16::from(self.spread)).min(u16::from(most / 2)) as u8;
        grey.level.iter_mut().for_each(|level| *level = level.saturating_sub(noise));
        grey
    }
}

fn median(levels: &mut [u8]) -> u8 {
    let middle = levels.len() / 2;
    *levels.select_nth_unstable(middle).1
}

/// The box around the ink of `grey`, scaled until its longer side is `side` pixels; its strongest level is 255.
///
/// In units of which a pixel of `grey` has `side` on each side, a pixel of the result has as many as the box's longer side
/// has pixels: so both have their corners at whole numbers.
fn scaled(grey: &Grey, side: usize) -> Grey {
    let most = grey.level.iter().copied().max().unwrap_or(0);
    let [rows, columns] = grey.bounds(most / FAINT);
    let longest = rows.len().max(columns.len());
    let [down, across] = [&rows, &columns].map(|range| (range.len() * side).div_ceil(longest));
    let mut sums = vec![0_u64; down * across];
    for (row, sums) in sums.chunks_exact_mut(across).enumerate() {
        for (column, sum) in sums.iter_mut().enumerate() {
            for (y, height) in below(row, longest, side, rows.len()) {
                let levels = &grey.level[(rows.start + y) * grey.columns + columns.start..];
                let of_row: u64 = below(column, longest, side, columns.len())
                    .map(|(x, width)| width * u64::from(levels[x]))
                    .sum();
                *sum += height * of_row;
            }
        }
    }
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let level = sums.iter().map(|sum| ((255 * sum + most / 2) / most) as u8).collect();
    Grey { columns: across, level }
}

/// Along one side: the pixels of `count`, each `side` units long, that lie below pixel `n` of those that are `longest`
/// units long, and on how many units they do.
fn below(n: usize, longest: usize, side: usize, count: usize) -> impl Iterator<Item = (usize, u64)> {
    let (start, end) = (n * longest, (n + 1) * longest);
    (start / side..end.div_ceil(side).min(count)).map(move |pixel| {
        let overlap = end.min((pixel + 1) * side) - start.max(pixel * side);
        (pixel, overlap as u64)
    })
}

/// `grey` in an image of `side` x `side`, shifted so that its centre of mass is in the middle, or as near as the edges let.
fn centred(grey: &Grey, side: usize) -> Vec<u8> {
    let (columns, rows) = (grey.columns, grey.rows());
    let mut moments = [0.0; 2];
    let mut mass = 0.0;
    for (n, &level) in grey.level.iter().enumerate() {
        let level = f64::from(level);
        mass += level;
        moments[0] += level * (n / columns) as f64;
        moments[1] += level * (n % columns) as f64;
    }
    let shift = |moment: f64, extent: usize| {
        let wanted = (side as f64 / 2.0 - moment / mass).round().max(0.0) as usize;
        wanted.min(side - extent)
    };
    let (top, left) = (shift(moments[0], rows), shift(moments[1], columns));
    let mut image = vec![0; side * side];
    for (row, levels) in grey.level.chunks_exact(columns).enumerate() {
        image[(top + row) * side + left..][..columns].copy_from_slice(levels);
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of such rows, where every character is a level: blank 0, digits 25 each, `#` 255.
    fn drawn(rows: &[&str]) -> Picture {
        let level = |character: char| match character {
            ' ' => 0,
            '#' => 255,
            digit => 25 * digit.to_digit(10).unwrap() as u8,
        };
        let grey: Vec<u8> = rows.iter().flat_map(|row| row.chars().map(level)).collect();
        Picture { rows: rows.len(), columns: grey.len() / rows.len(), grey, opacity: vec![] }
    }

    fn inverted(picture: &Picture) -> Picture {
        Picture { grey: picture.grey.iter().map(|level| 255 - level).collect(), ..picture.clone() }
    }

    /// Every pixel `times` x `times` of them.
    fn enlarged(picture: &Picture, times: usize) -> Picture {
        let (rows, columns) = (picture.rows * times, picture.columns * times);
        let at = |n: usize| picture.grey[n / columns / times * picture.columns + n % columns / times];
        Picture { rows, columns, grey: (0..rows * columns).map(at).collect(), opacity: vec![] }
    }

    fn fitted(picture: &Picture, side: usize) -> Vec<u8> {
        fit(picture, side, Fit::Mnist, None).unwrap().grey
    }

    fn grey(columns: usize, level: &[u8]) -> Grey {
        Grey { columns, level: level.to_vec() }
    }

    #[test]
    fn scaling_takes_the_mean_of_what_lies_below() {
        // 4 x 4 to 2 x 2: means of blocks, made as strong as can be.
        let blocks = [8, 8, 0, 4, 8, 8, 4, 0, 0, 0, 2, 2, 4, 4, 2, 2];
        assert_eq!(scaled(&grey(4, &blocks), 2), grey(2, &[255, 64, 64, 64]));
        // 3 to 2: the middle pixel is shared. Sums are 2*3 + 1*6 and 1*6 + 2*9.
        assert_eq!(scaled(&grey(3, &[3, 6, 9]), 2), grey(2, &[128, 255]));
        // 2 to 3, and the row of 1 becomes one and a half.
        assert_eq!(scaled(&grey(2, &[2, 4]), 3), grey(3, &[128, 191, 255, 64, 96, 128]));
        // The shorter side ends within a pixel, which gets less ink: 3 x 1 to 2 x 2/3.
        assert_eq!(scaled(&grey(1, &[5, 5, 5]), 2), grey(1, &[255, 255]));
        // 5 x 4 to 3 x 2.4: the last column has 2/5 of the others' ink.
        let [column, rest] = [255, 102];
        let row = [column, column, rest];
        assert_eq!(scaled(&grey(4, &[9; 20]), 3), grey(3, &[row, row, row].concat()));
    }

    #[test]
    fn the_box_is_that_of_the_ink() {
        let picture = grey(4, &[0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0]);
        assert_eq!(picture.bounds(0), [1..3, 1..4]);
        assert_eq!(picture.bounds(9), [2..3, 3..4]);
        // What is fainter than a sixteenth of the strongest is left out, if it is at the edge.
        assert_eq!(scaled(&grey(3, &[6, 6, 100]), 1), grey(1, &[255]));
        assert_eq!(scaled(&grey(3, &[7, 6, 100]), 3), grey(3, &[18, 15, 255]));
    }

    #[test]
    fn the_centre_of_mass_is_put_in_the_middle() {
        // Of 8 x 8 the middle is row and column 4; the mass is at row 0, column 1.5, which may be 4 or 5 to the left.
        let bar = centred(&grey(3, &[0, 255, 255]), 8);
        assert_eq!(bar.iter().position(|&level| level > 0), Some(4 * 8 + 4));
        // It never leaves the image: this one would begin at column -1, and lose 5 of the ink.
        let long = centred(&grey(8, &[5, 0, 0, 0, 0, 0, 0, 255]), 8);
        assert_eq!(long[4 * 8..5 * 8], [5, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn boxes_keep_mnist_s_share() {
        assert_eq!([28, 14, 56, 32, 8, 2, 1].map(box_of), [20, 10, 40, 23, 6, 1, 1]);
        for side in 1..=64 {
            assert!((1..=side).contains(&box_of(side)));
        }
    }

    /// A digit in 14 x 14 whose box is 10 high, and whose centre of mass is where it should be.
    const SEVEN: [&str; 14] = [
        "              ",
        "              ",
        "              ",
        "              ",
        "  4########   ",
        "  3######5#   ",
        "         ##   ",
        "        5#4   ",
        "        ##    ",
        "       ##     ",
        "      5#4     ",
        "      ##      ",
        "     5#4      ",
        "     ##       ",
    ];

    #[test]
    fn border_and_box_of_a_few_pixels() {
        let grey = Grey { columns: 4, level: (0..12).collect() };
        assert_eq!(grey.border(), [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]);
        assert_eq!((grey.bounds(0), grey.bounds(5)), ([0..3, 0..4], [1..3, 0..4]));
        assert_eq!((grey.bounds(9), grey.bounds(10)), ([2..3, 2..4], [2..3, 3..4]));
        assert_eq!([1, 2, 14, 28, 56].map(box_of), [1, 1, 10, 20, 40]);
    }

    #[test]
    fn what_is_fitted_stays_as_it_is() {
        let seven = drawn(&SEVEN);
        assert_eq!(fitted(&seven, 14), seven.grey);
        for times in [2, 3, 7] {
            assert_eq!(fitted(&enlarged(&seven, times), 14), seven.grey, "{times} times as large");
            let dark = fit(&inverted(&enlarged(&seven, times)), 14, Fit::Mnist, None).unwrap();
            assert_eq!(dark, Image { grey: seven.grey.clone(), ink: Ink::Dark });
        }
    }

    #[test]
    fn place_and_margin_do_not_matter() {
        let seven = drawn(&SEVEN);
        let mut page = Picture { rows: 50, columns: 70, grey: vec![0; 3500], opacity: vec![] };
        for (n, &level) in seven.grey.iter().enumerate() {
            page.grey[(31 + n / 14) * 70 + 2 + n % 14] = level;
        }
        assert_eq!(fitted(&page, 14), seven.grey);
        assert_eq!(fitted(&inverted(&page), 14), seven.grey);
        // Cut out so tightly that half of the border is ink.
        let tight: Vec<&str> = SEVEN[4..14].iter().map(|row| &row[2..11]).collect();
        assert_eq!(fitted(&drawn(&tight), 14), seven.grey);
    }

    #[test]
    fn contrast_noise_and_stains_do_not_matter() {
        let seven = drawn(&SEVEN);
        // Grey on light grey, at a strength that is brought up to the full one again: 255 becomes 51.
        let pale =
            Picture { grey: seven.grey.iter().map(|level| 200 - level / 5).collect(), ..seven.clone() };
        assert_eq!(fitted(&pale, 14), seven.grey);

        // A large one on paper that flickers by 2 levels up or down, with a faint stain in its corner.
        let mut noisy = enlarged(&inverted(&drawn(&SEVEN)), 4);
        for (n, level) in noisy.grey.iter_mut().enumerate() {
            let flicker = [0, 1, 2, 3, 4][n * 31 % 5];
            *level = level.saturating_sub(20).saturating_add(flicker);
        }
        noisy.grey[0] = 218;
        let found = fitted(&noisy, 14);
        let most = found.iter().zip(&seven.grey).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(8), "{most:?}: a sixteenth of the ink, noise taken for paper, and its edges");
    }

    #[test]
    fn ink_is_what_the_border_is_not() {
        assert_eq!([Ink::Dark, Ink::Light].map(Ink::name), ["dark", "light"]);
        let seems = |picture: &Picture| fit(picture, 5, Fit::None, None).unwrap().ink;
        let blob = drawn(&["     ", " ### ", " ### ", " ### ", "     "]);
        assert_eq!((seems(&blob), seems(&inverted(&blob))), (Ink::Light, Ink::Dark));
        // Even if there is more of it than of the paper.
        let filled = drawn(&["##   ", "#### ", "#### ", "#### ", "     "]);
        assert_eq!((seems(&filled), seems(&inverted(&filled))), (Ink::Light, Ink::Dark));
        // Whatever seems so, the user knows better, also where the whole border is ink.
        let ring = drawn(&["#####", "#   #", "#   #", "#   #", "#####"]);
        assert_eq!(seems(&ring), Ink::Dark);
        let told = |ink| fit(&ring, 28, Fit::Mnist, Some(ink)).unwrap().grey;
        let corner = |image: &[u8]| image[5 * 28 + 5];
        assert_eq!((corner(&told(Ink::Light)), told(Ink::Light)[14 * 28 + 14]), (255, 0), "a ring");
        assert_eq!((corner(&told(Ink::Dark)), told(Ink::Dark)[14 * 28 + 14]), (255, 255), "a square");
    }

    #[test]
    fn a_halved_border_leaves_it_to_the_whole() {
        // Six of the twelve pixels at the edge are light, and some of the four within.
        let seems = |within: [u8; 4]| {
            let [a, b, c, d] = within;
            let level = [[9; 4], [9, a, b, 0], [9, c, d, 0], [0; 4]].concat();
            Paper::of(&Grey { columns: 4, level }, None).unwrap()
        };
        assert_eq!(seems([9, 9, 9, 0]), Paper { ink: Ink::Dark, level: 9, spread: 0 });
        assert_eq!(seems([9, 9, 0, 0]), Paper { ink: Ink::Dark, level: 9, spread: 0 });
        assert_eq!(seems([9, 0, 0, 0]), Paper { ink: Ink::Light, level: 0, spread: 0 });
    }

    #[test]
    fn the_middle_between_the_darkest_and_the_lightest_is_dark() {
        let grey = Grey { columns: 5, level: vec![0, 100, 100, 110, 200] };
        assert_eq!(Paper::of(&grey, None), Some(Paper { ink: Ink::Light, level: 100, spread: 0 }));
    }

    #[test]
    fn without_fitting_only_dark_ink_is_turned() {
        let seven = drawn(&SEVEN);
        let alone = |picture: &Picture, ink| fit(picture, 14, Fit::None, ink).map(|image| image.grey);
        let pale = Picture { grey: seven.grey.iter().map(|level| 20 + level / 5).collect(), ..seven.clone() };
        assert_eq!(alone(&pale, None), Ok(pale.grey.clone()));
        assert_eq!(alone(&inverted(&pale), None), Ok(pale.grey.clone()));
        assert_eq!(alone(&pale, Some(Ink::Dark)), Ok(inverted(&pale).grey));
        let problem = alone(&drawn(&["##  ", "  ##"]), None).unwrap_err().problem;
        assert_eq!(problem, "4 x 2 pixels, but the network takes 14 x 14");
    }

    #[test]
    fn nothing_on_paper_is_refused() {
        for level in [0, 77, 255] {
            let blank = Picture { rows: 3, columns: 4, grey: vec![level; 12], opacity: vec![] };
            for ink in [None, Some(Ink::Dark), Some(Ink::Light)] {
                let problem = fit(&blank, 28, Fit::Mnist, ink).unwrap_err().problem;
                assert!(problem.starts_with("no ink found"), "{problem}");
            }
        }
        let unseen = Picture { opacity: vec![0; 12], rows: 3, columns: 4, grey: (0..12).collect() };
        assert!(fit(&unseen, 28, Fit::Mnist, None).is_err());
    }

    #[test]
    fn transparency_is_paper() {
        let seven = drawn(&SEVEN);
        // All of one colour, and its shape in its opacity alone.
        for level in [0, 90, 255] {
            let stencil = Picture { grey: vec![level; 196], opacity: seven.grey.clone(), ..seven.clone() };
            let found = fit(&stencil, 14, Fit::Mnist, None).unwrap();
            assert_eq!(found.ink, if level == 255 { Ink::Light } else { Ink::Dark });
            let most = found.grey.iter().zip(&seven.grey).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(most <= Some(1), "{level}: {most:?}, which is one rounding");
        }
        // Light ink is looked at on black, if it is said to be light.
        let grey = Picture { grey: vec![150; 196], opacity: seven.grey.clone(), ..seven };
        assert!(fit(&grey, 14, Fit::Mnist, Some(Ink::Light)).is_ok());
    }
}
