//! Looking ahead: what images that are learned one after another do to each other's net inputs, under a rule whose updates
//! [add up](crate::rule::Rule::ADDS_UP).
//!
//! ```text
//! h_k[i] = sum_j x_kj w_k[j][i]                                      w_k, the weights that image k meets,
//!        = sum_j x_kj w_0[j][i] - sum_{s<k} g[k][s] d_s[i]           are w_0[j][i] - sum_{s<k} x_sj d_s[i]
//!
//! g[k][s] = sum_j x_kj x_sj   [images][images]      d_s  the hidden deltas of image s, times its rate, [Hp]
//!
//! momentum:  h_k[i] = sum_j x_kj (z_0[j][i] + c_k y_0[j][i]) - sum_{s<k} e_{k-1-s} g[k][s] d_s[i]
//!            z_0, y_0, c_k: what weights are derived of (`rules::MomentumAtRest`), where they come to rest and velocities, which
//!            image 0 meets, and how far these have to go after k updates; e_n, what of a gradient the weights have lost, n updates
//!            after its own, as a part of what has been taken off z for it
//!
//!            where all that is remembered comes of a block of images before, which z has lost d_s of already:
//!
//!            h_k[i] = sum_j x_kj z_0[j][i] + sum_{s before} (1 - e_n) g[k][s] d_s[i] - sum_{s<k} ...    n, the updates between
//!
//! plain:  for k in images { for s in 0..k { for j in inputs { g[k][s] += x[k][j] * x[s][j] } } }
//!         for k in images { for s in 0..k { for i in 0..H { h[k][i] -= g[k][s] * d[s][i] } } d[k] = deltas(h[k]) }
//! ```
//!
//! So the first layer's weights are read once for all of these images, and written once. What comes of it is what comes of one
//! image after the other, up to rounding, and up to what is left out of updates before the block: less than 2^-19 of each.
//!
//! Departures from the plain loops, and why each keeps the result:
//!
//! 1. An image's products are summed along the groups of inputs that it lights, where [`Lighters`] have the grey levels of all
//!    images side by side; whole vectors of images, so the last has some that are not before it. Levels are multiplied, and
//!    their products scaled at the end; where level 0 has a value, what that adds comes of the sums of their levels.
//! 2. What some neighbours do to all images after them is taken off when the last of them is known. A tile of their deltas
//!    stays in registers meanwhile. Only what they do to each other is taken off one by one.
//!
//! Cost for two images: an FMA for each vector of hidden units; for each group that the later one lights, 7/LANES operations, or
//! 2/LANES where bytes can be multiplied (`levels.rs`).

use crate::groups::GROUP;
use crate::lanes::{LANES, REGISTERS, f32xN, for_tile, for_tiles, i32xN, vectors};
use crate::levels::{Levels, Sums};
use crate::lighters::{Lighters, total};
use core::array;
use core::ops::Range;

/// Images whose deltas stay in registers while those after them pass.
pub const NEIGHBOURS: usize = 8;
/// Vectors of a row that are taken at a time meanwhile.
const TILE: usize = if REGISTERS > 16 { 2 } else { 1 };

/// The products g of some images with each other, or with others that came before all of them.
#[derive(Clone, Debug, Default)]
pub struct Products {
    images: usize,
    /// Those that they are multiplied with: themselves, or the others.
    earlier: usize,
    /// `[image][earlier image]`, rows padded to whole vectors. With each other, what is not left of the diagonal means nothing.
    rows: Vec<f32xN>,
}

