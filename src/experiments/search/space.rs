//! The box of settings that a search may choose from, and points of the unit cube that stand for them. With
//! u from 0 to 1, a dimension from `low` to `high` has the value
//!
//! ```text
//! log                  low (high / low)^u
//! log of complement    1 - (1 - low) ((1 - high) / (1 - low))^u      for momenta and the like, near 1
//! ```
//!
//! rounded to three significant digits (of the complement, for the last), so that it is short enough to
//! print, and the same number again when it is typed.

use crate::error::{Error, Result};

/// How a dimension is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal ratios.
    Log,
    /// Equal ratios of 1 - x: 0.9, 0.99 and 0.999 are as far from each other.
    LogOfComplement,
}

/// A setting that is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dimension {
    /// Its name, as a user types it.
    pub name: &'static str,
    /// The least value.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// What lies between them.
    pub scale: Scale,
}

impl Dimension {
    /// The value for `unit`, in the dimension's own unit: 0 is `low`, 1 is `high`, and what is beyond counts
    /// as these.
    pub fn value(&self, unit: f64) -> f64 {
        let unit = unit.clamp(0.0, 1.0);
        let exact = match self.scale {
            Scale::Log => between(self.low, self.high, unit),
            Scale::LogOfComplement => between(1.0 - self.low, 1.0 - self.high, unit),
        };
        let value = if self.scale == Scale::LogOfComplement { one_less(exact) } else { rounded(exact) };
        value.clamp(self.low, self.high)
    }

    /// Where `value` lies, from 0 to 1: the inverse of [`value`](Self::value), but for rounding. What is
    /// beyond the ends counts as these.
    pub fn unit(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = |low: f64, high: f64, value: f64| (value - low) / (high - low);
        match self.scale {
            Scale::Log => share(self.low.ln(), self.high.ln(), value.ln()),
            Scale::LogOfComplement => {
                share((1.0 - self.low).ln(), (1.0 - self.high).ln(), (1.0 - value).ln())
            }
        }
    }

    fn check(&self) -> Result<()> {
        let Self { name, low, high, scale } = *self;
        let (ends, cure) = match scale {
            Scale::Log => (low > 0.0, "give two finite numbers above 0, the lower one first"),
            Scale::LogOfComplement => (high < 1.0, "give two numbers below 1, the lower one first"),
        };
        // The difference is not finite if either of them isn't.
        if ends && low < high && (high - low).is_finite() {
            return Ok(());
        }
        let problem = format!("{low} to {high} is no range to search in");
        Err(Error::Settings { option: name, problem, cure: cure.to_owned() })
    }
}

/// The dimensions of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Space(Vec<Dimension>);

impl Space {
    /// The box of `dimensions`.
    ///
    /// # Errors
    /// If the ends of one are not a range, or not one that its scale can divide.
    pub fn new(dimensions: Vec<Dimension>) -> Result<Self> {
        dimensions.iter().try_for_each(Dimension::check)?;
        Ok(Self(dimensions))
    }

    /// The dimensions, in the order of coordinates.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.0
    }

    /// The settings at `point` of the unit cube.
    ///
    /// # Panics
    /// If it has another number of coordinates than there are dimensions.
    pub fn values(&self, point: &[f64]) -> Vec<f64> {
        assert_eq!(point.len(), self.0.len(), "a coordinate for each dimension");
        self.0.iter().zip(point).map(|(dimension, &unit)| dimension.value(unit)).collect()
    }

    /// The point of the unit cube that stands for `values`.
    ///
    /// # Panics
    /// If there is another number of them than of dimensions.
    pub fn point(&self, values: &[f64]) -> Vec<f64> {
        assert_eq!(values.len(), self.0.len(), "a value for each dimension");
        self.0.iter().zip(values).map(|(dimension, &value)| dimension.unit(value)).collect()
    }

    /// All combinations of `each` values of every dimension, both ends among them (of one, the middle), as
    /// points; the last dimension changes fastest.
    pub fn grid(&self, each: usize) -> Vec<Vec<f64>> {
        let coordinates: Vec<f64> = match each {
            1 => vec![0.5],
            each => (0..each).map(|i| i as f64 / (each - 1) as f64).collect(),
        };
        combinations(&vec![coordinates; self.0.len()])
    }
}

/// All combinations of one value from each of `lists`, the last list's changing fastest. None if any list is empty.
fn combinations(lists: &[Vec<f64>]) -> Vec<Vec<f64>> {
    lists.iter().fold(vec![Vec::new()], |heads, list| {
        let longer = |head: &Vec<f64>, &value: &f64| head.iter().copied().chain([value]).collect();
        heads.iter().flat_map(|head| list.iter().map(move |value| longer(head, value))).collect()
    })
}

fn between(low: f64, high: f64, unit: f64) -> f64 {
    low * (high / low).powf(unit)
}

/// `value` to three significant digits: the double that is nearest to that decimal number.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().expect("a number that was just printed")
}

