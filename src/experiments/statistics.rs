//! Statistics of samples: of results, some of which may be missing, and of times, which are all there.

use serde::{Deserialize, Serialize};

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

/// Where times lie that were measured again and again. Whatever disturbs a measurement makes it longer, so that the least
/// is the nearest to what the machine can do, and the middle half to what it usually does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// A quarter of them are below this.
    pub first_quartile: f64,
    /// Half of them are.
    pub median: f64,
    /// Three quarters are.
    pub third_quartile: f64,
}

impl Spread {
    /// Where `times` lie, each quartile taken between the two nearest of them; `None` if there are none.
    pub fn of(times: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut times: Vec<f64> = times.into_iter().collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (times.len() - 1) as f64;
            let (below, above) = (times[place.floor() as usize], times[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        let &least = times.first()?;
        Some(Self { least, first_quartile: at(0.25), median: at(0.5), third_quartile: at(0.75) })
    }

    /// The width of the middle half, as a share of the median.
    pub fn width(&self) -> f64 {
        (self.third_quartile - self.first_quartile) / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_nearest() {
        assert_eq!(Spread::of([]), None);
        let all = |time| Spread { least: time, first_quartile: time, median: time, third_quartile: time };
        assert_eq!(Spread::of([3.0]), Some(all(3.0)));
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        let want = Spread { least: 1.0, first_quartile: 1.75, median: 2.5, third_quartile: 3.25 };
        assert_eq!((spread, spread.width()), (want, 0.6));
    }

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
