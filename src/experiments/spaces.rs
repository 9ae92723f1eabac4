//! Where each optimizer is searched: wide ranges of its hyper-parameters, each as wide as its best values for the sizes of
//! the paper and both of its errors call for, and more.

use super::search::{Dimension, Scale, Space};
use crate::engine::optimizer::Hyper;

/// The space of an optimizer's settings; `None` if it has nothing to search for.
pub fn space(optimizer: &str) -> Option<Space> {
    let dlr = vec![log("lr", 0.1, 10.0), log("alpha", 0.1, 10.0)];
    let momentum = vec![log("lr", 0.003, 1.0), below_one("momentum", 0.3, 0.97)];
    let dimensions = match optimizer {
        "sgd" => vec![log("lr", 0.03, 3.0)],
        "dlr" | "dlr-denominator" => dlr,
        "dlr-numerator" => vec![log("lr", 0.03, 3.0), log("alpha", 0.1, 10.0)],
        "nesterov" | "nesterov-authors" | "momentum" => momentum,
        "adam" => vec![log("lr", 1e-4, 1e-2), log("epsilon", 1e-8, 1e-2)],
        "adagrad" => vec![log("lr", 3e-3, 0.3), log("epsilon", 1e-8, 1e-1)],
        "rmsprop" => vec![log("lr", 1e-4, 1e-2), below_one("rho", 0.8, 0.999), log("epsilon", 1e-8, 1e-1)],
        "sgd-decay" => vec![log("lr", 0.03, 3.0), log("halving", 1e4, 1e7)],
        _ => return None,
    };
    Some(Space(dimensions))
}

const fn log(name: &'static str, low: f64, high: f64) -> Dimension {
    Dimension { name, low, high, scale: Scale::Log }
}

const fn below_one(name: &'static str, low: f64, high: f64) -> Dimension {
    Dimension { name, low, high, scale: Scale::LogOfComplement }
}

/// The setting at some values of a space's dimensions.
///
/// # Panics
/// If a dimension is no hyper-parameter that is searched.
pub fn setting(space: &Space, values: &[f64]) -> Hyper {
    let mut hyper = Hyper::NONE;
    for (dimension, &value) in space.0.iter().zip(values) {
        let place = match dimension.name {
            "lr" => &mut hyper.lr,
            "alpha" => &mut hyper.alpha,
            "momentum" => &mut hyper.momentum,
            "epsilon" => &mut hyper.epsilon,
            "rho" => &mut hyper.rho,
            "halving" => &mut hyper.halving,
            other => panic!("{other} is not searched"),
        };
        *place = Some(value);
    }
    hyper
}
