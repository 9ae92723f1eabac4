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
    Some(Space::new(dimensions).expect("these are ranges"))
}

const fn log(name: &'static str, low: f64, high: f64) -> Dimension {
    Dimension { name, low, high, scale: Scale::Log }
}

const fn below_one(name: &'static str, low: f64, high: f64) -> Dimension {
    Dimension { name, low, high, scale: Scale::LogOfComplement }
}

/// The setting at a point of the space, with `fixed` beside it.
///
/// # Panics
/// If a dimension is no hyper-parameter that is searched.
pub fn setting(space: &Space, point: &[f64], fixed: &Hyper) -> Hyper {
    let mut hyper = *fixed;
    for (dimension, value) in space.dimensions().iter().zip(space.values(point)) {
        *number(&mut hyper, dimension.name) = Some(value);
    }
    hyper
}

/// The point of the space that a setting lies at, up to rounding; `None` if it lacks one of the space's numbers.
///
/// # Panics
/// If a dimension is no hyper-parameter that is searched.
pub fn point(space: &Space, setting: &Hyper) -> Option<Vec<f64>> {
    let mut hyper = *setting;
    let values: Option<Vec<f64>> =
        space.dimensions().iter().map(|dimension| *number(&mut hyper, dimension.name)).collect();
    Some(space.point(&values?))
}

/// The hyper-parameter of that name.
fn number<'a>(hyper: &'a mut Hyper, name: &str) -> &'a mut Option<f64> {
    match name {
        "lr" => &mut hyper.lr,
        "alpha" => &mut hyper.alpha,
        "momentum" => &mut hyper.momentum,
        "beta1" => &mut hyper.beta1,
        "beta2" => &mut hyper.beta2,
        "rho" => &mut hyper.rho,
        "epsilon" => &mut hyper.epsilon,
        "halving" => &mut hyper.halving,
        other => panic!("{other} is not searched"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::optimizer::OPTIMIZERS;

    #[test]
    fn every_optimizer_s_defaults_lie_within_its_space() {
        for entry in OPTIMIZERS.iter().filter(|entry| entry.name != "sgd-rates") {
            let space = space(entry.name).expect("it has a space");
            for defaults in [&entry.defaults, &entry.authors] {
                let at = point(&space, defaults).expect("defaults are complete");
                let again = setting(&space, &at, defaults);
                for dimension in space.dimensions() {
                    let [was, is] =
                        [*defaults, again].map(|mut hyper| number(&mut hyper, dimension.name).unwrap());
                    assert!(
                        (dimension.low..=dimension.high).contains(&was),
                        "{}: {}",
                        entry.name,
                        dimension.name
                    );
                    // Values have three digits; of those below 1, their complements have.
                    assert!((is / was - 1.0).abs() < 5.1e-3, "{}: {was} became {is}", entry.name);
                }
            }
        }
        assert_eq!(space("sgd-rates"), None);
    }
}
