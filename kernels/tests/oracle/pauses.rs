//! Rows that wait while they have no gradient, against rules in f64 that move every row at every update: over thousands
//! of updates, pauses of every length, and every kind of setting.

use crate::errors::{Tally, U};
use crate::helpers::Numbers;
use crate::layers::{AnyLayer, Gradient, Place, layer};
use dlr_kernels::gradient::OfImage;
use dlr_kernels::lanes::{LANES, f32xN};
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
    fn update(&mut self, optimizer: Optimizer, corrections: [f64; 2], g: f64) {
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
                let (m, v) = (self.m / corrections[0], self.v / corrections[1]);
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

/// Adam's corrections of its moments at update t.
fn corrections(optimizer: Optimizer, t: u64) -> [f64; 2] {
    let Optimizer::Adam { beta1, beta2, .. } = optimizer else { return [1.0; 2] };
    [beta1, beta2].map(|beta| 1.0 - beta.powf(t as f64))
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
        for (beta1, beta2) in [
            (0.9, 0.999),
            (0.0, 0.999),
            (0.9, 0.99),
            (0.99, 0.9),
            (0.5, 0.999_999),
            (0.9, 0.0),
            (0.5, 0.987),
            (0.1, 0.96),
        ] {
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

/// All settings in both places of which the kernels make something else.
fn cases(settings: impl IntoIterator<Item = Optimizer>) -> Vec<(Optimizer, Place)> {
    let places = |optimizer| match optimizer {
        Optimizer::Momentum { .. } | Optimizer::Nesterov { .. } | Optimizer::NesterovAuthors { .. } => {
            &[Place::First, Place::Online][..]
        }
        _ => &[Place::First],
    };
    settings
        .into_iter()
        .flat_map(|optimizer| places(optimizer).iter().map(move |&p| (optimizer, p)))
        .collect()
}

/// What is off comes from three places: a weight is rounded twice at each visit, and where steps hardly differ from one to the
/// next, each time in the same direction; what it moves by is rounded some times, and a pause of Adam adds 4e-7, or 7 U,
/// of itself, or adds up as many steps as it replays; and the memory is rounded at each visit and forgets that only as
/// fast as it forgets gradients. The last two are roundings of either sign, hence the roots, and the factor for the worst of
/// many weights.
fn bound(weight: &Weight, gap: u64, visits: u64, largest: f64) -> f64 {
    let (gap, visits) = (gap as f64, visits as f64);
    U * (largest * (2.0 * visits + 1.0) + weight.way * (16.0 + 1.5 * gap.sqrt() + visits.sqrt()))
}

/// A layer whose rows wait, and its weights one by one, which do not.
struct Twins {
    optimizer: Optimizer,
    gaps: &'static [u64],
    lazy: Box<dyn AnyLayer>,
    plain: Vec<[Weight; LANES]>,
}

impl Twins {
    fn new(optimizer: Optimizer, place: Place, gaps: &'static [u64], numbers: &mut Numbers) -> Self {
        let start = Panel::from_fn(gaps.len(), LANES, |_, _| 0.1 * numbers.signed());
        let weight = |r, i| Weight { w: f64::from(start.row(r)[i]), ..Weight::default() };
        let plain = (0..gaps.len()).map(|r| std::array::from_fn(|i| weight(r, i))).collect();
        Self { optimizer, gaps, lazy: layer(optimizer, place, start), plain }
    }

    fn update(&mut self, t: u64, numbers: &mut Numbers) {
        let lit_now = (0..).zip(self.gaps).filter(|(_, gap)| t.is_multiple_of(**gap));
        let index: Vec<u16> = lit_now.map(|(r, _)| r).collect();
        let value: Vec<f32> = index.iter().map(|_| numbers.unit()).collect();
        let deltas: [f32; LANES] = std::array::from_fn(|_| numbers.signed());
        let lit = Lit::new(&index, &value);
        // Every third update comes without a forward pass: rows may catch up there, and have to where there was none.
        if !t.is_multiple_of(3) {
            self.lazy.hidden_sums(lit, &mut [f32xN::ZERO]);
        }
        self.lazy.step(&Gradient::Image(OfImage { lit, deltas: &[deltas.into()] }));
        let corrections = corrections(self.optimizer, t);
        let mut lit = index.iter().zip(&value).peekable();
        for (r, row) in self.plain.iter_mut().enumerate() {
            let x = lit.next_if(|(j, _)| usize::from(**j) == r).map_or(0.0, |(_, x)| f64::from(*x));
            for (weight, delta) in row.iter_mut().zip(deltas) {
                weight.update(self.optimizer, corrections, x * f64::from(delta));
            }
        }
    }

    /// Calls `see` with every weight of the layer, the one that it should be, its gap, and the largest of its row.
    fn compare(&mut self, mut see: impl FnMut(f64, &Weight, u64, f64)) {
        let weights = self.lazy.weights();
        for (r, row) in self.plain.iter().enumerate() {
            let largest = row.iter().map(|weight| weight.w.abs()).fold(0.1, f64::max);
            for (weight, &got) in row.iter().zip(weights.row(r)) {
                see(f64::from(got), weight, self.gaps[r], largest);
            }
        }
    }
}

#[test]
fn rows_that_wait_end_where_rows_that_move_at_once_do() {
    let mut numbers = Numbers(31);
    let mut tally = Tally::default();
    let cases = cases(settings());
    for &(optimizer, place) in &cases {
        let mut twins = Twins::new(optimizer, place, &GAPS, &mut numbers);
        for t in 1..=UPDATES {
            twins.update(t, &mut numbers);
            // Looking in between changes nothing; and early, at steps of their own, corrections change fastest.
            if t <= 40 || t % 997 == 0 || t == UPDATES {
                twins.compare(|got, weight, gap, largest| {
                    let bound = bound(weight, gap, t / gap, largest);
                    let place = format_args!("{optimizer:?}, {place:?}, gap {gap}, update {t}");
                    tally.within((got - weight.w).abs(), bound, place);
                });
                tally.case();
            }
        }
    }
    tally.finish("pauses", cases.len() * (40 + 6 + 1));
}

/// After how many updates a rule's memory has faded.
fn memory(optimizer: Optimizer) -> f64 {
    match optimizer {
        Optimizer::Momentum { momentum, .. } | Optimizer::Nesterov { momentum, .. } => 1.0 / (1.0 - momentum),
        Optimizer::NesterovAuthors { momentum, .. } => 1.0 / (1.0 - momentum * momentum),
        Optimizer::Adam { beta2, .. } => 1.0 / (1.0 - beta2),
        _ => 1.0,
    }
}

/// A million updates. Rows wait for up to a third of all, and Adam's table of its course moves on thirty times where beta2
/// is near 1.
///
/// Roundings are of either sign, so their sum is that of a random walk, but for one: the part of the memory that a pause
/// leaves is a number of f32, the same for every pause of a length, and off in the same direction for as long as the memory
/// lasts. What fades with its unit knows no such number.
///
/// `cargo test --release -p dlr-kernels --test oracle -- --nocapture a_million`
#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimization")]
fn a_million_updates_end_where_rows_that_move_at_once_do() {
    const UPDATES: u64 = 1_000_000;
    const GAPS: [u64; 12] = [1, 2, 7, 64, 500, 1022, 1023, 1025, 4099, 32_771, 100_003, 333_333];
    let mut tally = Tally::default();
    let adam = |beta2, epsilon| Optimizer::Adam { lr: 0.001, beta1: 0.9, beta2, epsilon };
    let settings = [
        Optimizer::Momentum { lr: 0.01, momentum: 0.9 },
        Optimizer::Momentum { lr: 0.0001, momentum: 0.9999 },
        Optimizer::Nesterov { lr: 0.01, momentum: 0.9 },
        Optimizer::NesterovAuthors { lr: 0.01, momentum: 0.9 },
        adam(0.999, 1e-8),
        adam(0.999_95, 1e-8),
        adam(0.999_999, 1e-4),
        Optimizer::RmsProp { lr: 0.001, rho: 0.999, epsilon: 1e-8 },
    ];
    let cases = cases(settings);
    for &(optimizer, place) in &cases {
        let mut numbers = Numbers(37);
        let mut twins = Twins::new(optimizer, place, &GAPS, &mut numbers);
        let mut worst = 0.0_f64;
        for t in 1..=UPDATES {
            twins.update(t, &mut numbers);
            if t % 99_991 == 0 || t == UPDATES {
                twins.compare(|got, weight, gap, largest| {
                    let error = (got - weight.w).abs();
                    let (visits, gap) = (t as f64 / gap as f64, gap as f64);
                    let remembered = visits.min(memory(optimizer) / gap);
                    let bound = U * largest * (16.0 * (1.0 + visits.sqrt()) + remembered);
                    worst = worst.max(error / largest);
                    tally.within(
                        error,
                        bound,
                        format_args!("{optimizer:?}, {place:?}, gap {gap}, update {t}"),
                    );
                });
                tally.case();
            }
        }
        println!("{optimizer:?}, {place:?}: off by {worst:.1e} of a row's largest weight at worst");
    }
    tally.finish("a million updates", cases.len() * 11);
}
