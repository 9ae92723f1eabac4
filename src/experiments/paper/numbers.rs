//! What the paper found, to lay ours beside.

/// A mean and its standard deviation over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

const fn published(mean: f64, deviation: f64) -> Published {
    Published { mean, deviation }
}

/// Runs behind each number, by the author's experiments; the paper does not say.
pub const RUNS: usize = 5;

/// Fig. 2: the smallest hidden layer that reaches 96 %, under the algorithm of that label.
pub fn smallest(label: &str) -> Option<Published> {
    match label {
        "SGD" => Some(published(36.3, 1.2)),
        "Adam" => Some(published(35.3, 1.6)),
        "Nesterov" => Some(published(33.7, 2.0)),
        "DLR" => Some(published(29.7, 1.6)),
        _ => None,
    }
}

/// Fig. 3: epochs to 96 % under DLR.
pub const DLR_EPOCHS: Published = published(0.77, 0.10);
/// Fig. 3: epochs to 96 % at DLR's mean learning rate.
pub const MEAN_RATE_EPOCHS: Published = published(1.14, 0.22);
