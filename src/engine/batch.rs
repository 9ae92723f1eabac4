//! One training step from a batch of images.

use super::images::Images;
use super::inner::{self, Inner, Rows};
use super::learner::{Layers, Outputs, Task};
use super::network::Network;
use super::phases::{Laps, Phase, Piece};
use super::turned::{Step, Turned, each_piece, tile};
use dlr_kernels::gradient::OfBatchOutputs;
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use dlr_kernels::tiled::{RowsMut, Tiled};

/// What lies between the layers for a batch, a row per image, and the batch itself.
pub(super) struct Batch {
    turned: Turned,
    /// The hidden deltas of the first layer.
    deltas: Tiled,
    /// Of each hidden layer.
    rows: Vec<Rows>,
    output_deltas: Panel,
    /// Of the layers between two hidden ones.
    gradients: Vec<Panel>,
}

/// The updates of all layers but the first, by the deltas and the hidden activations of a batch.
fn update_upper<I: Rule, B: Rule>(
    inner: &mut [Inner<I>],
    last: &mut Layer<B>,
    rows: &[Rows],
    gradients: &mut [Panel],
    output_deltas: &Panel,
    images: usize,
) {
    for ((inner, gradient), rows) in inner.iter_mut().zip(gradients).zip(rows.windows(2)) {
        inner::update(&mut inner.layer, gradient, &rows[0], &rows[1], images);
    }
    let hidden = &rows.last().expect("a network has a hidden layer").hidden;
    last.update(&OfBatchOutputs { deltas: output_deltas, hidden, images, scale: 1.0 / images as f32 });
}

impl Batch {
    pub(super) fn new(batch: usize, network: &Network) -> Self {
        let batch = if batch == 1 { 0 } else { batch };
        let gradients = network.inner.iter().map(|weights| Panel::zeros(weights.rows(), weights.width()));
        Self {
            turned: Turned::default(),
            deltas: Tiled::default(),
            rows: network.hidden().layers().iter().map(|&units| Rows::new(batch, units)).collect(),
            output_deltas: Panel::zeros(batch, network.outputs()),
            gradients: gradients.collect(),
        }
    }

    /// One update from the images numbered in `order`, at most as many as a batch has. The next is from those in `next`,
    /// if there are any.
    pub(super) fn learn<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        layers: Layers<A, I, B>,
        task: Task,
        images: &Images,
        (order, next): (&[u32], &[u32]),
        laps: &mut L,
    ) {
        let weights = layers.first.stored();
        let [step, coming] = [order, next].map(|order| Step::new(task, images, order, weights, &*laps));
        let mut turned = std::mem::take(&mut self.turned);
        let mut deltas = std::mem::take(&mut self.deltas);
        turned.look(layers.first, &step);
        let sums = turned.sums(layers.first.stored().as_vectors(), &step);
        if layers.inner.is_empty() {
            self.pass(sums, Some(&mut deltas), layers.last.stored(), &step);
        } else {
            each_piece(&mut self.rows[0].hidden, sums, &step);
            self.pass_inner(&layers, &step);
            tile(&self.rows[0].deltas, &mut deltas, &step);
        }
        let Self { rows, output_deltas, gradients, .. } = self;
        let Layers { first, inner, last } = layers;
        let upper = || {
            let images = step.order.len();
            step.serial(Phase::Update, || update_upper(inner, last, rows, gradients, output_deltas, images));
        };
        let Turned { now, next, .. } = &mut turned;
        let gradient = now.gradient(&deltas, step.scale());
        let update = || step.update(first, &gradient);
        step.threads.join(update, || step.threads.join(upper, || next.read(&coming)));
        turned.go_on();
        (self.turned, self.deltas) = (turned, deltas);
        first.settle();
        laps.lap_together();
    }

    /// From the net inputs of the first hidden layer to the deltas of all of them, where there are several.
    fn pass_inner<A: Rule, I: Rule, B: Rule, L: Laps>(&mut self, layers: &Layers<A, I, B>, step: &Step<L>) {
        let images = step.order.len();
        step.serial(Phase::Output, || {
            for (l, inner) in layers.inner.iter().enumerate() {
                let (before, after) = pair(&mut self.rows, l);
                inner::forward(inner.layer.stored(), &mut before.hidden, &mut after.hidden, images);
            }
        });
        self.pass(|_, _| {}, None, layers.last.stored(), step);
        step.serial(Phase::Output, || {
            for (l, inner) in layers.inner.iter().enumerate().rev() {
                let (before, after) = pair(&mut self.rows, l);
                inner::backward(inner.layer.stored(), before, after, images);
            }
        });
    }

    /// Takes every image from its net inputs of the last hidden layer, which `sums(b, rows)` writes from that of image b on
    /// unless they are there, to its deltas there and at the outputs. The former are also kept in `tiled`, if there is any.
    fn pass<L: Laps>(
        &mut self,
        sums: impl Fn(usize, &mut [f32xN]) + Sync,
        tiled: Option<&mut Tiled>,
        last: &Panel,
        step: &Step<L>,
    ) {
        let &Step { task, images, order, laps, piece, .. } = step;
        let (n, k) = (last.vectors(), vectors(last.rows()));
        let one = |(number, OfPiece { hidden, d1, d2, tiled }): (usize, OfPiece)| {
            let (mut y, mut watch) = (Outputs::new(Outputs::AT_ONCE, last.rows()), Piece::new(laps));
            sums(number * piece, hidden);
            watch.own.lap(Phase::Forward);
            let labels = order[number * piece..].iter().map(|&image| images.label(image as usize));
            y.pass(task, last, labels, hidden, d1, d2);
            if let Some(tiled) = tiled {
                tiled.write(d1);
            }
            watch.own.lap(Phase::Output);
        };
        let Rows { hidden, deltas } = self.rows.last_mut().expect("a network has a hidden layer");
        let hidden = hidden.as_vectors_mut()[..order.len() * n].chunks_mut(piece * n);
        let d1 = deltas.as_vectors_mut()[..order.len() * n].chunks_mut(piece * n);
        let d2 = self.output_deltas.as_vectors_mut()[..order.len() * k].chunks_mut(piece * k);
        let mut tiled = tiled.map(|tiled| tiled.rewrite(order.len(), n, piece));
        let pieces = hidden.zip(d1).zip(d2).map(|((hidden, d1), d2)| {
            let tiled = tiled.as_mut().map(|tiled| tiled.next().expect("as many pieces"));
            OfPiece { hidden, d1, d2, tiled }
        });
        step.threads.each(pieces.enumerate(), one);
    }
}

/// What lies before and after an inner layer.
fn pair(rows: &mut [Rows], l: usize) -> (&mut Rows, &mut Rows) {
    let (before, after) = rows[l..].split_first_mut().expect("an inner layer has units before it");
    (before, after.first_mut().expect("an inner layer has units after it"))
}

/// A piece's rows of hidden activations, hidden deltas and output deltas, and where the hidden deltas lie in tiles.
struct OfPiece<'a> {
    hidden: &'a mut [f32xN],
    d1: &'a mut [f32xN],
    d2: &'a mut [f32xN],
    tiled: Option<RowsMut<'a>>,
}
