//! One layer under any rule, stepped by any gradient. Nothing else in these tests builds, steps or reads a `Layer`.

use dlr_kernels::gradient::{self, OfBatch, OfBatchOutputs, OfImage, OfMatrix, OfOutputs};
use dlr_kernels::lanes::f32xN;
use dlr_kernels::layer::{Layer, State};
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Norm, Optimizer};
use dlr_kernels::rule::Rule;
use dlr_kernels::rules::{
    AdaGrad, Adam, Dlr, DlrDenominator, DlrNumerator, EveryRow, Momentum, RmsProp, Scheduled, Sgd,
};

/// How many rules there are.
pub const RULES: usize = 14;

/// Every rule, its rates times `scale`. All settings are exact in f32 but those that the kernels take as f64: Adam's betas,
/// RMSProp's rho, and what a rate is computed from at every update. Where a gradient is divided by its own size, epsilon is
/// larger than the usual one, which `pytorch` sees to: [`training`](crate::errors::training) says why.
pub fn optimizers(scale: f64) -> [Optimizer; RULES] {
    let epsilon = 2.0_f64.powi(-12);
    // Falling in one layer, rising in the other.
    let rates = [[0.25 * scale, -0.3, -0.002, 0.25 * scale], [-0.2 * scale, -0.2, 0.001, 0.5 * scale]];
    [
        Optimizer::Sgd { lr: 0.5 * scale },
        Optimizer::Momentum { lr: 0.125 * scale, momentum: 0.875 },
        Optimizer::Nesterov { lr: 0.125 * scale, momentum: 0.875 },
        Optimizer::NesterovAuthors { lr: 0.125 * scale, momentum: 0.75 },
        Optimizer::Adam { lr: 0.007_812_5 * scale, beta1: 0.9, beta2: 0.999, epsilon },
        Optimizer::AdaGrad { lr: 0.007_812_5 * scale, epsilon },
        Optimizer::RmsProp { lr: 0.003_906_25 * scale, rho: 0.9, epsilon },
        Optimizer::SgdDecay { lr: 0.5 * scale, halving: 50.0 },
        Optimizer::SgdRates { rates },
        Optimizer::Dlr { lr: 0.625 * scale, alpha: 0.3125, norm: Norm::Pre },
        Optimizer::Dlr { lr: 0.625 * scale, alpha: 0.3125, norm: Norm::Post },
        Optimizer::DlrNumerator { lr: 0.25 * scale, alpha: 0.3125 },
        Optimizer::DlrDenominator { lr: 0.625 * scale, alpha: 0.3125, norm: Norm::Pre },
        Optimizer::DlrDenominator { lr: 0.625 * scale, alpha: 0.3125, norm: Norm::Post },
    ]
}

/// Whether a rule moves weights that have no gradient, by what it remembers of earlier ones.
pub fn remembers(optimizer: Optimizer) -> bool {
    matches!(
        optimizer,
        Optimizer::Momentum { .. }
            | Optimizer::Nesterov { .. }
            | Optimizer::NesterovAuthors { .. }
            | Optimizer::Adam { .. }
    )
}

/// Whether a row's weights in the first layer share a norm.
pub fn rows_share_norms(optimizer: Optimizer) -> bool {
    let (Optimizer::Dlr { norm, .. } | Optimizer::DlrDenominator { norm, .. }) = optimizer else {
        return false;
    };
    norm == Norm::Pre
}

/// Whether a lane's weights in the first layer share a norm.
pub fn lanes_share_norms(optimizer: Optimizer) -> bool {
    let (Optimizer::Dlr { norm, .. } | Optimizer::DlrDenominator { norm, .. }) = optimizer else {
        return false;
    };
    norm == Norm::Post
}

/// Where in the network a layer stands.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Its rows are pre-synaptic units.
    First,
    /// The same, and its images come one after the other: what is stored may be something else than weights.
    Online,
    /// Its rows are post-synaptic units. Every update has a gradient for all of them.
    Second,
}

