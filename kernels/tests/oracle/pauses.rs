//! Rows that wait while they have no gradient, against rules in f64 that move every row at every update: over thousands
//! of updates, pauses of every length, and every kind of setting.

use crate::errors::{Tally, U};
use crate::helpers::Numbers;
use crate::layers::{Gradient, Place, layer};
use dlr_kernels::gradient::OfImage;
use dlr_kernels::lanes::{LANES, f32x8};
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::Optimizer;

/// Updates of each run: far beyond where the bias corrections of beta2 = 0.99 have become 1, and well into those of 0.999.
const UPDATES: u64 = 6_000;

/// One weight that moves at every update, with or without gradient, by the rule as it is written.
#[derive(Clone, Copy, Default)]
struct Weight {
    w: f64,
    m: f64,
    v: f64,
    /// How far it has gone, both ways.
    way: f64,
}

impl Weight {
    fn update(&mut self, optimizer: Optimizer, t: u64, g: f64) {
        let step = match optimizer {
            Optimizer::Momentum { lr, momentum } => {
                self.v = momentum * self.v + g;
                lr * self.v
            }
            Optimizer::Nesterov { lr, momentum } => {
                self.v = momentum * self.v + g;
                lr * (g + momentum * self.v)
            }
            Optimizer::NesterovAuthors { lr, momentum } => {
                self.v = (1.0 + momentum) * lr * g + momentum * momentum * self.v;
                self.v
            }
            Optimizer::Adam { lr, beta1, beta2, epsilon } => {
                self.m = beta1 * self.m + (1.0 - beta1) * g;
                self.v = beta2 * self.v + (1.0 - beta2) * g * g;
                let (m, v) = (self.m / (1.0 - beta1.powf(t as f64)), self.v / (1.0 - beta2.powf(t as f64)));
                lr * m / (v.sqrt() + epsilon)
            }
            Optimizer::RmsProp { lr, rho, epsilon } => {
                self.v = rho * self.v + (1.0 - rho) * g * g;
                lr * g / (self.v.sqrt() + epsilon)
            }
            _ => unreachable!("{optimizer:?} has no pauses"),
        };
        self.w -= step;
        self.way += step.abs();
    }
}

/// Row r of the layer is lit at every update that is a multiple of its gap.
const GAPS: [u64; 20] = [1, 2, 3, 4, 5, 7, 10, 16, 30, 63, 64, 65, 66, 100, 160, 257, 500, 1023, 1025, 2900];

fn settings() -> Vec<Optimizer> {
    let mut all = Vec::new();
    for momentum in [0.0, 0.5, 0.9, 0.99, 0.9999] {
        all.push(Optimizer::Nesterov { lr: 0.01 * (1.0 - momentum), momentum });
        all.push(Optimizer::NesterovAuthors { lr: 0.01 * (1.0 - momentum), momentum });
    }
    for epsilon in [1e-10, 1e-8, 1e-4, 1e-1] {
        for (beta1, beta2) in
            [(0.9, 0.999), (0.0, 0.999), (0.9, 0.99), (0.99, 0.9), (0.5, 0.999_999), (0.9, 0.0)]
        {
            all.push(Optimizer::Adam { lr: 0.001, beta1, beta2, epsilon });
        }
    }
    for momentum in [0.0, 0.5, 0.9, 0.99, 0.9999] {
        all.push(Optimizer::Momentum { lr: 0.01 * (1.0 - momentum), momentum });
    }
    for epsilon in [1e-10, 1e-8, 1e-4, 1e-1] {
        for rho in [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999] {
            all.push(Optimizer::RmsProp { lr: 0.001, rho, epsilon });
        }
    }
    all
}

/// What is off comes from three places: a weight is rounded twice at each visit, and where steps hardly differ from one to the
/// next, each time in the same direction; what it moves by is rounded some times, and a pause of Adam adds 4e-7, or 7 U,
/// of itself, or adds up as many steps as it replays; and the memory is rounded at each visit and forgets that only as
/// fast as it forgets gradients. The last two are roundings of either sign, hence the roots.
fn bound(weight: &Weight, gap: u64, visits: u64, largest: f64) -> f64 {
    let (gap, visits) = (gap as f64, visits as f64);
    U * (largest * (2.0 * visits + 1.0) + weight.way * (16.0 + gap.sqrt() + visits.sqrt()))
}

#[test]
fn rows_that_wait_end_where_rows_that_move_at_once_do() {
    let mut numbers = Numbers(31);
    let mut tally = Tally::default();
    for optimizer in settings() {
        let start = Panel::from_fn(GAPS.len(), LANES, |_, _| 0.1 * numbers.signed());
        let mut plain: Vec<[Weight; LANES]> = (0..GAPS.len())
            .map(|r| std::array::from_fn(|i| Weight { w: f64::from(start.row(r)[i]), ..Weight::default() }))
            .collect();
        let mut lazy = layer(optimizer, Place::First, start);
        let mut sums = [f32x8::ZERO];
        for t in 1..=UPDATES {
            let index: Vec<u16> =
                (0..).zip(GAPS).filter(|(_, gap)| t.is_multiple_of(*gap)).map(|(r, _)| r).collect();
            let value: Vec<f32> = index.iter().map(|_| numbers.unit()).collect();
            let deltas: [f32; LANES] = std::array::from_fn(|_| numbers.signed());
            let lit = Lit::new(&index, &value);
            // Every third update comes without a forward pass: rows may catch up there, and have to where there was none.
            if t % 3 != 0 {
                lazy.hidden_sums(lit, &mut sums);
            }
            lazy.step(&Gradient::Image(OfImage { lit, deltas: &[deltas.into()] }));
            for (r, row) in plain.iter_mut().enumerate() {
                let x = index.iter().position(|&j| usize::from(j) == r).map_or(0.0, |n| f64::from(value[n]));
                for (weight, delta) in row.iter_mut().zip(deltas) {
                    weight.update(optimizer, t, x * f64::from(delta));
                }
            }
            // Looking in between changes nothing; and early, at steps of their own, corrections change fastest.
            if t <= 40 || t % 997 == 0 || t == UPDATES {
                let weights = lazy.weights();
                for (r, row) in plain.iter().enumerate() {
                    let largest = row.iter().map(|weight| weight.w.abs()).fold(0.1, f64::max);
                    for (weight, &got) in row.iter().zip(weights.row(r)) {
                        let bound = bound(weight, GAPS[r], t / GAPS[r], largest);
                        let place = format_args!("{optimizer:?}, gap {}, update {t}", GAPS[r]);
                        tally.within((f64::from(got) - weight.w).abs(), bound, place);
                    }
                }
                tally.case();
            }
        }
    }
    tally.finish("pauses", settings().len() * (40 + 6 + 1));
}
