//! Quartiles of times, which are all there.

use serde::{Deserialize, Serialize};

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
}