/// Every gradient that the kernels offer.
pub enum Gradient<'a> {
    Image(OfImage<'a>),
    Outputs(OfOutputs<'a>),
    BatchOutputs(OfBatchOutputs<'a>),
    Batch(OfBatch<'a>),
    Matrix(OfMatrix<'a>),
}

/// The pieces that a layer is updated in.
#[derive(Clone, Copy, Debug)]
pub enum Pieces {
    Whole,
    /// Blocks of so many rows, from the first to the last.
    Blocks(usize),
    /// From the last to the first.
    BlocksBackwards(usize),
}

/// A layer whatever its rule.
pub trait AnyLayer {
    /// One update, in such pieces.
    fn step_in(&mut self, pieces: Pieces, gradient: &Gradient);

    /// The weights, `[rows][Hp]`, all caught up.
    fn weights(&mut self) -> &Panel;

    /// The weights as they are stored, where the rows that count are up to date.
    fn stored(&self) -> &Panel;

    /// The sums over lit pixels, whose rows catch up.
    fn hidden_sums(&mut self, lit: Lit, sums: &mut [f32xN]);

    /// Sums, what `deltas` makes of them in their place, and the update by these, in one.
    fn learn(&mut self, lit: Lit, sums: &mut [f32xN], deltas: &mut dyn FnMut(&mut [f32xN]));

    /// Brings rows up to date.
    fn catch_up(&mut self, rows: &[usize]);

    /// All that its updates have brought about.
    fn state(&self) -> State;

    /// Whether it can go on from there.
    fn takes(&self, state: &State) -> bool;

    /// Goes on from there.
    fn resume(&mut self, state: &State);

    /// One update.
    fn step(&mut self, gradient: &Gradient) {
        self.step_in(Pieces::Whole, gradient);
    }
}

/// A layer before its first update.
pub fn layer(optimizer: Optimizer, place: Place, weights: Panel) -> Box<dyn AnyLayer> {
    fn boxed(weights: Panel, rule: impl Rule) -> Box<dyn AnyLayer> {
        Box::new(Layer::new(weights, rule))
    }
    let by_row = |norm| (norm == Norm::Post) == matches!(place, Place::Second);
    let by_momentum = |weights, rule: Momentum| match place {
        Place::First => boxed(weights, rule),
        Place::Online => boxed(weights, rule.at_rest()),
        Place::Second => boxed(weights, EveryRow(rule)),
    };
    match optimizer {
        Optimizer::Sgd { lr } => boxed(weights, Sgd { lr: lr as f32 }),
        Optimizer::Momentum { lr, momentum } => by_momentum(weights, Momentum::classical(lr, momentum)),
        Optimizer::Nesterov { lr, momentum } => by_momentum(weights, Momentum::nesterov(lr, momentum)),
        Optimizer::NesterovAuthors { lr, momentum } => {
            by_momentum(weights, Momentum::nesterov_authors(lr, momentum))
        }
        Optimizer::Adam { lr, beta1, beta2, epsilon } => {
            let rule = Adam::new(lr, beta1, beta2, epsilon as f32);
            match place {
                Place::Second => boxed(weights, EveryRow(rule)),
                _ => boxed(weights, rule),
            }
        }
        Optimizer::AdaGrad { lr, epsilon } => {
            boxed(weights, AdaGrad { lr: lr as f32, epsilon: epsilon as f32 })
        }
        Optimizer::RmsProp { lr, rho, epsilon } => boxed(weights, RmsProp::new(lr, rho, epsilon as f32)),
        Optimizer::SgdDecay { lr, halving } => boxed(weights, Scheduled::inverse_time(lr, halving)),
        Optimizer::SgdRates { rates: [first, second] } => {
            let abcd = match place {
                Place::Second => second,
                _ => first,
            };
            boxed(weights, Scheduled::stretched_exponential(abcd))
        }
        Optimizer::Dlr { lr, alpha, norm } => {
            let (lr, alpha) = (lr as f32, alpha as f32);
            if by_row(norm) {
                boxed(weights, Dlr::<true> { lr, alpha })
            } else {
                boxed(weights, Dlr::<false> { lr, alpha })
            }
        }
        Optimizer::DlrNumerator { lr, alpha } => {
            boxed(weights, DlrNumerator { lr: lr as f32, alpha: alpha as f32 })
        }
        Optimizer::DlrDenominator { lr, alpha, norm } => {
            let (lr, alpha) = (lr as f32, alpha as f32);
            if by_row(norm) {
                boxed(weights, DlrDenominator::<true> { lr, alpha })
            } else {
                boxed(weights, DlrDenominator::<false> { lr, alpha })
            }
        }
    }
}

impl<R: Rule> AnyLayer for Layer<R> {
    fn step_in(&mut self, pieces: Pieces, gradient: &Gradient) {
        match gradient {
            Gradient::Image(gradient) => update(self, pieces, gradient),
            Gradient::Outputs(gradient) => update(self, pieces, gradient),
            Gradient::BatchOutputs(gradient) => update(self, pieces, gradient),
            Gradient::Batch(gradient) => update(self, pieces, gradient),
            Gradient::Matrix(gradient) => update(self, pieces, gradient),
        }
    }

    fn weights(&mut self) -> &Panel {
        self.weights()
    }

    fn stored(&self) -> &Panel {
        self.stored()
    }

    fn hidden_sums(&mut self, lit: Lit, sums: &mut [f32xN]) {
        self.hidden_sums(lit, sums);
    }

    fn learn(&mut self, lit: Lit, sums: &mut [f32xN], deltas: &mut dyn FnMut(&mut [f32xN])) {
        self.learn(lit, sums, |sums| {
            deltas(sums);
            sums
        });
    }

    fn catch_up(&mut self, rows: &[usize]) {
        self.catch_up(rows.iter().copied());
    }

    fn state(&self) -> State {
        self.state()
    }

    fn takes(&self, state: &State) -> bool {
        self.takes(state)
    }

    fn resume(&mut self, state: &State) {
        self.resume(state);
    }
}

fn update<R: Rule>(layer: &mut Layer<R>, pieces: Pieces, gradient: &impl gradient::Gradient) {
    let (rows, backwards) = match pieces {
        Pieces::Whole => return layer.update(gradient),
        Pieces::Blocks(rows) => (rows, false),
        Pieces::BlocksBackwards(rows) => (rows, true),
    };
    let mut blocks: Vec<_> = layer.blocks(rows).collect();
    if backwards {
        blocks.reverse();
    }
    blocks.iter_mut().for_each(|block| block.update(gradient));
    drop(blocks);
    layer.settle();
}