impl Products {
    /// Those of the images that `lighters` took in from the same lists instead, where levels are evenly spaced. What a group has
    /// beyond its inputs has level 0.
    ///
    /// # Panics
    /// If there is no image, or there are fewer than there, one lights a group that is not there, or there are more than 32,768
    /// inputs.
    pub fn of_lit<'a>(
        &mut self,
        lighters: &Lighters,
        images: impl Iterator<Item = (&'a [u16], &'a [[u8; GROUP]])>,
    ) {
        self.with_lit(lighters.len(), lighters, images, |image| 0..image);
    }

    /// Those of `count` images with the ones that `earlier` took in instead, which came before all of them: the last `span` before
    /// each image, as far as they are there. The others' are zero, or theirs.
    ///
    /// # Panics
    /// As [`of_lit`](Self::of_lit) does.
    pub fn of_lit_with<'a>(
        &mut self,
        count: usize,
        earlier: &Lighters,
        images: impl Iterator<Item = (&'a [u16], &'a [[u8; GROUP]])>,
        span: usize,
    ) {
        self.with_lit(count, earlier, images, |image| {
            (image + earlier.len()).saturating_sub(span)..earlier.len()
        });
    }

    /// Those of `count` images with the ones in the range that `with` says, at least, of those in `lighters`.
    fn with_lit<'a>(
        &mut self,
        count: usize,
        lighters: &Lighters,
        mut images: impl Iterator<Item = (&'a [u16], &'a [[u8; GROUP]])>,
        with: impl Fn(usize) -> Range<usize>,
    ) {
        assert!(count > 0 && !lighters.is_empty(), "products are those of images");
        assert!(lighters.grouping().inputs() <= MOST_INPUTS, "products of more levels would overflow");
        let n = self.clear(count, lighters.len());
        let (dark, inputs) = (lighters.level(0), lighters.grouping().inputs() as f32);
        let step = (lighters.level(255) - dark) / 255.0;
        // Of values dark + step p and dark + step q: the part for p q, that for p + q, and what is left for each input.
        let [unit, slope, least] = [step * step, dark * step, inputs * dark * dark].map(f32xN::splat);
        for (image, row) in self.rows.chunks_exact_mut(n).enumerate() {
            let (groups, greys) = images.next().expect("an image that was counted");
            let Range { start, end } = with(image);
            let first = start / LANES;
            for_tile!(@widths 1 2 3 4 5 6 7 8, end.div_ceil(LANES).saturating_sub(first), T => {
                let products: [i32xN; T] = products(lighters, first, groups, greys);
                for (to, product) in row[first..].iter_mut().zip(products) {
                    *to = product.round_float() * unit;
                }
                if dark != 0.0 {
                    let own = i32xN::splat(total(greys));
                    for (to, &others) in row[first..].iter_mut().zip(&lighters.totals()[first..][..T]) {
                        *to += (others + own).round_float().mul_add(slope, least);
                    }
                }
            }, else assert!(start >= end, "{} images at most", Lighters::IMAGES));
        }
    }

    /// Weighs those of images with each other by what the weights have lost by the earlier image's update when the later one comes:
    /// `seen` says how much of it they have after 0, 1, 2, ... further updates.
    ///
    /// # Panics
    /// If `seen` ends too soon.
    pub fn weigh(&mut self, seen: &[f32]) {
        let (images, n) = (self.images, vectors(self.earlier));
        let latest_last: Vec<f32> = seen[..images].iter().rev().copied().collect();
        for (image, row) in self.rows.chunks_exact_mut(n).enumerate() {
            multiply(row, &latest_last[images - image..]);
        }
    }

    /// Weighs those with images that came before all by what is given back to the weights which have lost all of the earlier image's
    /// update: what is still to come of it when the later one comes, so with a minus. `to_come` says how much that is after 0, 1,
    /// 2, ... further updates.
    ///
    /// # Panics
    /// If `to_come` ends too soon.
    pub fn weigh_earlier(&mut self, to_come: &[f32]) {
        let Self { images, earlier, .. } = *self;
        let latest_last: Vec<f32> = to_come[..images + earlier - 1].iter().rev().map(|part| -part).collect();
        for (image, row) in self.rows.chunks_exact_mut(vectors(earlier)).enumerate() {
            multiply(row, &latest_last[images - 1 - image..][..earlier]);
        }
    }

    /// Makes room for so many images and others before them, and says how many vectors a row has.
    fn clear(&mut self, images: usize, earlier: usize) -> usize {
        (self.images, self.earlier) = (images, earlier);
        self.rows.clear();
        self.rows.resize(images * vectors(earlier), f32xN::ZERO);
        vectors(earlier)
    }

    /// The products of an image with all earlier ones.
    fn of(&self, image: usize) -> &[f32] {
        let n = vectors(self.earlier);
        bytemuck::cast_slice(&self.rows[image * n..][..n])
    }

    /// Brings the net inputs of `image` to what they are after the updates of all images before it. These have been here before,
    /// one by one, with the same `sums`, a row for each image; `deltas` has their deltas, times their rates, in the rows
    /// before that of `image`.
    ///
    /// # Panics
    /// If there is no such image, or `sums` or `deltas` don't have a row for each.
    pub fn meet(&self, image: usize, deltas: &[f32xN], sums: &mut [f32xN]) {
        assert!(image < self.images, "image {image} is one of {}", self.images);
        let n = sums.len() / self.images;
        assert!(sums.len() == self.images * n && deltas.len() == sums.len(), "a row for each image");
        let first = image - image % NEIGHBOURS;
        if image == first && first > 0 {
            let neighbours = &deltas[(first - NEIGHBOURS) * n..first * n];
            self.pass_on(first - NEIGHBOURS, neighbours, first, &mut sums[first * n..]);
        }
        let row = &mut sums[image * n..][..n];
        for (deltas, &g) in deltas[first * n..].chunks_exact(n).zip(&self.of(image)[first..image]) {
            let g = f32xN::splat(g);
            for (sum, &delta) in row.iter_mut().zip(deltas) {
                *sum = delta.mul_neg_add(g, *sum);
            }
        }
    }

    /// Gives back to net inputs what is still to come of the updates of images that came before all of these, with products that
    /// are [weighed](Self::weigh_earlier) for that. The images before have their `deltas`, times their rates, in rows, of which there
    /// is a multiple of [`NEIGHBOURS`]. An image meets the last `span` before it, at least.
    ///
    /// # Panics
    /// If `sums` has not a row for each image, or `deltas` too few for all that came before.
    pub fn meet_earlier(&self, deltas: &[f32xN], sums: &mut [f32xN], span: usize) {
        let n = sums.len() / self.images;
        assert_eq!(sums.len(), self.images * n, "a row for each image");
        for first in (0..self.earlier).step_by(NEIGHBOURS) {
            // Those that notice the last of these neighbours.
            let images =
                (first + NEIGHBOURS).saturating_add(span).saturating_sub(self.earlier).min(self.images);
            self.pass_on(first, &deltas[first * n..(first + NEIGHBOURS) * n], 0, &mut sums[..images * n]);
        }
    }

    /// Takes what some neighbours, from `first` on, have done to images after them off the net inputs of these, from `image` on.
    fn pass_on(&self, first: usize, deltas: &[f32xN], image: usize, sums: &mut [f32xN]) {
        let n = deltas.len() / NEIGHBOURS;
        let within = "a tile lies within a row";
        for_tiles!(@most TILE, @widths 1 2, n, start, T => {
            let delta: [[f32xN; T]; NEIGHBOURS] =
                array::from_fn(|s| *deltas[s * n + start..].first_chunk().expect(within));
            for (image, row) in (image..).zip(sums.chunks_exact_mut(n)) {
                let g: &[f32; NEIGHBOURS] = self.of(image)[first..].first_chunk().expect("a product with each");
                let row: &mut [f32xN; T] = row[start..].first_chunk_mut().expect(within);
                for s in 0..NEIGHBOURS {
                    let g = f32xN::splat(g[s]);
                    for v in 0..T {
                        row[v] = delta[s][v].mul_neg_add(g, row[v]);
                    }
                }
            }
        });
    }
}

