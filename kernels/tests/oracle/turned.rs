//! Batches of images, turned around in parts.

use dlr_kernels::gradient::OfBatch;
use dlr_kernels::lanes::f32xN;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;

/// A batch, and which rows it has a gradient for.
#[derive(Clone)]
pub struct Turned {
    pub parts: Vec<Lighters>,
    pub lit: Vec<u16>,
}

impl Turned {
    /// Turns around images of so many inputs, which have at most 255 values that are not zero, in parts of so many.
    pub fn new(inputs: usize, images: &[Lit], part: usize) -> Self {
        let mut values: Vec<f32> = images.iter().flat_map(|image| image.value()).copied().collect();
        values.sort_by(f32::total_cmp);
        values.dedup();
        let mut levels = [0.0; 256];
        levels[1..=values.len()].copy_from_slice(&values);
        let grey = |value: &f32| 1 + values.iter().position(|level| level == value).expect("a level") as u8;
        let greys: Vec<Vec<u8>> =
            images.iter().map(|image| image.value().iter().map(grey).collect()).collect();

        // Not new: nothing of other images may stay in them.
        let all: Vec<u16> = (0..inputs as u16).collect();
        let mut used = Lighters::new(inputs);
        used.turn(&levels, (0..Lighters::IMAGES).map(|_| (&all[..], &[255; 4096][..inputs])));
        let parts = images.chunks(part).zip(greys.chunks(part)).map(|(images, greys)| {
            let mut lighters = used.clone();
            lighters.turn(&levels, images.iter().zip(greys).map(|(image, grey)| (image.index(), &grey[..])));
            lighters
        });
        let parts: Vec<_> = parts.collect();
        let mut lit = vec![7; 7];
        Lighters::list(&parts, &mut lit);
        Self { parts, lit }
    }

    pub fn gradient<'a>(&'a self, deltas: &'a Panel, scale: f32) -> OfBatch<'a> {
        OfBatch { parts: &self.parts, lit: &self.lit, deltas, scale }
    }

    /// The numbers of the rows that have a gradient.
    pub fn rows(&self) -> Vec<usize> {
        self.lit.iter().map(|&row| usize::from(row)).collect()
    }

    /// The net inputs of every image, a row each: of all parts at once.
    pub fn hidden_sums(&self, weights: &Panel, sums: &mut [f32xN]) {
        Lighters::hidden_sums(&self.parts, weights, 0..weights.vectors(), sums);
    }
}
