//! The first layer and a batch: images turned around, so that every few weights go through many images at once.
//!
//! ```text
//! h[b][i] = sum_j x_bj W1[j][i]         forwards: the hidden units' net inputs
//! g[j][i] = sum_b x_bj d1[b][i]         back: the gradient
//!
//! x   grey levels of up to 64 images b      W1, g  [inputs][Hp]      h, d1  [images][Hp]
//!
//! plain:  for b in images { for (j, x) in lit(b) { for i in 0..H { h[b][i] += x * w1[j][i] } } }
//!         for b in images { for (j, x) in lit(b) { for i in 0..H { g[j][i] += x * d1[b][i] } } }
//! ```
//!
//! Departures from the plain loops, and why each keeps the result:
//!
//! 1. Inputs are taken in [groups](crate::groups) of four, and both loops go through the groups, not the images. Four rows of
//!    weights, or of their gradient, stay in registers while the images pass that light any of the four: an image's sums are
//!    loaded and stored once for four inputs. One by one, in the order of images, weights would come from the second-level
//!    cache for every lit pixel anew.
//! 2. An image that lights some of a group's inputs adds zeros for the others: exact, as long as weights and deltas are
//!    finite; what is not makes NaN of what the whole group is part of. MNIST's images light 150 inputs in 50 groups, so a third
//!    more multiplications, but a third of the loads.
//!    Where level 0 has a value, every image lights all groups.
//! 3. The levels of a group lie image by image, as numbers of 32 bits: turning an image around takes one store for each group
//!    that it lights. Masks of the images that light a group are kept, since with one that is ready, loads of a group's rows
//!    need not wait for the sums of the group before it; and groups that no image lights are left out by them.
//! 4. A batch is cut into parts of up to 64 images, each a [`Lighters`]; two go forward together, so that weights are read once
//!    for both.
//! 5. Rows are cut into tiles narrow enough for four of them to stay in registers, and for the sums of two parts to stay in the
//!    first-level cache.
//! 6. Sums run through groups, through the inputs of a group, and through images, each in ascending order.
//!
//! Cost per group and image that lights it, for a tile of T vectors: 4 broadcasts and 4T FMA; forwards T loads and stores,
//! back T loads.

use crate::groups::{GROUP, Groups};
use crate::lanes::{FOUR_ROWS_TILE, LANES, f32xN, for_narrow_tiles, for_tiles, i32xN};
use core::array;
use core::ops::Range;

/// Up to [`IMAGES`](Self::IMAGES) images, turned around: who lights which inputs, and how brightly.
#[derive(Clone, Debug)]
pub struct Lighters {
    groups: Groups,
    /// The input for each grey level.
    levels: [f32; 256],
    images: usize,
    /// Of each group.
    greys: Vec<Greys>,
    /// Of each image, the sum of all grey levels, where level 0 has a value.
    totals: [i32xN; Self::IMAGES / LANES],
    /// The images that light any of each group's inputs.
    lit_by: Vec<Mask>,
}

/// The grey levels of a group's inputs, `[image][input]`, each image's as a number of 32 bits.
pub(crate) type Greys = [i32xN; Lighters::IMAGES / LANES];

const DARK: Greys = [i32xN::ZERO; Lighters::IMAGES / LANES];

/// Some images: an iterator over their numbers, ascending.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mask(u64);

impl Mask {
    const NONE: Self = Self(0);

    /// The first so many.
    fn first(images: usize) -> Self {
        Self(u64::MAX.checked_shr((Lighters::IMAGES - images) as u32).unwrap_or(0))
    }

    /// Those that light any of a group's inputs.
    #[inline(always)]
    fn of(greys: &Greys) -> Self {
        let dark = (0..).zip(greys).fold(0, |dark, (n, images)| {
            dark | u64::from(images.simd_eq(i32xN::ZERO).to_bitmask()) << (n * LANES)
        });
        Self(!dark)
    }
}

impl Iterator for Mask {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0.wrapping_sub(1);
        (bit < Lighters::IMAGES).then_some(bit)
    }
}

impl Lighters {
    /// Images at most.
    pub const IMAGES: usize = 64;

    /// Parts, each a value of this type, that had better go forward together. With one, weights are read twice as often: 1.02
    /// to 1.1 of the time from H = 200 on, in tiles as wide as are best for it. The sums of a tile for the images of two take up
    /// to 48 KB with AVX-512, as much as the first-level cache has, and 12 of 32 with AVX2.
    pub const TOGETHER: usize = 2;

