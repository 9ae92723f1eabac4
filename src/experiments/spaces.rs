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

/// A number of an optimizer that can be searched: its name, how it is divided, and where it is.
type Searched = (&'static str, Scale, fn(&mut Hyper) -> &mut Option<f64>);

/// All of them.
const SEARCHED: [Searched; 8] = [
    ("lr", Scale::Log, |hyper| &mut hyper.lr),
    ("alpha", Scale::Log, |hyper| &mut hyper.alpha),
    ("momentum", Scale::LogOfComplement, |hyper| &mut hyper.momentum),
    ("beta1", Scale::LogOfComplement, |hyper| &mut hyper.beta1),
    ("beta2", Scale::LogOfComplement, |hyper| &mut hyper.beta2),
    ("rho", Scale::LogOfComplement, |hyper| &mut hyper.rho),
    ("epsilon", Scale::Log, |hyper| &mut hyper.epsilon),
    ("halving", Scale::Log, |hyper| &mut hyper.halving),
];

/// Those that are set in `hyper`.
pub fn searchable(mut hyper: Hyper) -> Vec<&'static str> {
    SEARCHED.iter().filter(|(.., place)| place(&mut hyper).is_some()).map(|&(name, ..)| name).collect()
}

/// A number from `low` to `high`; `None` if none of that name can be searched.
pub fn dimension(name: &str, low: f64, high: f64) -> Option<Dimension> {
    let &(name, scale, _) = SEARCHED.iter().find(|(known, ..)| *known == name)?;
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

/// The point of the space that a setting lies at, up to rounding; `None` if it lacks one of the space's numbers, or has one
/// beyond its range, as a default may where another range was asked for.
///
/// # Panics
/// If a dimension is no hyper-parameter that is searched.
pub fn point(space: &Space, setting: &Hyper) -> Option<Vec<f64>> {
    let mut hyper = *setting;
    let values = space.dimensions().iter().map(|dimension| {
        number(&mut hyper, dimension.name).filter(|value| (dimension.low..=dimension.high).contains(value))
    });
    Some(space.point(&values.collect::<Option<Vec<f64>>>()?))
}

/// The hyper-parameter of that name.
fn number<'a>(hyper: &'a mut Hyper, name: &str) -> &'a mut Option<f64> {
    match SEARCHED.iter().find(|(known, ..)| *known == name) {
        Some((.., place)) => place(hyper),
        None => panic!("{name} is not searched"),
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
                let at = point(&space, defaults);
                let at = at.unwrap_or_else(|| panic!("{}: {defaults} lies beyond the space", entry.name));
                let again = setting(&space, &at, defaults);
                for dimension in space.dimensions() {
                    let [was, is] =
                        [*defaults, again].map(|mut hyper| number(&mut hyper, dimension.name).unwrap());
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
            searchable(entry.defaults)
        };
        assert_eq!(of("adam"), ["lr", "beta1", "beta2", "epsilon"]);
        assert_eq!(of("sgd-rates"), [""; 0]);
        assert_eq!((dimension("norm", 0.1, 1.0), dimension("rho", 0.1, 0.9).is_some()), (None, true));
    }

    #[test]
    fn what_lies_beyond_a_range_has_no_point() {
        let space =
            Space::new(vec![dimension("lr", 0.1, 10.0).expect("it can be searched")]).expect("a range");
        let at = |lr| point(&space, &Hyper::lr(lr));
        assert_eq!([0.09, 0.1, 10.0, 10.1].map(at), [None, Some(vec![0.0]), Some(vec![1.0]), None]);
    }
}
