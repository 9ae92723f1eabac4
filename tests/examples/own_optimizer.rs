//! An optimizer of one's own beside SGD: `cargo run --release --example own_optimizer`.
//!
//! SGD with clipped gradients, |g| at most c for each weight: w <- w - lr max(-c, min(c, g)).

use dlr::engine::optimizer::both;
use dlr::kernels::lanes::f32xN;
use dlr::kernels::rule::{Cost, Rule};
use dlr::{Dataset, Entry, Hyper, Optimizer, Run, Settings, fit};

#[derive(Clone)]
struct Clipped {
    lr: f32,
    most: f32,
}

impl Rule for Clipped {
    type Memory = (); // nothing is remembered beside a weight,
    type Pause = (); // and one without gradient rests
    const COST: Cost = Cost { step: 5, see: 0 }; // operations of a step

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
        let gradient = (a * b).max(f32xN::splat(-self.most)).min(f32xN::splat(self.most));
        weights - f32xN::splat(self.lr) * gradient
    }
}

static CLIPPED: Entry =
    Entry::own("sgd-clipped", "SGD with clipped gradients", Hyper::lr(0.3), |hyper, network, task| {
        let lr = hyper.lr.expect("it has a default") as f32;
        both(network, Clipped { lr, most: 0.05 }, task)
    });

/// Trains by it, at rate `lr`.
pub(crate) fn clipped(lr: f64, data: &Dataset) -> dlr::Result<Run> {
    CLIPPED.register()?; // so that it is found by its name, here and where checkpoints of its runs are read
    train(Optimizer::named("sgd-clipped", &Hyper::lr(lr))?, data)
}

/// Trains two epochs by any optimizer.
pub(crate) fn train(optimizer: Optimizer, data: &Dataset) -> dlr::Result<Run> {
    let settings = Settings { images: Some(6000), epochs: 2, target: None, ..Settings::new(20, optimizer) };
    fit(&settings, data, &mut ())
}

pub(crate) fn main() -> dlr::Result<()> {
    let data = Dataset::open(&dlr::data::find(None)?)?;
    for (name, run) in [
        ("sgd", train(Optimizer::named("sgd", &Hyper::NONE)?, &data)?),
        ("sgd-clipped", clipped(0.3, &data)?),
    ] {
        println!("{name:11} {:.2} %", 100.0 * run.last().test_accuracy);
    }
    Ok(())
}