    /// No images yet, of such groups of inputs.
    pub fn new(groups: &Groups) -> Self {
        let (lit_by, greys) = (vec![Mask::NONE; groups.len()], vec![DARK; groups.len()]);
        Self { groups: groups.clone(), levels: [0.0; 256], images: 0, greys, totals: DARK, lit_by }
    }

    /// Takes in other images: of each, the numbers of the groups of which any input has a grey level above 0, strictly ascending,
    /// and the grey levels of their inputs. Level p stands for the value `levels[p]`; if level 0 has one, every image lights all
    /// inputs. Levels of inputs that a group does not have change nothing, if level 0 has no value, and are 0 if it has.
    ///
    /// # Panics
    /// If there are more than [`IMAGES`](Self::IMAGES), an image lights a group that is not there, or its numbers and levels
    /// differ in length. In debug builds, if numbers do not ascend.
    pub fn turn<'a>(
        &mut self,
        levels: &[f32; 256],
        images: impl Iterator<Item = (&'a [u16], &'a [[u8; GROUP]])>,
    ) {
        self.levels = *levels;
        let is_all_lit = levels[0] != 0.0;
        if self.images > 0 {
            self.greys.fill(DARK);
        }
        let groups: &mut [[[u8; GROUP]; Self::IMAGES]] = bytemuck::cast_slice_mut(&mut self.greys);
        let totals: &mut [i32; Self::IMAGES] = bytemuck::cast_mut(&mut self.totals);
        self.images = 0;
        for (numbers, greys) in images {
            let image = self.images;
            assert!(image < Self::IMAGES, "at most {} images at a time", Self::IMAGES);
            assert_eq!(numbers.len(), greys.len(), "a lit group is a number and its levels");
            debug_assert!(numbers.is_sorted_by(|a, b| a < b), "lit groups are strictly ascending");
            for (&group, &grey) in numbers.iter().zip(greys) {
                groups[usize::from(group)][image] = grey;
            }
            if is_all_lit {
                totals[image] = total(greys);
            }
            self.images += 1;
        }
        let all = Mask::first(self.images);
        let lit_by = |greys| if is_all_lit { all } else { Mask::of(greys) };
        self.lit_by.iter_mut().zip(&self.greys).for_each(|(mask, greys)| *mask = lit_by(greys));
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.images
    }

    /// How many images all of `parts` have.
    pub fn count(parts: &[Self]) -> usize {
        parts.iter().map(Self::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.images == 0
    }

    /// Lists the inputs of all groups that any image of `parts` lights, group by group.
    pub fn list(parts: &[Self], lit: &mut Vec<u16>) {
        lit.clear();
        let Some(Self { groups, .. }) = parts.first() else { return };
        for group in (0..groups.len()).filter(|&group| Self::any_lights(parts, group)) {
            let inputs = groups.inputs_of(group);
            match <&[u16; GROUP]>::try_from(inputs) {
                Ok(whole) => lit.extend_from_slice(whole), // the usual case, without a call
                Err(_) => lit.extend_from_slice(inputs),
            }
        }
    }

    /// Whether an image of `parts` lights any of a group's inputs.
    #[inline(always)]
    pub(crate) fn any_lights(parts: &[Self], group: usize) -> bool {
        parts.iter().any(|part| part.lit_by[group] != Mask::NONE)
    }

    /// Which inputs are taken together.
    pub fn grouping(&self) -> &Groups {
        &self.groups
    }

    /// The input that a grey level stands for.
    pub(crate) fn level(&self, grey: u8) -> f32 {
        self.levels[usize::from(grey)]
    }

    /// The grey levels of a group's inputs in all images, four in a number of 32 bits.
    #[inline(always)]
    pub(crate) fn greys(&self, group: usize) -> &Greys {
        &self.greys[group]
    }

    /// The sum of every image's grey levels, where level 0 has a value.
    pub(crate) fn totals(&self) -> &[i32xN; Self::IMAGES / LANES] {
        &self.totals
    }

    /// The values of a group's inputs in an image.
    #[inline(always)]
    fn values(&self, group: usize, image: usize) -> [f32xN; GROUP] {
        let greys: &[[u8; GROUP]; Self::IMAGES] = bytemuck::cast_ref(&self.greys[group]);
        greys[image].map(|grey| f32xN::splat(self.levels[usize::from(grey)]))
    }

    /// The hidden units' net inputs, a row for each image of `parts`, `sums[b][i] = sum_j x_bj weights[j][i]`: those in the
    /// vectors of a row that are in `slice`. `weights` are \[inputs\]\[vectors\].
    ///
    /// # Panics
    /// If `sums` does not have as many rows of the slice as there are images, `weights` a row for each input, or a row all of
    /// the slice, or if groups differ from part to part.
    pub fn hidden_sums(parts: &[Self], weights: &[f32xN], slice: Range<usize>, sums: &mut [f32xN]) {
        let Some(Self { groups, .. }) = parts.first() else {
            return assert!(sums.is_empty(), "no images have no sums");
        };
        let n = weights.len().checked_div(groups.inputs()).unwrap_or(0);
        assert!(groups.inputs() * n == weights.len(), "a row of weights for each input");
        assert!(parts.iter().all(|part| part.groups == *groups), "parts have the same groups");
        assert!(slice.end <= n, "a slice of a row lies within it");
        let images = Self::count(parts);
        assert_eq!(sums.len(), images * slice.len(), "one sum per image and hidden unit");
        if sums.is_empty() {
            return;
        }
        let (width, start) = (slice.len(), slice.start);
        if let [part] = parts {
            for_tiles!(@most FOUR_ROWS_TILE, @widths 1 2 3 4 5 6 7, width, first, T => {
                let mut tiles = sums.chunks_exact_mut(width).map(|row| &mut row[first..first + T]);
                Self::write_tiles::<T, _>(array::from_ref(part), weights, start + first, &mut tiles);
            });
            return;
        }
        let (pairs, rest) = parts.as_chunks::<{ Self::TOGETHER }>();
        for_narrow_tiles!(width, first, T => {
            let mut tiles = sums.chunks_exact_mut(width).map(|row| &mut row[first..first + T]);
            for pair in pairs {
                Self::write_tiles::<T, _>(pair, weights, start + first, &mut tiles);
            }
            for part in rest {
                Self::write_tiles::<T, _>(array::from_ref(part), weights, start + first, &mut tiles);
            }
        });
    }

    /// Writes the sums of the T vectors from `first` on to the next of `tiles`, one for each image.
    fn write_tiles<'a, const T: usize, const PARTS: usize>(
        parts: &[Self; PARTS],
        weights: &[f32xN],
        first: usize,
        tiles: &mut impl Iterator<Item = &'a mut [f32xN]>,
    ) {
        // In a place of their own: in that of the rows, as far apart as they are, they might displace each other.
        let mut sums_of_parts = [[[f32xN::ZERO; T]; Self::IMAGES]; PARTS];
        let groups = parts[0].grouping();
        let n = weights.len() / groups.inputs();
        for group in 0..groups.len() {
            if !Self::any_lights(parts, group) {
                continue; // its rows need not be loaded
            }
            let row = groups.rows_of(group, weights, n).map(|row| match row {
                Some(row) => row[first..].first_chunk().expect("a tile lies within a row"),
                None => const { &[f32xN::ZERO; T] },
            });
            let row: [[f32xN; T]; GROUP] = row.map(|row| *row);
            for (part, sums) in parts.iter().zip(&mut sums_of_parts) {
                for image in part.lit_by[group] {
                    let x = part.values(group, image);
                    for (v, sum) in sums[image].iter_mut().enumerate() {
                        *sum = (0..GROUP).fold(*sum, |sum, k| row[k][v].mul_add(x[k], sum));
                    }
                }
            }
        }
        for (part, sums) in parts.iter().zip(&sums_of_parts) {
            for sums in &sums[..part.images] {
                tiles.next().expect("a row for each image").copy_from_slice(sums);
            }
        }
    }

    /// Adds to the sums for the inputs of a group: `sums[k][v] += sum_b x_bj deltas[b][v]`, j being its input k.
    #[inline(always)]
    pub(crate) fn add<const T: usize>(
        &self,
        group: usize,
        deltas: &[[f32xN; T]],
        sums: &mut [[f32xN; T]; GROUP],
    ) {
        for image in self.lit_by[group] {
            add_products(self.values(group, image), &deltas[image], sums);
        }
    }
}

