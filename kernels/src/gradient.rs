//! Where a row's gradient comes from. It is made in registers, a tile at a time, and never stored.

use crate::lanes::{TILE, f32xN};
use crate::lit::Lit;
use crate::panel::Panel;
use core::ops::Range;

/// The gradient of a layer: for some of its rows, in ascending order, a scalar factor times a vector along the lanes.
/// All other rows have a zero gradient.
pub trait Gradient: Sync {
    /// Whether the vector along the lanes is the same for all rows, so that a sweep loads it once.
    const ONE_FOR_ALL: bool = false;

    /// How many rows have a gradient.
    fn len(&self) -> usize;

    /// Vectors in a row.
    fn vectors(&self) -> usize;

    /// Those in `visits`, counted from 0 to [`len`](Self::len): the row's number and its scalar factor.
    fn rows(&self, visits: Range<usize>)
    -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator;

    /// Vectors `first..first + T` of a row's gradient before the factor.
    fn tile<const T: usize>(&self, row: usize, first: usize) -> [f32xN; T];

    /// Whether no row has a gradient.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which of the rows that have a gradient lie in `rows`.
    fn within(&self, rows: &Range<usize>) -> Range<usize> {
        let row = |n: usize| self.rows(n..n + 1).next().map_or(usize::MAX, |(row, _)| row);
        let below = |limit: usize| {
            let (mut low, mut high) = (0, self.len());
            if low == high || row(high - 1) < limit {
                return high; // the usual case: the whole layer at once
            }
            while low < high {
                let middle = low.midpoint(high);
                if row(middle) < limit { low = middle + 1 } else { high = middle }
            }
            low
        };
        let start = if rows.start == 0 { 0 } else { below(rows.start) };
        start..below(rows.end)
    }
}

#[inline(always)]
fn load<const T: usize>(vectors: &[f32xN], first: usize) -> [f32xN; T] {
    *vectors[first..].first_chunk().expect("a tile lies within a row")
}

/// One image, first layer: row j is x_j d1 for every lit pixel j.
pub struct OfImage<'a> {
    /// The image's lit pixels.
    pub lit: Lit<'a>,
    /// The hidden deltas d1, `[Hp]`.
    pub deltas: &'a [f32xN],
}

impl Gradient for OfImage<'_> {
    const ONE_FOR_ALL: bool = true;

    #[inline(always)]
    fn len(&self) -> usize {
        self.lit.len()
    }

    #[inline(always)]
    fn vectors(&self) -> usize {
        self.deltas.len()
    }

    #[inline(always)]
    fn rows(
        &self,
        visits: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
        let index = self.lit.index()[visits.clone()].iter();
        index.zip(&self.lit.value()[visits]).map(|(&j, &x)| (usize::from(j), x))
    }

    #[inline(always)]
    fn tile<const T: usize>(&self, _: usize, first: usize) -> [f32xN; T] {
        load(self.deltas, first)
    }
}

/// One image, second layer: row k is d2_k h for every output k.
pub struct OfOutputs<'a> {
    /// The output deltas d2, one per output.
    pub deltas: &'a [f32],
    /// The hidden activations h, `[Hp]`.
    pub hidden: &'a [f32xN],
}

impl Gradient for OfOutputs<'_> {
    const ONE_FOR_ALL: bool = true;

    #[inline(always)]
    fn len(&self) -> usize {
        self.deltas.len()
    }

    #[inline(always)]
    fn vectors(&self) -> usize {
        self.hidden.len()
    }

    #[inline(always)]
    fn rows(
        &self,
        visits: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
        visits.clone().zip(self.deltas[visits].iter().copied())
    }

    #[inline(always)]
    fn tile<const T: usize>(&self, _: usize, first: usize) -> [f32xN; T] {
        load(self.hidden, first)
    }
}

