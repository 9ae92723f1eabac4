//! The way of several images through the first layer, where they are learned [ahead](super::ahead) of their turn. No row is ever
//! behind under rules that add up.

use super::phases::Laps;
use super::turned::{Pixels, Step, Turned, each_piece};
use dlr_kernels::ahead::Products;
use dlr_kernels::lanes::f32xN;
use dlr_kernels::layer::Layer;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use dlr_kernels::tiled::Tiled;
use std::mem::swap;

/// The images of one step after the other.
#[derive(Default)]
pub(super) struct Way {
    turned: Turned,
    /// Deltas as the sweep goes through them.
    tiled: Tiled,
}

impl Way {
    /// Reads the images of `step`, with their products, unless they have been read ahead.
    pub(super) fn read<L: Laps>(&mut self, step: &Step<L>) {
        self.turned.read(step);
    }

    /// Their sums by `weights`, \[inputs\]\[vectors\], in the first of `rows`.
    pub(super) fn sums<L: Laps>(&mut self, weights: &[f32xN], rows: &mut Panel, step: &Step<L>) {
        each_piece(rows, self.turned.sums(weights, step), step);
    }

    /// Their products with each other.
    pub(super) fn products(&mut self) -> &mut Products {
        self.turned.now.products()
    }

    /// Their products with `earlier` images: each with the last `span` before it, at least.
    pub(super) fn products_with<L: Laps>(
        &self,
        earlier: &Pixels,
        span: usize,
        step: &Step<L>,
        products: &mut Products,
    ) {
        products.of_lit_with(step.order.len(), &earlier.parts()[0], step.lists(), span);
    }

    /// Takes off `first` what all their updates together do to what it stores, with deltas in the first `count` rows.
    pub(super) fn leap<A: Rule>(&mut self, first: &mut Layer<A>, deltas: &Panel, count: usize) {
        self.tiled.take(deltas, count);
        first.whole().leap(&self.turned.now.gradient(&self.tiled, 1.0));
    }

    /// Adds to what `first` remembers that of `images`, or of those of the step, with deltas in the first `count` rows.
    pub(super) fn remember<A: Rule>(
        &mut self,
        first: &mut Layer<A>,
        images: Option<&Pixels>,
        deltas: &Panel,
        count: usize,
    ) {
        self.tiled.take(deltas, count);
        let images = images.unwrap_or(&self.turned.now);
        first.whole().remember(&images.gradient(&self.tiled, 1.0));
    }

    /// Puts the step's images there, and what was there here.
    pub(super) fn swap(&mut self, images: &mut Pixels) {
        swap(&mut self.turned.now, images);
    }

    /// Ends the step, and reads the images of the `coming` one.
    pub(super) fn go_on<L: Laps>(&mut self, coming: &Step<L>) {
        self.turned.next.read(coming);
        self.turned.go_on();
    }
}
