//! Where a row's gradient comes from. It is made a tile at a time where it is needed, unless a dense product has made all of
//! it, or some rows are put down first, where there is much memory to go through.

use crate::groups::GROUP;
use crate::lanes::{f32xN, for_narrow_tiles};
use crate::lighters::{Lighters, add_products};
use crate::lit::Lit;
use crate::panel::Panel;
use crate::tiled::Tiled;
use core::ops::Range;

/// The gradient of a layer: for some of its rows, in ascending order or in that of [bands](Self::band), a scalar factor times a
/// vector along the lanes. All other rows have a zero gradient.
pub trait Gradient: Sync {
    /// Whether a tile of it needs so many registers that sweeps had better be narrow.
    const NARROW: bool = false;

    /// How many rows have a gradient.
    fn len(&self) -> usize;

    /// Vectors in a row.
    fn vectors(&self) -> usize;

    /// Those in `visits`, counted from 0 to [`len`](Self::len): the row's number and its scalar factor.
    fn rows(&self, visits: Range<usize>)
    -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator;

    /// Shows those in `visits` to `visitor`, from the last to the first: vectors `first..first + T` of their gradients.
    ///
    /// # Panics
    /// If `visits` begins or ends within a [band](Self::band).
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>);

    /// Whether no row has a gradient.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows are in order only as a whole: those before a multiple of this come before those from it on. The last of all
    /// is the greatest.
    fn band(&self) -> usize {
        1
    }

    /// Which of the rows that have a gradient lie in `rows`.
    ///
    /// # Panics
    /// If these begin or end within a [band](Self::band), and not behind all rows that have a gradient.
    fn within(&self, rows: &Range<usize>) -> Range<usize> {
        let row = |n: usize| self.rows(n..n + 1).next().map_or(usize::MAX, |(row, _)| row);
        let below = |limit: usize| {
            let (mut low, mut high) = (0, self.len());
            if low == high || row(high - 1) < limit {
                return high; // the usual case: the whole layer at once
            }
            assert!(limit.is_multiple_of(self.band()), "a block of rows ends where a band does");
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

/// Whoever is shown the gradients of rows, one after the other.
pub trait Visitor<const T: usize> {
    /// Vectors of the gradient of a row, before the scalar factor. `number` counts the rows of the same tour, from its first.
    /// Lent: where the loop over them is too long to be unrolled, a copy would be a call for each row.
    fn row(&mut self, number: usize, row: usize, factor: f32, gradient: &[f32xN; T]);
}

/// A tour of rows of which each has a gradient of its own, `gradient(number, row)`, or all the same one.
#[inline(always)]
pub(crate) fn one_by_one<'a, const T: usize>(
    rows: impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator,
    visitor: &mut impl Visitor<T>,
    gradient: impl Fn(usize, usize) -> &'a [f32xN; T],
) {
    for (number, (row, factor)) in rows.enumerate().rev() {
        visitor.row(number, row, factor, gradient(number, row));
    }
}

#[inline(always)]
pub(crate) fn tile<const T: usize>(vectors: &[f32xN], first: usize) -> &[f32xN; T] {
    vectors[first..].first_chunk().expect("a tile lies within a row")
}

/// One image, first layer: row j is x_j d1 for every lit pixel j.
pub struct OfImage<'a> {
    /// The image's lit pixels.
    pub lit: Lit<'a>,
    /// The hidden deltas d1, `[Hp]`.
    pub deltas: &'a [f32xN],
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
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
        let all = *tile(self.deltas, first);
        one_by_one(self.rows(visits), visitor, |_, _| &all);
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
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
        let all = *tile(self.hidden, first);
        one_by_one(self.rows(visits), visitor, |_, _| &all);
    }
}

/// A whole batch, second layer: row k is the sum of d2_bk h_b over the images b, taken while the weights are there to be
/// updated.
pub struct OfBatchOutputs<'a> {
    /// The output deltas d2 of image b in row b.
    pub deltas: &'a Panel,
    /// The hidden activations h of image b in row b.
    pub hidden: &'a Panel,
    /// How many images there are. There may be more rows; an image that has none is refused with a panic.
    pub images: usize,
    /// One over the size of the batch.
    pub scale: f32,
}

