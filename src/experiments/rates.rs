//! DLR's learning rates on the average: what remains of them if all synapses of a layer get the same.
//!
//! ```text
//! mean_ij eta0 (|w_ij| + alpha) / (||w_j|| + alpha)
//!     = eta0 / (J I) sum_j (sum_i |w_ij| + I alpha) / (||w_j|| + alpha)     for J units j of I weights each
//! ```
//!
//! It is the mean over all synapses, those of pixels that are never lit included.

use crate::engine::network::Weights;
use crate::engine::optimizer::{Norm, Optimizer};
use dlr_kernels::panel::Panel;

/// DLR's mean learning rate in the first and the last layer of such weights; none if the optimizer is another.
pub fn mean_rates(optimizer: &Optimizer, weights: &Weights) -> Option<[f64; 2]> {
    let hyper = optimizer.hyper();
    let (lr, alpha, norm) = (hyper.lr?, hyper.alpha?, hyper.norm?);
    // A row of the first layer is a pre-synaptic unit, one of the last a post-synaptic one.
    let by_row = norm == Norm::Pre;
    Some([mean_rate(weights.first, by_row, lr, alpha), mean_rate(weights.last, !by_row, lr, alpha)])
}

/// The mean over a layer whose norms are those of its rows, or of its columns.
fn mean_rate(weights: &Panel, by_row: bool, lr: f64, alpha: f64) -> f64 {
    let (rows, columns) = (weights.rows(), weights.width());
    let (units, each) = if by_row { (rows, columns) } else { (columns, rows) };
    let mut sizes = vec![0.0; units];
    let mut squares = vec![0.0; units];
    for row in 0..rows {
        for (column, &w) in weights.row(row).iter().enumerate() {
            let (unit, w) = (if by_row { row } else { column }, f64::from(w));
            sizes[unit] += w.abs();
            squares[unit] += w * w;
        }
    }
    let of_unit = |(size, squares): (&f64, &f64)| (size + each as f64 * alpha) / (squares.sqrt() + alpha);
    lr * sizes.iter().zip(&squares).map(of_unit).sum::<f64>() / (rows * columns) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::optimizer::{Entry, Hyper};
    use dlr_kernels::reference::{self, dlr_rates};

    #[test]
    fn the_mean_is_that_of_every_synapse_s_rate() {
        let weight = |row: usize, column: usize| ((7 * row + 3 * column) % 11) as f32 / 8.0 - 0.5;
        let panels = [Panel::from_fn(5, 3, weight), Panel::from_fn(4, 3, weight)];
        let weights = Weights { first: &panels[0], inner: Vec::new(), last: &panels[1] };
        let entry = Entry::find("dlr").unwrap();
        for (norm, layers) in [(Norm::Pre, [true, false]), (Norm::Post, [false, true])] {
            let chosen = Hyper { norm: Some(norm), lr: Some(0.6), alpha: Some(0.3), ..Hyper::default() };
            let dlr = entry.with(&entry.defaults, &chosen).unwrap();
            let found = mean_rates(&dlr, &weights).unwrap();
            for ((panel, by_row), found) in panels.iter().zip(layers).zip(found) {
                let all: Vec<f64> =
                    (0..panel.rows()).flat_map(|row| panel.row(row)).map(|&w| w.into()).collect();
                let norm = if by_row { reference::Norm::Pre } else { reference::Norm::Post };
                let rates = dlr_rates(0.6, 0.3, norm, &all, panel.width());
                let want = rates.iter().sum::<f64>() / rates.len() as f64;
                // Two orders of some dozen additions of positive numbers.
                assert!((found / want - 1.0).abs() < 1e-14, "{found}, {want}");
            }
        }
        let sgd = Entry::find("sgd").unwrap();
        let sgd = sgd.with(&sgd.defaults, &Hyper::default()).unwrap();
        assert_eq!(mean_rates(&sgd, &weights), None);
    }
}