/// Multiplies a row of products by so many `factors`, and what is behind them by zero.
fn multiply(row: &mut [f32xN], factors: &[f32]) {
    let products: &mut [f32] = bytemuck::cast_slice_mut(row);
    let (products, rest) = products.split_at_mut(factors.len());
    for (product, factor) in products.iter_mut().zip(factors) {
        *product *= factor;
    }
    rest.fill(0.0);
}

/// Inputs at most of which products are numbers of 32 bits: of level 255, they come to 0.99 x 2^31.
const MOST_INPUTS: usize = 1 << 15;

/// The products of grey levels of the image that lights these `groups` with T vectors of images, from `first` on: whole numbers.
#[inline(always)]
fn products<const T: usize>(
    lighters: &Lighters,
    first: usize,
    groups: &[u16],
    greys: &[[u8; GROUP]],
) -> [i32xN; T] {
    let mut turns = [[Sums::ZERO; T]; Sums::TURNS];
    let add = |sums: &mut [Sums; T], group: u16, grey: [u8; GROUP]| {
        let own = Levels::new(grey);
        let images = lighters.greys(group.into())[first..]
            .first_chunk::<T>()
            .expect("a group has a place for each image");
        for (sum, &images) in sums.iter_mut().zip(images) {
            own.add_products(images, sum);
        }
    };
    let (groups, last) = groups.as_chunks::<{ Sums::TURNS }>();
    let (greys, last_greys) = greys.as_chunks::<{ Sums::TURNS }>();
    for (groups, greys) in groups.iter().zip(greys) {
        for (turn, sums) in turns.iter_mut().enumerate() {
            add(sums, groups[turn], greys[turn]);
        }
    }
    for (&group, &grey) in last.iter().zip(last_greys) {
        add(&mut turns[0], group, grey);
    }
    array::from_fn(|v| turns.iter().fold(i32xN::ZERO, |sum, sums| sum + sums[v].total()))
}