impl Gradient for OfBatchOutputs<'_> {
    const NARROW: bool = true;

    #[inline(always)]
    fn len(&self) -> usize {
        self.deltas.width()
    }

    #[inline(always)]
    fn vectors(&self) -> usize {
        self.hidden.vectors()
    }

    #[inline(always)]
    fn rows(
        &self,
        visits: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
        visits.map(|row| (row, self.scale))
    }

    /// A group of outputs at a time, as [`OfBatch`] has groups of inputs.
    #[inline(always)]
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
        for group in (visits.start / GROUP..visits.end.div_ceil(GROUP)).rev() {
            let sums = self.sums(group, first);
            for k in (0..GROUP).rev() {
                let row = group * GROUP + k;
                if visits.contains(&row) {
                    visitor.row(row - visits.start, row, self.scale, &sums[k]);
                }
            }
        }
    }
}

impl OfBatchOutputs<'_> {
    /// T vectors of the gradients of a group of outputs, before the factor. Those of padding are of no use to anybody.
    #[inline(always)]
    fn sums<const T: usize>(&self, group: usize, first: usize) -> [[f32xN; T]; GROUP] {
        let mut sums = [[f32xN::ZERO; T]; GROUP];
        for image in 0..self.images {
            let hidden = tile::<T>(self.hidden.row_vectors(image), first);
            let deltas: &[[f32; GROUP]] = bytemuck::cast_slice(self.deltas.row_vectors(image));
            add_products(deltas[group].map(f32xN::splat), hidden, &mut sums);
        }
        sums
    }
}

/// A whole batch, any layer: every row has been summed into a panel, by a dense product.
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
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
        one_by_one(self.rows(visits), visitor, |_, row| tile(self.sums.row_vectors(row), first));
    }
}

/// Rows of another gradient, put down beside each other, so that sweeps can take wider tiles than it is made in.
pub(crate) struct Gathered {
    rows: Vec<(usize, f32)>,
    /// `[row][vector]`, and perhaps what is left of more rows.
    sums: Vec<f32xN>,
    vectors: usize,
}

impl Gathered {
    /// Room for so many rows.
    pub(crate) fn new(rows: usize, vectors: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), sums: vec![f32xN::ZERO; rows * vectors], vectors }
    }

    /// Takes those in `visits` of `gradient` instead.
    ///
    /// # Panics
    /// If there are more than there is room for, they have another length, or `visits` begins or ends within a
    /// [band](Gradient::band).
    pub(crate) fn take<G: Gradient>(&mut self, gradient: &G, visits: Range<usize>) {
        let Self { rows, sums, vectors } = self;
        assert!(
            gradient.vectors() == *vectors && visits.len() * *vectors <= sums.len(),
            "rows that there is room for"
        );
        rows.clear();
        rows.extend(gradient.rows(visits.clone()));
        for_narrow_tiles!(*vectors, first, T => {
            gradient.tour::<T>(visits.clone(), first, &mut Put { first, vectors: *vectors, sums });
        });
    }
}

/// Puts down the gradients of rows, one beside the other, from vector `first` of each on.
struct Put<'a> {
    first: usize,
    vectors: usize,
    sums: &'a mut [f32xN],
}

impl<const T: usize> Visitor<T> for Put<'_> {
    #[inline(always)]
    fn row(&mut self, number: usize, _: usize, _: f32, gradient: &[f32xN; T]) {
        self.sums[number * self.vectors + self.first..][..T].copy_from_slice(gradient);
    }
}

impl Gradient for Gathered {
    #[inline(always)]
    fn len(&self) -> usize {
        self.rows.len()
    }

    #[inline(always)]
    fn vectors(&self) -> usize {
        self.vectors
    }

