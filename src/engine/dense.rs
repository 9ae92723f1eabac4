//! The first layer by dense products, where images are dense: several images at once, by one thread.

use super::images::Images;
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::lanes::f32xN;
use dlr_kernels::panel::Panel;

/// Some images, `[images][inputs]`.
pub(super) struct Dense {
    inputs: usize,
    x: Vec<f32>,
}

impl Dense {
    /// None yet, of so many inputs.
    pub(super) fn new(inputs: usize) -> Self {
        Self { inputs, x: Vec::new() }
    }

    /// Brings the images in `numbers` here, in the place of others.
    pub(super) fn read(&mut self, images: &Images, numbers: &[u32]) {
        self.x.resize(numbers.len() * self.inputs, 0.0);
        for (row, &image) in self.x.chunks_exact_mut(self.inputs).zip(numbers) {
            images.dense(image as usize, row);
        }
    }

    /// Their net inputs by `weights`, \[inputs\]\[vectors\], in the first rows of `hidden`.
    pub(super) fn sums(&self, weights: &[f32xN], hidden: &mut Panel) {
        let stride = hidden.stride();
        let weights = View::new(bytemuck::cast_slice(weights), self.inputs, stride, stride);
        gemm(self.view(), weights, 0.0, &mut ViewMut::new(hidden.as_mut_slice(), self.len(), stride, stride));
    }

    /// The sum of their gradients, `[inputs][Hp]`, by the deltas in the first rows of `deltas`.
    pub(super) fn gradient(&self, deltas: &Panel, sum: &mut Panel) {
        let stride = deltas.stride();
        let deltas = View::new(deltas.as_slice(), self.len(), stride, stride);
        let sum = &mut ViewMut::new(sum.as_mut_slice(), self.inputs, stride, stride);
        gemm(self.view().transposed(), deltas, 0.0, sum);
    }

    /// The images, a row each.
    pub(super) fn view(&self) -> View<'_> {
        View::new(&self.x, self.len(), self.inputs, self.inputs)
    }

    fn len(&self) -> usize {
        self.x.len() / self.inputs
    }
}
