//! Batches of images, turned around in parts.

use dlr_kernels::gradient::OfBatch;
use dlr_kernels::groups::{GROUP, Groups};
use dlr_kernels::lanes::f32xN;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::tiled::Tiled;

/// The groups of images of so many inputs that are as square as they can be: with a prime number of inputs, they are lines.
pub fn squarest(inputs: usize) -> Groups {
    let rows =
        (1..=inputs.isqrt()).rev().find(|rows| inputs.is_multiple_of(*rows)).expect("an image has inputs");
    Groups::of_images(rows, inputs / rows)
}

/// A batch, and which rows it has a gradient for.
#[derive(Clone)]
pub struct Turned {
    pub parts: Vec<Lighters>,
    pub lit: Vec<u16>,
}

impl Turned {
    /// Turns around images of such groups, which have at most 255 values that are not zero, in parts of so many.
    pub fn new(groups: &Groups, images: &[Lit], part: usize) -> Self {
        let mut values: Vec<f32> = images.iter().flat_map(|image| image.value()).copied().collect();
        values.sort_by(f32::total_cmp);
        values.dedup();
        let mut levels = [0.0; 256];
        levels[1..=values.len()].copy_from_slice(&values);
        let grey = |value: &f32| 1 + values.iter().position(|level| level == value).expect("a level") as u8;
        let lists: Vec<(Vec<u16>, Vec<[u8; GROUP]>)> = images
            .iter()
            .map(|image| {
                let mut greys = vec![0; groups.inputs()];
                for (&input, value) in image.index().iter().zip(image.value()) {
                    greys[usize::from(input)] = grey(value);
                }
                groups.lit_in(&greys).unzip()
            })
            .collect();

        // Not new: nothing of other images may stay in them.
        let (all, bright): (Vec<u16>, Vec<[u8; GROUP]>) =
            (0..groups.len()).map(|group| (group as u16, [255; GROUP])).unzip();
        let mut used = Lighters::new(groups);
        used.turn(&levels, (0..Lighters::IMAGES).map(|_| (&all[..], &bright[..])));
        let parts = lists.chunks(part).map(|lists| {
            let mut lighters = used.clone();
            lighters.turn(&levels, lists.iter().map(|(numbers, greys)| (&numbers[..], &greys[..])));
            lighters
        });
        let parts: Vec<_> = parts.collect();
        let mut lit = vec![7; 7];
        Lighters::list(&parts, &mut lit);
        Self { parts, lit }
    }

    pub fn gradient<'a>(&'a self, deltas: &'a Tiled, scale: f32) -> OfBatch<'a> {
        OfBatch { parts: &self.parts, lit: &self.lit, deltas, scale }
    }

    /// The numbers of the rows that have a gradient.
    pub fn rows(&self) -> Vec<usize> {
        self.lit.iter().map(|&row| usize::from(row)).collect()
    }

    /// The net inputs of every image, a row each: of all parts at once.
    pub fn hidden_sums(&self, weights: &Panel, sums: &mut [f32xN]) {
        Lighters::hidden_sums(&self.parts, weights.as_vectors(), 0..weights.vectors(), sums);
    }
}
