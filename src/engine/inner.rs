//! The layers between two hidden ones. They are like the first, but dense: no hidden unit is ever dark.

use dlr_kernels::forward::activate;
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::OfMatrix;
use dlr_kernels::inner::{deltas_before, through_logistic};
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;

/// The hidden units before an inner layer as its inputs, all of them lit.
struct Units {
    numbers: Vec<u16>,
}

impl Units {
    fn new(units: usize) -> Self {
        Self { numbers: (0..u16::try_from(units).expect("hidden units are numbered by u16")).collect() }
    }

    /// Their activations as inputs.
    #[inline]
    fn lit<'a>(&'a self, hidden: &'a [f32xN]) -> Lit<'a> {
        Lit::new(&self.numbers, &bytemuck::cast_slice(hidden)[..self.numbers.len()])
    }
}

/// One inner layer that learns, and what an image makes of it.
pub(super) struct Inner<R: Rule> {
    pub(super) layer: Layer<R>,
    before: Units,
    /// Net inputs, then activations, of the units after it, and their deltas.
    hidden: Vec<f32xN>,
    deltas: Vec<f32xN>,
}

impl<R: Rule> Inner<R> {
    pub(super) fn new(weights: Panel, rule: R) -> Self {
        let (before, room) = (Units::new(weights.rows()), vec![f32xN::ZERO; weights.vectors()]);
        Self { layer: Layer::new(weights, rule), before, hidden: room.clone(), deltas: room }
    }

    /// One image: from the net inputs of the units before this layer, which become activations, to their deltas. What lies
    /// above goes from the net inputs of the units after it to theirs.
    pub(super) fn learn(
        &mut self,
        hidden: &mut [f32xN],
        deltas: &mut [f32xN],
        above: impl FnOnce(&mut [f32xN], &mut [f32xN]),
    ) {
        activate(hidden, self.layer.stored().rows());
        let lit = self.before.lit(hidden);
        self.layer.look(lit, &mut self.hidden);
        above(&mut self.hidden, &mut self.deltas);
        // Before the update: the gradient is that of the weights that the image went through. All rows are up to date, since
        // every image moves all of them.
        deltas_before(self.layer.stored(), &self.deltas, hidden, deltas);
        self.layer.descend(lit, &self.deltas);
    }
}

/// What a batch's images make of a hidden layer on their way forward and back, a row each.
pub(super) struct Rows {
    /// Net inputs, then activations.
    pub(super) hidden: Panel,
    pub(super) deltas: Panel,
}

impl Rows {
    /// Room for `batch` images and so many units.
    pub(super) fn new(batch: usize, units: usize) -> Self {
        Self { hidden: Panel::zeros(batch, units), deltas: Panel::zeros(batch, units) }
    }
}

/// The net inputs of the units after an inner layer, from those of the units before it, which become activations: a row for each
/// of so many images.
pub(super) fn forward(weights: &Panel, before: &mut Panel, after: &mut Panel, images: usize) {
    let rows = before.as_vectors_mut().chunks_exact_mut(vectors(weights.rows()));
    rows.take(images).for_each(|row| activate(row, weights.rows()));
    let stride = weights.stride();
    let product = &mut ViewMut::new(after.as_mut_slice(), images, stride, stride);
    gemm(rows_of(before, images), whole(weights), 0.0, product);
}

/// The deltas of the units before it, from their activations and the deltas after it.
pub(super) fn backward(weights: &Panel, before: &mut Rows, after: &Rows, images: usize) {
    let Rows { hidden, deltas } = before;
    let (units, stride) = (weights.rows(), deltas.stride());
    let after = View::new(after.deltas.as_slice(), images, weights.stride(), weights.stride());
    let product = &mut ViewMut::new(deltas.as_mut_slice(), images, units, stride);
    gemm(after, whole(weights).transposed(), 0.0, product);
    let all = images * vectors(units);
    through_logistic(&hidden.as_vectors()[..all], &mut deltas.as_vectors_mut()[..all]);
}

/// Its update, from the activations before it and the deltas after it. Their summed product is left in `gradient`, which
/// has the shape of the weights.
pub(super) fn update<R: Rule>(
    layer: &mut Layer<R>,
    gradient: &mut Panel,
    before: &Rows,
    after: &Rows,
    images: usize,
) {
    let (rows, stride) = (gradient.rows(), gradient.stride());
    let deltas = View::new(after.deltas.as_slice(), images, stride, stride);
    let sums = &mut ViewMut::new(gradient.as_mut_slice(), rows, stride, stride);
    gemm(rows_of(&before.hidden, images).transposed(), deltas, 0.0, sums);
    layer.update(&OfMatrix { sums: gradient, scale: 1.0 / images as f32 });
}

/// The first `images` rows without their padding.
fn rows_of(panel: &Panel, images: usize) -> View<'_> {
    View::new(panel.as_slice(), images, panel.width(), panel.stride())
}

/// All rows with their padding.
fn whole(panel: &Panel) -> View<'_> {
    View::new(panel.as_slice(), panel.rows(), panel.stride(), panel.stride())
}
