//! Mean, standard deviation and median of results, some of which may be missing.

/// What a sample says. Runs that miss their target have no value: they count as later than any other, not as nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Values, those that are missing not counted.
    pub hits: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation, with n - 1 in the denominator; for two values or more.
    pub deviation: Option<f64>,
    /// The median of all, where missing ones count as infinitely large; `None` if it is among them.
    pub median: Option<f64>,
}

impl Sample {
    /// The statistics of `values`.
    pub fn of(values: &[Option<f64>]) -> Self {
        let mut there: Vec<f64> = values.iter().copied().flatten().collect();
        there.sort_by(f64::total_cmp);
        let n = there.len() as f64;
        let mean = (n > 0.0).then(|| there.iter().sum::<f64>() / n);
        let deviation = mean.filter(|_| n > 1.0).map(|mean| {
            let squares: f64 = there.iter().map(|x| (x - mean).powi(2)).sum();
            (squares / (n - 1.0)).sqrt()
        });
        let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
        let median = there.get(below).zip(there.get(above)).map(|(a, b)| f64::midpoint(*a, *b));
        Self { hits: there.len(), mean, deviation, median }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_textbook_sample() {
        let sample = Sample::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Some));
        assert_eq!((sample.hits, sample.mean, sample.median), (8, Some(5.0), Some(4.5)));
        assert!((sample.deviation.unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_miss_is_later_than_any_hit() {
        let sample = Sample::of(&[Some(3.0), None, Some(1.0)]);
        assert_eq!((sample.hits, sample.mean, sample.median), (2, Some(2.0), Some(3.0)));
        assert_eq!(Sample::of(&[Some(1.0), None]).median, None);
        assert_eq!(Sample::of(&[None, Some(1.0), None]).median, None);
    }

    #[test]
    fn small_samples() {
        let none = Sample { hits: 0, mean: None, deviation: None, median: None };
        assert_eq!(Sample::of(&[]), none);
        assert_eq!(Sample::of(&[None]), none);
        assert_eq!(
            Sample::of(&[Some(2.0)]),
            Sample { hits: 1, mean: Some(2.0), deviation: None, median: Some(2.0) }
        );
    }
}