/// In whole numbers, so exact, whatever the order of sums.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::Groups;
    use crate::panel::Panel;

    /// The last of three groups has two.
    const INPUTS: usize = 2 * GROUP + 2;

    /// A third of the inputs are lit, some to the full; image 5 is dark.
    fn image(number: usize) -> [u8; INPUTS] {
        array::from_fn(|input| match (number, (number + input) % 3) {
            (5, _) | (_, 1 | 2) => 0,
            (3, 0) => 255,
            _ => (1 + (7 * number + 5 * input) % 40) as u8,
        })
    }

    /// What images light.
    type Lists = Vec<(Vec<u16>, Vec<[u8; GROUP]>)>;

    /// The values of dark inputs: none, and one that is no step from a level to the next.
    const DARK: [f32; 2] = [0.0, 4.0];

    fn value(level: u8, dark: f32) -> f32 {
        dark + 2.0 * f32::from(level)
    }

    /// The images with these numbers as lists, and turned around.
    fn both_ways(numbers: Range<usize>, dark: f32) -> (Lists, Lighters) {
        let groups = Groups::of_inputs(INPUTS);
        let lists: Lists = numbers.map(|number| groups.lit_in(&image(number)).unzip()).collect();
        let mut lighters = Lighters::new(&groups);
        lighters.turn(&array::from_fn(|level| value(level as u8, dark)), borrowed(&lists));
        (lists, lighters)
    }

    fn borrowed(lists: &Lists) -> impl Iterator<Item = (&[u16], &[[u8; GROUP]])> {
        lists.iter().map(|(numbers, greys)| (&numbers[..], &greys[..]))
    }

    /// Some that have been of others.
    fn used() -> Products {
        Products { images: 9, earlier: 16, rows: vec![f32xN::ONE; 9 * vectors(16)] }
    }

    fn products(images: usize, dark: f32) -> Products {
        let (lists, lighters) = both_ways(0..images, dark);
        let mut products = used();
        products.of_lit(&lighters, borrowed(&lists));
        products
    }

    /// Of images with others that came before all of them.
    fn products_with(images: usize, earlier: usize, span: usize, dark: f32) -> Products {
        let (lists, _) = both_ways(earlier..earlier + images, dark);
        let (_, lighters) = both_ways(0..earlier, dark);
        let mut products = used();
        products.of_lit_with(images, &lighters, borrowed(&lists), span);
        products
    }

    fn product(one: usize, other: usize, dark: f32) -> f32 {
        let pairs = image(one).into_iter().zip(image(other));
        pairs.map(|(p, q)| value(p, dark) * value(q, dark)).sum()
    }

    #[test]
    fn products_are_those_of_the_plain_loop() {
        for images in [1, 2, LANES, LANES + 1, Lighters::IMAGES] {
            for dark in DARK {
                let products = products(images, dark);
                for (later, earlier) in (0..images).flat_map(|later| (0..later).map(move |s| (later, s))) {
                    let want = product(later, earlier, dark);
                    assert_eq!(products.of(later)[earlier], want, "{earlier}, {later}, {dark}");
                }
            }
        }
    }

    #[test]
    fn what_is_taken_later_is_weighed_by_how_much_later() {
        const IMAGES: usize = LANES + 3;
        let mut products = products(IMAGES, 0.0);
        products.weigh(&(1_u16..).map(f32::from).take(IMAGES).collect::<Vec<_>>());
        for (later, earlier) in (0..IMAGES).flat_map(|later| (0..later).map(move |s| (later, s))) {
            let want = product(later, earlier, 0.0) * (later - earlier) as f32;
            assert_eq!(products.of(later)[earlier], want, "{earlier}, {later}");
        }
    }

    /// Of an update, four less for each further one are to come, and nothing from some span on.
    #[test]
    fn images_meet_those_before_all_of_them() {
        for (images, earlier) in
            [(1, 1), (3, NEIGHBOURS), (LANES + 1, NEIGHBOURS + 1), (33, Lighters::IMAGES)]
        {
            for span in [0, 1, NEIGHBOURS, 30, 200] {
                for dark in DARK {
                    let mut products = products_with(images, earlier, span, dark);
                    let to_come = |later: usize| 4.0 * span.saturating_sub(later) as f32;
                    products.weigh_earlier(&(0..images + earlier).map(to_come).collect::<Vec<_>>());
                    for n in 1..=TILE + 1 {
                        // Also in the rows of those that are not there.
                        let delta = |s: usize, i: usize| ((s + 2 * i) % 3) as f32;
                        let deltas = Panel::from_fn(earlier.next_multiple_of(NEIGHBOURS), n * LANES, delta);
                        let mut sums = Panel::from_fn(images, n * LANES, |image, i| ((image + i) % 5) as f32);
                        products.meet_earlier(deltas.as_vectors(), sums.as_vectors_mut(), span);
                        for (image, i) in
                            (0..images).flat_map(|image| (0..n * LANES).map(move |i| (image, i)))
                        {
                            let given = |s: usize| {
                                let later = image + earlier - 1 - s;
                                to_come(later) * product(earlier + image, s, dark) * delta(s, i)
                            };
                            let want = ((image + i) % 5) as f32 + (0..earlier).map(given).sum::<f32>();
                            let case = format!("image {image} of {images} after {earlier}, {span}, unit {i}");
                            assert_eq!(sums.row(image)[i], want, "{case}");
                        }
                    }
                }
            }
        }
    }

    /// Deltas that are known only when net inputs are: small numbers made of them.
    #[test]
    fn images_meet_what_those_before_them_have_done() {
        for images in [1, NEIGHBOURS, NEIGHBOURS + 1, 3 * NEIGHBOURS - 1] {
            for n in 1..=2 * TILE + 1 {
                let start = |image: usize, i: usize| ((11 * image + 3 * i) % 17) as f32;
                let delta = |sum: f32| sum.rem_euclid(3.0) - 1.0;
                let at = |vectors: &[f32xN], image: usize, i: usize| {
                    bytemuck::cast_slice::<_, f32>(vectors)[image * n * LANES + i]
                };
                let products = products(images, 0.0);
                let mut sums: Vec<f32xN> = (0..images * n)
                    .map(|v| f32xN::from(array::from_fn(|lane| start(v / n, v % n * LANES + lane))))
                    .collect();
                let mut deltas = vec![f32xN::ZERO; images * n];
                let mut plain: Vec<Vec<f32>> = Vec::new(); // deltas
                for image in 0..images {
                    products.meet(image, &deltas, &mut sums);
                    let mut own = Vec::new();
                    for i in 0..n * LANES {
                        let taken =
                            plain.iter().enumerate().map(|(s, deltas)| product(image, s, 0.0) * deltas[i]);
                        let want = start(image, i) - taken.sum::<f32>();
                        assert_eq!(
                            at(&sums, image, i),
                            want,
                            "image {image} of {images}, unit {i} of {n} vectors"
                        );
                        own.push(delta(want));
                    }
                    bytemuck::cast_slice_mut::<_, f32>(&mut deltas)[image * n * LANES..][..own.len()]
                        .copy_from_slice(&own);
                    plain.push(own);
                }
            }
        }
    }
}
