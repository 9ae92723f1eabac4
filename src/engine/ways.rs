//! The two ways of several images through the first layer, where they are learned [ahead](super::ahead) of their turn: by lit
//! pixels, and by dense products where images are dense.

use super::dense::Dense;
use super::phases::{Laps, Phase};
use super::turned::{Pixels, Step, Turned, each_piece};
use dlr_kernels::ahead::Products;
use dlr_kernels::gradient::OfMatrix;
use dlr_kernels::lanes::f32xN;
use dlr_kernels::layer::Layer;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use dlr_kernels::tiled::Tiled;
use std::mem::swap;

/// A way through the first layer, for the images of one step after the other. No row is ever behind under rules that add up.
pub(super) trait Way {
    /// Images that have been read.
    type Images;

    /// Room for some.
    fn room(&self) -> Self::Images;

    /// Reads the images of `step`, with their products, unless somebody has read them ahead.
    fn read<L: Laps>(&mut self, step: &Step<L>);

    /// Their sums by `weights`, \[inputs\]\[vectors\], in the first of `rows`.
    fn sums<L: Laps>(&mut self, weights: &[f32xN], rows: &mut Panel, step: &Step<L>);

    /// Their products with each other.
    fn products(&mut self) -> &mut Products;

    /// Their products with `earlier` images: each with the last `span` before it, at least.
    fn products_with<L: Laps>(
        &self,
        earlier: &Self::Images,
        span: usize,
        step: &Step<L>,
        products: &mut Products,
    );

    /// Takes off `first` what all their updates together do to what it stores, with deltas in the first `count` rows.
    fn leap<A: Rule>(&mut self, first: &mut Layer<A>, deltas: &Panel, count: usize);

    /// Adds to what `first` remembers that of `images`, or of those of the step, with deltas in the first `count` rows.
    fn remember<A: Rule>(
        &mut self,
        first: &mut Layer<A>,
        images: Option<&Self::Images>,
        deltas: &Panel,
        count: usize,
    );

    /// Puts the step's images there, and what was there here.
    fn swap(&mut self, images: &mut Self::Images);

    /// Ends the step, and may read the images of the `coming` one.
    fn go_on<L: Laps>(&mut self, coming: &Step<L>);
}

/// By lit pixels.
#[derive(Default)]
pub(super) struct ByPixels {
    turned: Turned,
    /// Deltas as the sweep goes through them.
    tiled: Tiled,
}

impl Way for ByPixels {
    type Images = Pixels;

    fn room(&self) -> Pixels {
        Pixels::default()
    }

    fn read<L: Laps>(&mut self, step: &Step<L>) {
        self.turned.read(step);
    }

    fn sums<L: Laps>(&mut self, weights: &[f32xN], rows: &mut Panel, step: &Step<L>) {
        each_piece(rows, self.turned.sums(weights, step), step);
    }

    fn products(&mut self) -> &mut Products {
        self.turned.now.products()
    }

    fn products_with<L: Laps>(&self, earlier: &Pixels, span: usize, step: &Step<L>, products: &mut Products) {
        products.of_lit_with(step.order.len(), &earlier.parts()[0], step.lists(), span);
    }

    fn leap<A: Rule>(&mut self, first: &mut Layer<A>, deltas: &Panel, count: usize) {
        self.tiled.take(deltas, count);
        first.whole().leap(&self.turned.now.gradient(&self.tiled, 1.0));
    }

    fn remember<A: Rule>(
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

    fn swap(&mut self, images: &mut Pixels) {
        swap(&mut self.turned.now, images);
    }

    fn go_on<L: Laps>(&mut self, coming: &Step<L>) {
        self.turned.next.read(coming);
        self.turned.go_on();
    }
}

/// By dense products.
pub(super) struct ByProducts {
    images: Dense,
    products: Products,
    /// Of gradients, `[inputs][Hp]`.
    sums: Panel,
}

impl ByProducts {
    /// Of a layer with such weights.
    pub(super) fn new(weights: &Panel) -> Self {
        Self {
            images: Dense::new(weights.rows()),
            products: Products::default(),
            sums: Panel::zeros(weights.rows(), weights.width()),
        }
    }
}

impl Way for ByProducts {
    type Images = Dense;

    fn room(&self) -> Dense {
        Dense::new(self.sums.rows())
    }

    fn read<L: Laps>(&mut self, step: &Step<L>) {
        step.serial(Phase::Forward, || {
            self.images.read(step.images, step.order);
            self.products.of_dense(self.images.view());
        });
    }

    fn sums<L: Laps>(&mut self, weights: &[f32xN], rows: &mut Panel, step: &Step<L>) {
        step.serial(Phase::Forward, || self.images.sums(weights, rows));
    }

    fn products(&mut self) -> &mut Products {
        &mut self.products
    }

    /// With all of them, which is not much more.
    fn products_with<L: Laps>(&self, earlier: &Dense, _: usize, _: &Step<L>, products: &mut Products) {
        products.of_dense_with(self.images.view(), earlier.view());
    }

    fn leap<A: Rule>(&mut self, first: &mut Layer<A>, deltas: &Panel, _: usize) {
        self.images.gradient(deltas, &mut self.sums);
        first.whole().leap(&OfMatrix { sums: &self.sums, scale: 1.0 });
    }

    fn remember<A: Rule>(&mut self, first: &mut Layer<A>, images: Option<&Dense>, deltas: &Panel, _: usize) {
        images.unwrap_or(&self.images).gradient(deltas, &mut self.sums);
        first.whole().remember(&OfMatrix { sums: &self.sums, scale: 1.0 });
    }

    fn swap(&mut self, images: &mut Dense) {
        swap(&mut self.images, images);
    }

    fn go_on<L: Laps>(&mut self, _: &Step<L>) {}
}
