//! The settings that the author's experiments tried for each number of hidden units. They belong to the author's error of
//! the hidden layer: under the true gradient, others are best.

use crate::engine::optimizer::Hyper;

/// The numbers of hidden units in Fig. 1.
pub const SIZES: [usize; 8] = [45, 60, 80, 100, 120, 150, 200, 300];

/// The settings of `optimizer` for so many hidden units: those of the nearest size in [`SIZES`] that is not smaller, or
/// the largest.
///
/// # Panics
/// If the optimizer is none of the paper's.
pub fn grid(optimizer: &str, hidden: usize) -> Vec<Hyper> {
    let size = SIZES.iter().position(|&size| size >= hidden).unwrap_or(SIZES.len() - 1);
    match optimizer {
        "sgd" => SGD[size].iter().map(|&lr| Hyper { lr: Some(lr), ..Hyper::default() }).collect(),
        "dlr" => pairs(DLR[size], |lr, alpha| Hyper { alpha: Some(alpha), ..with(lr) }),
        "adam" => pairs(ADAM[size], |lr, epsilon| Hyper { epsilon: Some(epsilon), ..with(lr) }),
        "nesterov-authors" => pairs(NESTEROV[size], |lr, mu| Hyper { momentum: Some(mu), ..with(lr) }),
        other => panic!("the author tried no settings of {other}"),
    }
}

/// Whether a setting lies at the edge of its grid, so that a better one may lie beyond it.
pub fn is_at_edge(optimizer: &str, hidden: usize, best: &Hyper) -> bool {
    let all = grid(optimizer, hidden);
    let at_end = |value: fn(&Hyper) -> Option<f64>| {
        let mut values: Vec<f64> = all.iter().filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        let ends = [values.first(), values.last()];
        values.first() != values.last() && value(best).is_some_and(|value| ends.contains(&Some(&value)))
    };
    at_end(|hyper| hyper.lr)
        || at_end(|hyper| hyper.alpha)
        || at_end(|hyper| hyper.momentum)
        || at_end(|hyper| hyper.epsilon)
}

fn with(lr: f64) -> Hyper {
    Hyper { lr: Some(lr), ..Hyper::default() }
}

/// Every pair of a rate and another number.
fn pairs((rates, others): (&[f64], &[f64]), hyper: impl Fn(f64, f64) -> Hyper) -> Vec<Hyper> {
    rates
        .iter()
        .flat_map(|&lr| others.iter().map(move |&other| (lr, other)))
        .map(|(a, b)| hyper(a, b))
        .collect()
}

type Pairs = (&'static [f64], &'static [f64]);

/// Learning rates.
const SGD: [[f64; 5]; 8] = [
    [0.04, 0.05, 0.06, 0.07, 0.08],
    [0.07, 0.08, 0.09, 0.10, 0.11],
    [0.14, 0.16, 0.18, 0.20, 0.22],
    [0.14, 0.16, 0.18, 0.20, 0.22],
    [0.18, 0.20, 0.22, 0.24, 0.26],
    [0.18, 0.20, 0.22, 0.24, 0.26],
    [0.18, 0.20, 0.22, 0.24, 0.26],
    [0.24, 0.26, 0.28, 0.30, 0.32],
];

/// eta0 and alpha.
const DLR: [Pairs; 8] = {
    const ALPHAS: &[f64] = &[0.3, 0.4, 0.5, 0.6, 0.7];
    const SMALL: Pairs = (&[0.4, 0.5, 0.6], ALPHAS);
    const LARGE: Pairs = (&[0.5, 0.6, 0.7], ALPHAS);
    [(&[0.2, 0.25, 0.3], &[0.2, 0.3, 0.4, 0.5, 0.6]), SMALL, SMALL, LARGE, LARGE, LARGE, LARGE, LARGE]
};

/// Learning rates and epsilon.
const ADAM: [Pairs; 8] = {
    const RATES: &[f64] = &[0.0005, 0.001, 0.0015, 0.002];
    const HIGH_RATES: &[f64] = &[0.001, 0.0015, 0.002, 0.0025];
    const EPSILONS: &[f64] = &[1e-9, 1e-8, 1e-7, 1e-6];
    const MIDDLE: Pairs = (RATES, &[1e-8, 1e-7, 1e-6, 1e-5]);
    const LARGE: Pairs = (HIGH_RATES, &[1e-10, 1e-9, 1e-8, 1e-7]);
    [(RATES, EPSILONS), MIDDLE, MIDDLE, (RATES, EPSILONS), (RATES, EPSILONS), (RATES, EPSILONS), LARGE, LARGE]
};

/// Learning rates and mu.
const NESTEROV: [Pairs; 8] = {
    const LOW: &[f64] = &[0.03, 0.04, 0.05, 0.06];
    const MIDDLE: &[f64] = &[0.04, 0.05, 0.06, 0.07];
    const HIGH: &[f64] = &[0.05, 0.06, 0.07, 0.08];
    const MUS: &[f64] = &[0.5, 0.6, 0.7, 0.8];
    const HIGH_MUS: &[f64] = &[0.6, 0.7, 0.8, 0.9];
    [
        (&[0.02, 0.03, 0.04, 0.05], &[0.3, 0.4, 0.5, 0.6]),
        (LOW, MUS),
        (LOW, MUS),
        (MIDDLE, MUS),
        (MIDDLE, MUS),
        (MIDDLE, HIGH_MUS),
        (HIGH, HIGH_MUS),
        (HIGH, HIGH_MUS),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_author_made_2080_runs() {
        let optimizers = ["sgd", "nesterov-authors", "adam", "dlr"];
        let settings: usize =
            SIZES.iter().flat_map(|&size| optimizers.map(|name| grid(name, size).len())).sum();
        assert_eq!(5 * settings, 2080);
    }

    #[test]
    fn a_setting_at_an_edge_is_known() {
        let at = |lr, alpha| Hyper { alpha: Some(alpha), ..with(lr) };
        assert!(!is_at_edge("dlr", 100, &at(0.6, 0.4)));
        assert!(is_at_edge("dlr", 100, &at(0.6, 0.7)));
        assert!(is_at_edge("dlr", 100, &at(0.5, 0.4)));
        assert!(!is_at_edge("sgd", 45, &with(0.05)));
    }
}