/// A whole batch, either layer: every row has been summed into a panel, by a dense product.
pub struct OfMatrix<'a> {
    /// The summed gradient, in the layer's shape.
    pub sums: &'a Panel,
    /// One over the size of the batch.
    pub scale: f32,
}

impl Gradient for OfMatrix<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.sums.rows()
    }

    #[inline(always)]
    fn vectors(&self) -> usize {
        self.sums.vectors()
    }

    #[inline(always)]
    fn rows(
        &self,
        visits: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
        visits.map(|row| (row, self.scale))
    }

    #[inline(always)]
    fn tile<const T: usize>(&self, row: usize, first: usize) -> [f32xN; T] {
        load(self.sums.row_vectors(row), first)
    }
}

/// A whole batch, first layer, by lit pixels: row j is the sum of x_bj d1_b over the images b that light pixel j, taken
/// in registers while the row's weights are there to be updated.
pub struct OfBatch<'a> {
    /// Who lights which pixel.
    pub lighters: &'a Lighters,
    /// The hidden deltas of image b in row b. An image that lights a pixel and has no row here is refused with a panic.
    pub deltas: &'a Panel,
    /// One over the size of the batch.
    pub scale: f32,
}

impl Gradient for OfBatch<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.lighters.pixels.len()
    }

    #[inline(always)]
    fn vectors(&self) -> usize {
        self.deltas.vectors()
    }

    #[inline(always)]
    fn rows(
        &self,
        visits: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
        self.lighters.pixels[visits].iter().map(|&pixel| (usize::from(pixel), self.scale))
    }

    #[inline(always)]
    fn tile<const T: usize>(&self, row: usize, first: usize) -> [f32xN; T] {
        self.sum(row, first)
    }
}

impl OfBatch<'_> {
    /// Vectors `first..first + T` of the sum for a row.
    #[inline(always)]
    fn sum<const T: usize>(&self, row: usize, first: usize) -> [f32xN; T] {
        let (deltas, stride) = (self.deltas.as_vectors(), self.deltas.vectors());
        let mut sums = [[f32xN::ZERO; T]; 2];
        let add = |sum: &mut [f32xN; T], &Lighter { image, value }: &Lighter| {
            let value = f32xN::splat(value);
            let delta: &[f32xN; T] =
                deltas[image as usize * stride + first..].first_chunk().expect("a tile lies within a row");
            for v in 0..T {
                sum[v] = delta[v].mul_add(value, sum[v]);
            }
        };
        // Narrow tiles take two images at once, so that a sum does not wait for the last addition to it.
        let lighters = self.lighters.of(row);
        let (pairs, rest) = if 2 * T <= TILE { lighters.as_chunks() } else { (&[][..], lighters) };
        for [one, other] in pairs {
            add(&mut sums[0], one);
            add(&mut sums[1], other);
        }
        rest.iter().for_each(|lighter| add(&mut sums[0], lighter));
        core::array::from_fn(|v| sums[0][v] + sums[1][v])
    }
}

/// A batch's lit pixels turned around: for every pixel, the images that light it and how brightly. A sort by buckets, so
/// images stay in their order and sums are taken in it.
#[derive(Clone, Debug, Default)]
pub struct Lighters {
    /// Pixels lit by any image of the batch, ascending.
    pixels: Vec<u16>,
    /// Where each pixel's entries start, and where they end.
    start: Vec<usize>,
    end: Vec<usize>,
    /// Those of all pixels; what lies between them is left from earlier batches.
    entries: Vec<Lighter>,
}

/// An image that lights a pixel.
#[derive(Clone, Copy, Debug, Default)]
struct Lighter {
    /// Its number in the batch.
    image: u32,
    /// The pixel's value in it.
    value: f32,
}

/// Images at most for which every pixel gets room for all of them: the room of larger batches would not stay in caches.
const FEW: usize = 256;

