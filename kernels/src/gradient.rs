//! Where a row's gradient comes from. It is made in registers, a tile at a time, and never stored.

use crate::lanes::{TILE, f32x8};
use crate::lit::Lit;
use crate::panel::Panel;
use core::ops::Range;

/// The gradient of a layer: for some of its rows, in ascending order, a scalar factor times a vector along the lanes.
/// All other rows have a zero gradient.
pub trait Gradient: Sync {
    /// How many rows have a gradient.
    fn len(&self) -> usize;

    /// Vectors in a row.
    fn vectors(&self) -> usize;

    /// Those in `visits`, counted from 0 to [`len`](Self::len): the row's number and its scalar factor.
    fn rows(&self, visits: Range<usize>)
    -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator;

    /// Vectors `first..first + T` of a row's gradient before the factor, for the row of the number asked for. What all
    /// rows share is loaded once.
    fn tile<const T: usize>(&self, first: usize) -> impl Fn(usize) -> [f32x8; T];

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
fn load<const T: usize>(vectors: &[f32x8], first: usize) -> [f32x8; T] {
    *vectors[first..].first_chunk().expect("a tile lies within a row")
}

/// One image, first layer: row j is x_j d1 for every lit pixel j.
pub struct OfImage<'a> {
    /// The image's lit pixels.
    pub lit: Lit<'a>,
    /// The hidden deltas d1, `[Hp]`.
    pub deltas: &'a [f32x8],
}

impl Gradient for OfImage<'_> {
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
    fn tile<const T: usize>(&self, first: usize) -> impl Fn(usize) -> [f32x8; T] {
        let tile = load(self.deltas, first);
        move |_| tile
    }
}

/// One image, second layer: row k is d2_k h for every output k.
pub struct OfOutputs<'a> {
    /// The output deltas d2, one per output.
    pub deltas: &'a [f32],
    /// The hidden activations h, `[Hp]`.
    pub hidden: &'a [f32x8],
}

impl Gradient for OfOutputs<'_> {
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
    fn tile<const T: usize>(&self, first: usize) -> impl Fn(usize) -> [f32x8; T] {
        let tile = load(self.hidden, first);
        move |_| tile
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
    fn tile<const T: usize>(&self, first: usize) -> impl Fn(usize) -> [f32x8; T] {
        move |row| load(self.sums.row_vectors(row), first)
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
    fn tile<const T: usize>(&self, first: usize) -> impl Fn(usize) -> [f32x8; T] {
        move |row| self.sum(row, first)
    }
}

impl OfBatch<'_> {
    /// Vectors `first..first + T` of the sum for a row.
    #[inline(always)]
    fn sum<const T: usize>(&self, row: usize, first: usize) -> [f32x8; T] {
        let (deltas, stride) = (self.deltas.as_vectors(), self.deltas.vectors());
        let mut sums = [[f32x8::ZERO; T]; 2];
        let add = |sum: &mut [f32x8; T], &Lighter { image, value }: &Lighter| {
            let value = f32x8::splat(value);
            let delta: &[f32x8; T] =
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

/// A batch's lit pixels turned around: for every pixel, the images that light it and how brightly. A counting sort, so
/// images stay in their order and sums are taken in it.
#[derive(Clone, Debug, Default)]
pub struct Lighters {
    /// Pixels lit by any image of the batch, ascending.
    pixels: Vec<u16>,
    /// Pixel j's entries end at `end[j]`, and start where the pixel before it ends.
    end: Vec<u32>,
    /// Those of all pixels, one pixel's after another's; what lies beyond the last is left from earlier batches.
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

impl Lighters {
    /// Takes in a batch of images of `inputs` pixels.
    ///
    /// # Panics
    /// If an image lights a pixel that is not there.
    pub fn turn<'a>(&mut self, inputs: usize, batch: impl Iterator<Item = Lit<'a>> + Clone) {
        self.end.clear();
        self.end.resize(inputs, 0);
        let end = &mut self.end[..];
        for lit in batch.clone() {
            for &j in lit.index() {
                end[usize::from(j)] += 1;
            }
        }
        self.pixels.clear();
        let mut total = 0;
        for (j, end) in end.iter_mut().enumerate() {
            if *end > 0 {
                self.pixels.push(u16::try_from(j).expect("inputs are numbered by u16"));
            }
            let count = *end;
            *end = total; // the start for now: filling moves it to the end
            total += count;
        }
        if self.entries.len() < total as usize {
            self.entries.resize(total as usize, Lighter::default());
        }
        let entries = &mut self.entries[..total as usize];
        for (image, lit) in (0..).zip(batch) {
            for (&j, &value) in lit.index().iter().zip(lit.value()) {
                let place = &mut end[usize::from(j)];
                entries[*place as usize] = Lighter { image, value };
                *place += 1;
            }
        }
    }

    /// The pixels that any image lights, ascending.
    pub fn pixels(&self) -> impl Iterator<Item = usize> {
        self.pixels.iter().map(|&pixel| usize::from(pixel))
    }

    /// The images that light `pixel`, with its value there.
    #[inline(always)]
    fn of(&self, pixel: usize) -> &[Lighter] {
        let start = if pixel == 0 { 0 } else { self.end[pixel - 1] };
        &self.entries[start as usize..self.end[pixel] as usize]
    }
}