    #[inline(always)]
    fn rows(
        &self,
        visits: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
        self.rows[visits].iter().copied()
    }

    #[inline(always)]
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
        let sums = &self.sums[visits.start * self.vectors..];
        one_by_one(self.rows(visits), visitor, |number, _| tile(&sums[number * self.vectors..], first));
    }
}

/// A whole batch, first layer, by lit pixels: row j is the sum of x_bj d1_b over the images b that light pixel j, taken
/// while the weights of its group are there to be updated.
pub struct OfBatch<'a> {
    /// The images, in the order of their deltas.
    pub parts: &'a [Lighters],
    /// The rows that have a gradient: exactly those that [`Lighters::list`] finds in all parts.
    pub lit: &'a [u16],
    /// The hidden deltas of image b in row b. An image that has no row here is refused with a panic.
    pub deltas: &'a Tiled,
    /// One over the size of the batch.
    pub scale: f32,
}

impl Gradient for OfBatch<'_> {
    const NARROW: bool = true;

    #[inline(always)]
    fn len(&self) -> usize {
        self.lit.len()
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
        self.lit[visits].iter().map(|&pixel| (usize::from(pixel), self.scale))
    }

    /// A group at a time, whose sums are shown while they are in registers, where the rule is short: its four rows have places
    /// that are known beforehand.
    #[inline(always)]
    fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
        let lit = &self.lit[visits];
        let (Some(&first_row), Some(&last_row)) = (lit.first(), lit.last()) else { return };
        let (grouping, deltas, mut number) = (self.parts[0].grouping(), self.deltas.tile(first), lit.len());
        let [first_group, last_group] = [first_row, last_row].map(|row| grouping.group_of(row.into()));
        let is_whole = grouping.inputs_of(first_group).first() == Some(&first_row)
            && grouping.inputs_of(last_group).last() == Some(&last_row);
        assert!(is_whole, "a tour begins and ends where a band does");
        // Not by way of the rows' numbers: what is read of a group would wait for where it is.
        for group in (first_group..=last_group).rev() {
            if !Lighters::any_lights(self.parts, group) {
                continue;
            }
            let (sums, rows) = (self.sums(group, deltas), grouping.members(group));
            number -= rows.iter().flatten().count();
            for k in (0..GROUP).rev() {
                if let Some(row) = rows[k] {
                    visitor.row(number + k, row, self.scale, &sums[k]);
                }
            }
        }
    }

    /// A group's rows follow one another.
    fn band(&self) -> usize {
        self.parts.first().map_or(1, |part| part.grouping().band())
    }
}

impl OfBatch<'_> {
    /// T vectors of the gradients of a group's rows, before the factor; `deltas` are those of all images.
    #[inline(always)]
    fn sums<const T: usize>(&self, group: usize, mut deltas: &[[f32xN; T]]) -> [[f32xN; T]; GROUP] {
        let mut sums = [[f32xN::ZERO; T]; GROUP];
        for part in self.parts {
            let of_part;
            (of_part, deltas) = deltas.split_at(part.len());
            part.add(group, of_part, &mut sums);
        }
        sums
    }
}