/// 1 - `complement` to three significant digits of the complement. Of a complement of 0.00123, that is five
/// decimals.
fn one_less(complement: f64) -> f64 {
    let complement = rounded(complement);
    let leading = complement.log10().floor() as i32;
    let decimals = usize::try_from(2 - leading).unwrap_or(0);
    format!("{:.decimals$}", 1.0 - complement).parse().expect("a number that was just printed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> Dimension {
        Dimension { name: "--lr", low: 1e-4, high: 10.0, scale: Scale::Log }
    }

    fn momentum() -> Dimension {
        Dimension { name: "--momentum", low: 0.5, high: 0.9995, scale: Scale::LogOfComplement }
    }

    #[test]
    fn ends_and_middles() {
        assert_eq!([0.0, 0.5, 1.0, 1.5].map(|unit| rate().value(unit)), [1e-4, 0.0316, 10.0, 10.0]);
        // sqrt(0.5 * 0.0005) is 0.01581.
        assert_eq!([0.0, 0.5, 1.0].map(|unit| momentum().value(unit)), [0.5, 0.9842, 0.9995]);
        assert_eq!(momentum().unit(0.9999), 1.0);
    }

    #[test]
    fn values_are_short_and_come_back() {
        for dimension in [rate(), momentum()] {
            for unit in (0..=1000).map(|i| f64::from(i) / 1000.0) {
                let value = dimension.value(unit);
                let typed = value.to_string();
                assert_eq!(typed.parse(), Ok(value));
                assert!(typed.len() <= 8, "{typed}");
                // Half of the third digit is 0.5 % of a value at most: that much of a log scale of 5 decades
                // is 0.005 / 11.5, of one of 3 decades 0.005 / 6.9.
                assert!((dimension.unit(value) - unit).abs() <= 0.005 / 6.8, "{unit}: {value}");
                assert_eq!(dimension.value(dimension.unit(value)), value, "and does not move again");
            }
        }
    }

    #[test]
    fn three_digits() {
        for (value, want) in
            [(0.0, 0.0), (1.0, 1.0), (123_456.0, 123_000.0), (0.001_239_9, 0.00124), (-9.999, -10.0)]
        {
            assert_eq!(rounded(value), want);
        }
        for (complement, want) in
            [(0.001_234_4, 0.998_77), (0.099_96, 0.9), (0.5, 0.5), (1.5, -0.5), (1.0, 0.0)]
        {
            assert_eq!(one_less(complement), want);
        }
    }

    #[test]
    fn ends_with_more_digits_stay_ends() {
        let dimension = Dimension { name: "x", low: 0.12345, high: 0.23456, scale: Scale::Log };
        assert_eq!([0.0, 1.0].map(|unit| dimension.value(unit)), [0.12345, 0.23456]);
    }

    #[test]
    fn ranges_that_are_none() {
        let bad =
            |low, high, scale| Space::new(vec![rate(), Dimension { name: "--x", low, high, scale }]).is_err();
        assert!(bad(1.0, 1.0, Scale::Log) && bad(2.0, 1.0, Scale::Log) && bad(1.0, f64::NAN, Scale::Log));
        assert!(bad(0.0, 1.0, Scale::Log) && bad(1.0, f64::INFINITY, Scale::Log));
        assert!(bad(0.0, 1.0, Scale::LogOfComplement) && bad(f64::NEG_INFINITY, 0.5, Scale::LogOfComplement));
        assert!(!bad(0.1, 1.0, Scale::Log) && !bad(0.0, 0.9, Scale::LogOfComplement));
        let error = Space::new(vec![Dimension { low: 0.0, ..rate() }]).unwrap_err().to_string();
        assert_eq!(
            error,
            "--lr: 0 to 10 is no range to search in; give two finite numbers above 0, the lower one first"
        );
    }

    #[test]
    fn grids_and_lists() {
        let space = Space::new(vec![rate(), momentum()]).unwrap();
        let values: Vec<Vec<f64>> = space.grid(3).iter().map(|point| space.values(point)).collect();
        assert_eq!(values.len(), 9);
        assert_eq!(
            (&values[0], &values[1], &values[8]),
            (&vec![1e-4, 0.5], &vec![1e-4, 0.9842], &vec![10.0, 0.9995])
        );
        assert_eq!(space.grid(1), [[0.5, 0.5]]);
        assert!(space.grid(0).is_empty());
        let listed = combinations(&[vec![1.0, 2.0], vec![3.0], vec![4.0, 5.0]]);
        assert_eq!(listed, [[1.0, 3.0, 4.0], [1.0, 3.0, 5.0], [2.0, 3.0, 4.0], [2.0, 3.0, 5.0]]);
        assert!(combinations(&[vec![1.0], vec![]]).is_empty());
        assert_eq!(space.values(&space.point(&[0.0316, 0.9842])), [0.0316, 0.9842]);
    }
}
