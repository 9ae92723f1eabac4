//! From grey levels to inputs: a split of a data set as the kernels read it.

use super::names::named;
use crate::data::{Lists, Split};
use dlr_kernels::groups::{GROUP, Groups};
use dlr_kernels::lanes::{LANES, f32xN, i32xN};
use dlr_kernels::lit::Lit;
use dlr_kernels::prefetch::{prefetch, prefetch_first};
use std::ops::Range;

named! {
    /// How a grey level p becomes an input.
    pub enum Inputs {
        /// p / 255: dark pixels are zero.
        Unit = "unit",
        /// 0.01 + 0.99 p / 255: no input is zero.
        Offset = "offset",
    }
}

impl Inputs {
    /// The input for each of the 256 grey levels.
    pub fn levels(self) -> [f32; 256] {
        core::array::from_fn(|p| match self {
            Self::Unit => p as f32 / 255.0,
            Self::Offset => (0.01 + 0.99 * p as f64 / 255.0) as f32,
        })
    }
}

/// In which form images are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Their lit [pixels](Images::pixels), where they go through the first layer one by one.
    Pixels,
    /// Their lit [groups](Images::groups), where several go together.
    Groups,
}

/// A split and the inputs that its grey levels stand for.
pub struct Images<'a> {
    grouping: &'a Groups,
    /// The part of the inputs that are not zero.
    density: f64,
    levels: [f32; 256],
    /// All input numbers, for images whose dark pixels are inputs too; otherwise none.
    all: Vec<u16>,
    pixels: Lists<'a, u8>,
    groups: Lists<'a, [u8; GROUP]>,
    label: &'a [u8],
}

impl<'a> Images<'a> {
    /// The images of `split`, as `inputs` says.
    pub fn new(split: &'a Split, inputs: Inputs) -> Self {
        let number = u16::try_from(split.inputs()).expect("a data set has at most 4096 inputs");
        let dense = inputs == Inputs::Offset;
        Self {
            grouping: split.grouping(),
            density: if dense { 1.0 } else { split.density() },
            levels: inputs.levels(),
            all: if dense { (0..number).collect() } else { Vec::new() },
            pixels: split.pixels(),
            groups: split.groups(),
            label: split.labels(),
        }
    }

    /// Has the images, all those of `split`, read in [large pages](Split::pixels_in_large_pages), for whoever reads many of them in no
    /// order, over and over.
    pub fn move_to_large_pages(&mut self, split: &'a Split, form: Form) {
        match form {
            Form::Pixels => self.pixels = split.pixels_in_large_pages(),
            Form::Groups => self.groups = split.groups_in_large_pages(),
        }
    }

    /// Those in `range` alone, counted from 0.
    ///
    /// # Panics
    /// If there are no such images.
    pub fn within(self, range: Range<usize>) -> Self {
        let Self { pixels, groups, label, .. } = self;
        Self { pixels: pixels.within(&range), groups: groups.within(&range), label: &label[range], ..self }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.label.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.label.is_empty()
    }

    /// Numbers in an image.
    pub fn inputs(&self) -> usize {
        self.grouping.inputs()
    }