impl Lighters {
    /// Takes in a batch of images of `inputs` pixels.
    ///
    /// # Panics
    /// If an image lights a pixel that is not there.
    pub fn turn<'a>(&mut self, inputs: usize, batch: impl ExactSizeIterator<Item = Lit<'a>> + Clone) {
        let room = if batch.len() <= FEW {
            self.give_all_the_same(inputs, batch.len())
        } else {
            self.give_as_needed(inputs, batch.clone())
        };
        if self.entries.len() < room {
            self.entries.resize(room, Lighter::default());
        }
        self.end.clone_from(&self.start);
        let (entries, end) = (&mut self.entries[..room], &mut self.end[..]);
        for (image, lit) in (0..).zip(batch) {
            for (&j, &value) in lit.index().iter().zip(lit.value()) {
                let place = &mut end[usize::from(j)];
                entries[*place] = Lighter { image, value };
                *place += 1;
            }
        }
        self.pixels.clear();
        for (pixel, (start, end)) in self.start.iter().zip(&self.end).enumerate() {
            if start < end {
                self.pixels.push(u16::try_from(pixel).expect("inputs are numbered by u16"));
            }
        }
    }

    /// Room for `images` at every pixel. Returns how much that is in all.
    fn give_all_the_same(&mut self, inputs: usize, images: usize) -> usize {
        // Whole lines, and an odd number of them, lest the starts of all pixels fall on a few places of the cache.
        const LINE: usize = 64 / size_of::<Lighter>();
        let room = LINE * (images.div_ceil(LINE) | 1);
        self.start.clear();
        self.start.extend((0..inputs).map(|pixel| pixel * room));
        inputs * room
    }

    /// As much room at every pixel as there are images that light it.
    fn give_as_needed<'a>(&mut self, inputs: usize, batch: impl Iterator<Item = Lit<'a>>) -> usize {
        self.start.clear();
        self.start.resize(inputs, 0);
        for lit in batch {
            lit.index().iter().for_each(|&j| self.start[usize::from(j)] += 1);
        }
        let mut all = 0;
        for start in &mut self.start {
            all += core::mem::replace(start, all);
        }
        all
    }

    /// The pixels that any image lights, ascending.
    pub fn pixels(&self) -> impl Iterator<Item = usize> {
        self.pixels.iter().map(|&pixel| usize::from(pixel))
    }

    /// The images that light `pixel`, with its value there.
    #[inline(always)]
    fn of(&self, pixel: usize) -> &[Lighter] {
        &self.entries[self.start[pixel]..self.end[pixel]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_finds_its_images_in_their_order() {
        const INPUTS: usize = 23;
        let mut lighters = Lighters::default();
        for images in [300, 0, 1, 7, 8, 9, FEW - 1, FEW, FEW + 1, 3] {
            let lights =
                |image: usize, pixel: usize| pixel != 5 && (image * 7 + pixel * pixel).is_multiple_of(3);
            let value = |image: usize, pixel: usize| (image * INPUTS + pixel + 1) as f32;
            let lit = |image: usize| (0..INPUTS).filter(move |&pixel| lights(image, pixel));
            let rows: Vec<(Vec<u16>, Vec<f32>)> = (0..images)
                .map(|image| lit(image).map(|pixel| (pixel as u16, value(image, pixel))).unzip())
                .collect();
            lighters.turn(INPUTS, rows.iter().map(|(index, value)| Lit::new(index, value)));

            let seen = |pixel: &usize| (0..images).any(|image| lights(image, *pixel));
            assert!(lighters.pixels().eq((0..INPUTS).filter(seen)), "{images} images");
            for pixel in 0..INPUTS {
                let want = (0..images).filter(|&image| lights(image, pixel));
                let found = lighters.of(pixel).iter().map(|lighter| (lighter.image as usize, lighter.value));
                assert!(
                    found.eq(want.map(|image| (image, value(image, pixel)))),
                    "{images} images, pixel {pixel}"
                );
            }
        }
    }
}