/// The sum of an image's grey levels.
pub(crate) fn total(greys: &[[u8; GROUP]]) -> i32 {
    greys.as_flattened().iter().map(|&grey| i32::from(grey)).sum()
}

/// Adds an image's part to the sums for a group: `sums[k][v] += x[k] row[v]`.
#[inline(always)]
pub(crate) fn add_products<const T: usize>(
    x: [f32xN; GROUP],
    row: &[f32xN; T],
    sums: &mut [[f32xN; T]; GROUP],
) {
    for k in 0..GROUP {
        for v in 0..T {
            sums[k][v] = row[v].mul_add(x[k], sums[k][v]);
        }
    }
}

#[cfg(test)]
impl Lighters {
    /// Takes in other images, which are told with their dark inputs.
    pub(crate) fn turn_dense<const INPUTS: usize>(
        &mut self,
        levels: &[f32; 256],
        images: impl Iterator<Item = [u8; INPUTS]>,
    ) {
        let lists: Vec<(Vec<_>, Vec<_>)> = images.map(|image| self.groups.lit_in(&image).unzip()).collect();
        self.turn(levels, lists.iter().map(|(numbers, greys)| (&numbers[..], &greys[..])));
    }
}

/// In whole numbers, so exact, whatever the order of sums.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::NARROW_TILE;
    use crate::panel::Panel;

    /// The last of five groups has two.
    const INPUTS: usize = 4 * GROUP + 2;
    /// The inputs of this group are dark.
    const DARK_GROUP: usize = 1;
    /// Those of this are lit by the images from `IMAGES` on.
    const LATE_GROUP: usize = 2;

    /// Every third input of an image is lit, two of the same group alike.
    fn grey(image: usize, input: usize) -> u8 {
        let lit = (image + input).is_multiple_of(3);
        match input / GROUP {
            DARK_GROUP => 0,
            LATE_GROUP if image < Lighters::IMAGES => 0,
            _ if lit => (1 + (7 * image + 5 * (input % 3)) % 40) as u8,
            _ => 0,
        }
    }

    /// Images by their numbers, after others have been there, where dark inputs have such a value.
    fn part(images: Range<usize>, dark: f32) -> Lighters {
        let levels = array::from_fn(|level| dark + 2.0 * level as f32);
        let mut part = Lighters::new(&Groups::of_inputs(INPUTS));
        part.turn_dense(&levels, (0..Lighters::IMAGES).map(|_| [255; INPUTS]));
        part.turn_dense(
            &levels,
            images.map(|image| array::from_fn::<_, INPUTS, _>(|input| grey(image, input))),
        );
        part
    }

    /// A full one, and two more.
    fn parts(dark: f32) -> [Lighters; 3] {
        [0..64, 64..67, 67..68].map(|images| part(images, dark))
    }

    #[test]
    fn parts_know_how_many_images_they_have_and_which_groups_these_light() {
        let parts = parts(0.0);
        assert_eq!(parts.each_ref().map(Lighters::len), [64, 3, 1]);
        assert_eq!([0, 1, 2, 3].map(|n| Lighters::count(&parts[..n])), [0, 64, 67, 68]);
        assert!(Lighters::new(&Groups::of_inputs(INPUTS)).is_empty() && !parts[2].is_empty());

        let listed = |parts: &[Lighters]| {
            let mut lit = vec![99];
            Lighters::list(parts, &mut lit);
            lit
        };
        assert_eq!(listed(&[]), []);
        assert_eq!(listed(&parts[..1]), [0, 1, 2, 3, 12, 13, 14, 15, 16, 17]);
        assert_eq!(listed(&parts), [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
        assert!(
            listed(&self::parts(1.0)[1..]).into_iter().eq(0..INPUTS as u16),
            "if dark inputs have a value"
        );
    }

    #[test]
    fn masks_have_as_many_images_as_there_are() {
        assert_eq!([0, 1, 3, 64].map(Mask::first), [0, 1, 7, u64::MAX].map(Mask));
    }

    #[test]
    fn net_inputs_are_those_of_the_plain_loop() {
        let widths = [LANES + 1, NARROW_TILE * LANES + 1, FOUR_ROWS_TILE * LANES + 1];
        for (width, dark) in widths.into_iter().flat_map(|width| [(width, 0.0), (width, 1.0)]) {
            let parts = parts(dark);
            let weights = Panel::from_fn(INPUTS, width, |j, i| (3 * j + i) as f32 % 11.0 - 5.0);
            let stride = weights.stride();
            for taken in 0..=parts.len() {
                let images = Lighters::count(&parts[..taken]);
                for slice in [0..weights.vectors(), 1..weights.vectors(), 1..1] {
                    let mut sums = vec![f32xN::splat(f32::NAN); images * slice.len()];
                    Lighters::hidden_sums(&parts[..taken], weights.as_vectors(), slice.clone(), &mut sums);
                    let want: Vec<f32> = (0..images)
                        .flat_map(|b| (slice.start * LANES..slice.end * LANES).map(move |i| (b, i)))
                        .map(|(b, i)| {
                            let x = |j: usize| dark + 2.0 * f32::from(grey(b, j));
                            (0..INPUTS).map(|j| x(j) * weights.as_slice()[j * stride + i]).sum()
                        })
                        .collect();
                    assert_eq!(
                        bytemuck::cast_slice::<_, f32>(&sums),
                        want,
                        "{width}, {dark}, {taken}, {slice:?}"
                    );
                }
            }
        }
    }
}