    /// Which inputs go into which [group](Self::groups).
    pub fn grouping(&self) -> &'a Groups {
        self.grouping
    }

    /// The class of image `n`.
    #[inline]
    pub fn label(&self, n: usize) -> u8 {
        self.label[n]
    }

    /// The part of the inputs that are not zero.
    pub fn density(&self) -> f64 {
        self.density
    }

    /// The input for each of the 256 grey levels.
    pub fn levels(&self) -> &[f32; 256] {
        &self.levels
    }

    /// Numbers and grey levels of every image's lit pixels.
    #[inline]
    pub fn pixels(&self) -> &Lists<'a, u8> {
        &self.pixels
    }

    /// Numbers and grey levels of every image's lit groups.
    #[inline]
    pub fn groups(&self) -> &Lists<'a, [u8; GROUP]> {
        &self.groups
    }

    /// The numbers of image `n`'s lit inputs.
    #[inline]
    pub fn numbers(&self, n: usize) -> &[u16] {
        if self.all.is_empty() { self.pixels.of(n).0 } else { &self.all }
    }

    /// Image `n`, with its values in `room`, which grows as needed, whatever was there before.
    #[inline]
    pub fn lit<'s>(&'s self, n: usize, room: &'s mut Vec<f32>) -> Lit<'s> {
        let numbers = self.numbers(n);
        if room.len() < numbers.len() {
            room.resize(numbers.len(), 0.0);
        }
        let values = &mut room[..numbers.len()];
        if self.all.is_empty() {
            to_unit(self.pixels.of(n).1, values);
        } else {
            self.dense(n, values);
        }
        Lit::new(numbers, values)
    }

    /// Writes image `n` to `row`, dark pixels included.
    pub fn dense(&self, n: usize, row: &mut [f32]) {
        row.fill(self.levels[0]);
        let (index, grey) = self.pixels.of(n);
        for (&j, &p) in index.iter().zip(grey) {
            row[usize::from(j)] = self.levels[usize::from(p)];
        }
    }

    /// Asks for what `lists` have of the image that comes `ahead` images after the one numbered `order[n]`, and before that
    /// for its place: otherwise asking for an image would itself have to wait. A shuffled order finds neither anywhere near.
    #[inline]
    pub fn ask_ahead<T>(&self, lists: &Lists<T>, order: &[u32], n: usize, ahead: usize) {
        if let Some(&later) = order.get(n + 2 * ahead) {
            self.prefetch_place(lists, later);
        }
        if let Some(&later) = order.get(n + ahead) {
            prefetch_image(lists, later);
        }
    }

    /// Asks for the first `count` images of `order`, and for the places of as many more, where nobody may have
    /// [asked ahead](Self::ask_ahead): their places together, then they themselves, instead of one wait after the other.
    pub fn ask_first<T>(&self, lists: &Lists<T>, order: &[u32], count: usize) {
        order.iter().take(2 * count).for_each(|&n| self.prefetch_place(lists, n));
        order.iter().take(count).for_each(|&n| prefetch_image(lists, n));
    }

    /// Asks for where image `n` lies, and its label, to be brought from memory.
    #[inline]
    fn prefetch_place<T>(&self, lists: &Lists<T>, n: u32) {
        let n = n as usize;
        prefetch_first(&lists.start[n..n + 2]);
        prefetch_first(&self.label[n..=n]);
    }
}

/// Grey levels as inputs of 0 to 1: the same as looking them up, but a vector at a time. The last ones go with some that have
/// been there before, if there are so many: one by one, they would take longer than all others.
#[inline]
fn to_unit(grey: &[u8], values: &mut [f32]) {
    let unit = |grey: &[u8; LANES]| {
        let grey = i32xN::from(core::array::from_fn(|lane| i32::from(grey[lane])));
        over_255(grey.round_float()).to_array()
    };
    let (vectors, _) = grey.as_chunks();
    let (rooms, _) = values.as_chunks_mut();
    for (room, vector) in rooms.iter_mut().zip(vectors) {
        *room = unit(vector);
    }
    match (grey.last_chunk(), values.last_chunk_mut()) {
        (Some(vector), Some(room)) => *room = unit(vector),
        _ => values.iter_mut().zip(grey).for_each(|(value, &p)| *value = f32::from(p) / 255.0),
    }
}

/// Grey levels over 255. On x86-64 with FMA, the same quotients come of a product and of what it leaves: the hidden units'
/// logistics would wait for the divider. SGD's kernels took 0.96 of the time so at H = 30 on a Zen 3.
#[inline(always)]
fn over_255(grey: f32xN) -> f32xN {
    let whole = f32xN::splat(255.0);
    if !cfg!(target_feature = "fma") {
        return grey / whole;
    }
    let part = f32xN::splat(1.0 / 255.0);
    let quotient = grey * part;
    quotient.mul_neg_add(whole, grey).mul_add(part, quotient)
}

/// Asks for image `n` to be brought from memory.
#[inline]
fn prefetch_image<T>(lists: &Lists<T>, n: u32) {
    let (number, value) = lists.of(n as usize);
    prefetch(number);
    prefetch(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_over_255_is_rounded_once() {
        for p in 0..=255_u8 {
            let [got, ..] = over_255(f32xN::splat(f32::from(p))).to_array();
            assert_eq!(got.to_bits(), (f32::from(p) / 255.0).to_bits(), "{p}");
        }
    }

    /// Whole vectors, and what is left behind them, in rooms that are empty, too small, or hold others.
    #[test]
    fn values_are_the_levels_of_all_lit_pixels() {
        for lit in 0..=3 * LANES + 1 {
            for start in [1, 100, 256 - 3 * LANES - 1] {
                let grey: Vec<u8> = (start..start + lit).map(|p| p as u8).collect();
                let dark_behind = [&grey[..], &[0]].concat();
                let split = Split::from_pixels(lit + 1, &dark_behind, &[0]).unwrap();
                let images = Images::new(&split, Inputs::Unit);
                let want: Vec<f32> = grey.iter().map(|&p| images.levels()[usize::from(p)]).collect();
                for mut room in [vec![], vec![5.0; lit / 2], vec![5.0; lit + 1]] {
                    let value = images.lit(0, &mut room).value().to_vec();
                    assert_eq!(value, want, "{lit} pixels, from {start} on");
                }
            }
        }
    }
}