/// In whole numbers, so exact, whatever the order of sums.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::Groups;
    use crate::lanes::{LANES, NARROW_TILE};
    use core::array;

    /// Two vectors, the second not full.
    const WIDTH: usize = LANES + 3;

    /// Demands that a gradient has these rows and factors, and what `of(row, number)` says before the factor.
    fn assert_is(gradient: &impl Gradient, rows: &[(usize, f32)], of: impl Fn(usize, usize) -> f32) {
        assert_eq!((gradient.len(), gradient.is_empty()), (rows.len(), rows.is_empty()));
        assert_eq!(gradient.vectors(), 2);
        let end = rows.last().map_or(0, |&(row, _)| row + 2);
        for start in 0..=rows.len() {
            for end in start..=rows.len() {
                assert!(gradient.rows(start..end).eq(rows[start..end].iter().copied()), "{start}..{end}");
            }
        }
        let band = gradient.band();
        for start in (0..=end).step_by(band) {
            for end in (start..=end + band).step_by(band) {
                let within = rows.iter().filter(|(row, _)| (start..end).contains(row));
                let found = gradient.within(&(start..end));
                assert!(rows[found.clone()].iter().eq(within), "of the rows {start}..{end}");
                let shown = shown::<2>(gradient, found.clone(), 0);
                assert_eq!(shown.len(), found.len(), "of the rows {start}..{end}");
                for ((row, factor, vectors), want) in shown.iter().zip(&rows[found]) {
                    assert_eq!((*row, *factor), *want, "of the rows {start}..{end}");
                    let want: [f32; 2 * LANES] =
                        array::from_fn(|i| if i < WIDTH { of(*row, i) } else { 0.0 });
                    assert_eq!(bytemuck::cast_slice::<_, f32>(vectors), want, "row {row}");
                }
            }
        }
    }

    /// What a tour shows: rows, factors and gradients, in the order of their numbers.
    fn shown<const T: usize>(
        gradient: &impl Gradient,
        visits: Range<usize>,
        first: usize,
    ) -> Vec<(usize, f32, [f32xN; T])> {
        struct Seen<const T: usize>(usize, Vec<(usize, f32, [f32xN; T])>);
        impl<const T: usize> Visitor<T> for Seen<T> {
            fn row(&mut self, number: usize, row: usize, factor: f32, gradient: &[f32xN; T]) {
                let Self(next, seen) = self;
                *next -= 1;
                assert_eq!(number, *next, "the last comes first");
                seen.push((row, factor, *gradient));
            }
        }
        let mut seen = Seen(visits.len(), Vec::new());
        gradient.tour(visits, first, &mut seen);
        let Seen(_, mut seen) = seen;
        seen.reverse();
        seen
    }

    /// Demands that the second vector of a row can be had alone.
    fn assert_has_parts(gradient: &impl Gradient) {
        let (both, second) =
            (shown::<2>(gradient, 0..gradient.len(), 0), shown::<1>(gradient, 0..gradient.len(), 1));
        assert_eq!(both.len(), second.len());
        for ((row, _, both), (same_row, _, second)) in both.iter().zip(&second) {
            assert_eq!((row, &both[1..]), (same_row, &second[..]));
        }
    }

    #[test]
    fn of_an_image_and_of_its_outputs() {
        let numbers = Panel::from_fn(1, WIDTH, |_, i| i as f32 + 1.0);
        let vectors = numbers.as_vectors();
        for lit in 0..=3 {
            let (index, value) = (&[1, 4, 9][..lit], &[3.0, 5.0, 7.0][..lit]);
            let rows = [(1, 3.0), (4, 5.0), (9, 7.0)];
            let gradient = OfImage { lit: Lit::new(index, value), deltas: vectors };
            assert_is(&gradient, &rows[..lit], |_, i| numbers.row(0)[i]);
            assert_has_parts(&gradient);
        }
        let gradient = OfOutputs { deltas: &[3.0, 5.0, 7.0], hidden: vectors };
        assert_is(&gradient, &[(0, 3.0), (1, 5.0), (2, 7.0)], |_, i| numbers.row(0)[i]);
    }

    #[test]
    fn of_a_dense_product() {
        let sums = Panel::from_fn(3, WIDTH, |row, i| (10 * row + i) as f32);
        let rows = [(0, 0.5), (1, 0.5), (2, 0.5)];
        let gradient = OfMatrix { sums: &sums, scale: 0.5 };
        assert_is(&gradient, &rows, |row, i| sums.row(row)[i]);
        assert_has_parts(&gradient);
    }

    #[test]
    #[should_panic(expected = "a tour begins and ends where a band does")]
    fn a_tour_does_not_begin_within_a_group() {
        let mut part = Lighters::new(&Groups::of_inputs(GROUP));
        part.turn_dense(&array::from_fn(|level| level as f32), [[1; GROUP]].into_iter());
        let (parts, mut lit) = ([part], Vec::new());
        Lighters::list(&parts, &mut lit);
        let deltas = Tiled::of(&Panel::zeros(1, 1), 1);
        shown::<1>(&OfBatch { parts: &parts, lit: &lit, deltas: &deltas, scale: 1.0 }, 1..GROUP, 0);
    }

    #[test]
    fn of_the_outputs_of_a_batch() {
        const OUTPUTS: usize = GROUP + 2;
        let deltas = Panel::from_fn(4, OUTPUTS, |image, k| (image + 10 * k) as f32);
        let hidden = Panel::from_fn(4, WIDTH, |image, i| (3 * image + i) as f32);
        let gradient = OfBatchOutputs { deltas: &deltas, hidden: &hidden, images: 3, scale: 0.5 };
        let rows = array::from_fn::<_, OUTPUTS, _>(|k| (k, 0.5));
        let sum = |k: usize, i: usize| (0..3).map(|b| deltas.row(b)[k] * hidden.row(b)[i]).sum();
        assert_is(&gradient, &rows, sum);
        assert_has_parts(&gradient);
    }

    #[test]
    fn of_a_batch_by_lit_pixels() {
        assert_is_of_a_batch(0.0, &[0, 1, 2, 3, 8, 9, 10, 11, 12, 13]);
    }

    #[test]
    fn of_a_batch_whose_dark_pixels_are_inputs_too() {
        assert_is_of_a_batch(3.0, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    }

    /// Demands that these rows have a gradient, where dark inputs have such a value. Of groups 0 to 3, the images light input 1,
    /// inputs 8 to 11, and of the last two, one.
    fn assert_is_of_a_batch(dark: f32, lit_rows: &[usize]) {
        const INPUTS: usize = 3 * GROUP + 2;
        const IMAGES: [[u8; INPUTS]; 3] = [
            [0, 1, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0],
            [0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 6, 7, 0, 8],
        ];
        let levels = array::from_fn(|level| dark + level as f32);
        let value = |image: usize, input: usize| dark + f32::from(IMAGES[image][input]);
        let parts = [&IMAGES[..2], &IMAGES[2..]].map(|images| {
            let mut part = Lighters::new(&Groups::of_inputs(INPUTS));
            part.turn_dense(&levels, images.iter().copied());
            part
        });
        let mut lit = Vec::new();
        Lighters::list(&parts, &mut lit);
        let rows: Vec<_> = lit_rows.iter().map(|&row| (row, 0.25)).collect();
        let deltas = Panel::from_fn(4, WIDTH, |image, i| (10 * image + i) as f32);
        let tiled = Tiled::of(&deltas, 3);
        let gradient = OfBatch { parts: &parts, lit: &lit, deltas: &tiled, scale: 0.25 };
        let sum = |row: usize, i: usize| (0..IMAGES.len()).map(|b| value(b, row) * deltas.row(b)[i]).sum();
        assert_is(&gradient, &rows, sum);

        let mut gathered = Gathered::new(rows.len() + 1, gradient.vectors());
        gathered.take(&gradient, 0..rows.len());
        assert_has_parts(&gathered);
        assert_is(&gathered, &rows, sum);

        let deltas = Panel::from_fn(3, NARROW_TILE * LANES + 1, |image, i| (10 * image + i) as f32);
        let (tiled, vectors) = (Tiled::of(&deltas, 3), deltas.vectors());
        let gradient = OfBatch { parts: &parts, lit: &lit, deltas: &tiled, scale: 0.25 };
        for_narrow_tiles!(vectors, first, T => {
            for (row, _, vectors) in shown::<T>(&gradient, 0..rows.len(), first) {
                let want = array::from_fn(|v| {
                    let of_image = |b: usize| deltas.row_vectors(b)[first + v] * f32xN::splat(value(b, row));
                    of_image(0) + of_image(1) + of_image(2)
                });
                assert_eq!(vectors, want, "row {row}, vectors from {first} on");
            }
        });
    }
}
