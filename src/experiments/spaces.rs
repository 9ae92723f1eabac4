//! Where each optimizer is searched: wide ranges of its hyper-parameters, each as wide as its best values for the sizes of
//! the paper and both of its errors call for, and more.

use super::search::{Dimension, Scale, Space};
use crate::engine::optimizer::Hyper;

/// The space of an optimizer's settings; `None` if it has nothing to search for.
pub fn space(optimizer: &str) -> Option<Space> {
    let ranges: &[(&str, f64, f64)] = match optimizer {
        "sgd" => &[("lr", 0.03, 3.0)],
        "dlr" | "dlr-denominator" => &[("lr", 0.1, 10.0), ("alpha", 0.1, 10.0)],
        "dlr-numerator" => &[("lr", 0.03, 3.0), ("alpha", 0.1, 10.0)],
        "nesterov" | "nesterov-authors" | "momentum" => &[("lr", 0.003, 1.0), ("momentum", 0.3, 0.97)],
        "adam" => &[("lr", 1e-4, 1e-2), ("epsilon", 1e-8, 1e-2)],
        "adagrad" => &[("lr", 3e-3, 0.3), ("epsilon", 1e-8, 1e-1)],
        "rmsprop" => &[("lr", 1e-4, 1e-2), ("rho", 0.8, 0.999), ("epsilon", 1e-8, 1e-1)],
        "sgd-decay" => &[("lr", 0.03, 3.0), ("halving", 1e4, 1e7)],
        _ => return None,
    };
    let dimensions =
        ranges.iter().map(|&(name, low, high)| dimension(name, low, high).expect("it can be searched"));
    Some(Space::new(dimensions.collect()).expect("these are ranges"))
}

/// What can be searched, and how it is divided.
const SCALES: [(&str, Scale); 8] = [
    ("lr", Scale::Log),
    ("alpha", Scale::Log),
    ("momentum", Scale::LogOfComplement),
    ("beta1", Scale::LogOfComplement),
    ("beta2", Scale::LogOfComplement),
    ("rho", Scale::LogOfComplement),
    ("epsilon", Scale::Log),
    ("halving", Scale::Log),
];

/// The numbers of an optimizer with such defaults that can be searched, also those that usually are not.
pub fn searchable(defaults: &Hyper) -> Vec<&'static str> {
    let mut hyper = *defaults;
    SCALES.map(|(name, _)| name).into_iter().filter(|name| number(&mut hyper, name).is_some()).collect()
}

/// A number from `low` to `high`; `None` if none of that name can be searched.
pub fn dimension(name: &str, low: f64, high: f64) -> Option<Dimension> {
    let &(name, scale) = SCALES.iter().find(|(known, _)| *known == name)?;
    Some(Dimension { name, low, high, scale })
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

    #[test]
    fn what_an_optimizer_does_not_have_cannot_be_searched() {
        let of = |name: &str| {
            let entry = OPTIMIZERS.iter().find(|entry| entry.name == name).expect("it is in the list");
            searchable(&entry.defaults)
        };
        assert_eq!(of("adam"), ["lr", "beta1", "beta2", "epsilon"]);
        assert_eq!(of("sgd-rates"), [""; 0]);
        assert_eq!((dimension("norm", 0.1, 1.0), dimension("rho", 0.1, 0.9).is_some()), (None, true));
    }
}
