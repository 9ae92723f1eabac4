//! Numbers that tune an optimizer, and the one table of them.

use super::names::named;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Numbers that a hyper-parameter may be.
#[derive(Clone, Debug)]
pub struct Range {
    numbers: RangeInclusive<f64>,
    /// What they are called.
    pub words: &'static str,
}

impl Range {
    /// Whether a number is one of them.
    pub fn contains(&self, number: f64) -> bool {
        self.numbers.contains(&number)
    }

    /// The words for what a number should be, if it is none of them.
    fn refuse(&self, number: f64) -> Option<&'static str> {
        (!self.contains(number)).then_some(self.words)
    }
}

/// Learning rates: as large as f32 has them.
pub const RATE: Range = Range { numbers: 0.0..=f32::MAX as f64, words: "from 0 to 3.4e38" };
/// What is divided by: the positive, normal numbers of f32.
pub const DIVISOR: Range =
    Range { numbers: f32::MIN_POSITIVE as f64..=f32::MAX as f64, words: "from 1.2e-38 to 3.4e38" };
/// What is left of something after an update: up to the largest f32 below 1, so that none becomes 1 by rounding.
pub const DECAY: Range =
    Range { numbers: 0.0..=(1.0 - f32::EPSILON / 2.0) as f64, words: "from 0 to 0.99999994" };

/// A hyper-parameter out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// Its option on the command line.
    pub option: &'static str,
    /// What it is.
    pub value: String,
    /// What it should be.
    pub words: &'static str,
}

/// Defines [`Hyper`] with everything that goes through all of its numbers. A name is the option's on the command line,
/// without its dashes, and the key in results, which keep the order of the table, as people's summaries do. What a value
/// should be, if it is something else, is said last.
macro_rules! table {
    ($($(#[$doc:meta])* $name:ident: $Value:ty, $refuse:expr;)+) => {
        /// Numbers that tune an optimizer; each optimizer has some of them.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub struct Hyper {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<$Value>,)+
        }

        impl Hyper {
            /// None of them.
            pub const NONE: Self = Self { $($name: None,)+ };

            /// These, and `defaults` where there is nothing here.
            ///
            /// # Errors
            /// The option of one that is set here, but has no default.
            pub fn or(self, defaults: &Self) -> Result<Self, &'static str> {
                Ok(Self {
                    $($name: match (self.$name, defaults.$name) {
                        (Some(_), None) => return Err(concat!("--", stringify!($name))),
                        (chosen, default) => chosen.or(default),
                    },)+
                })
            }

            /// Whether all numbers are within their ranges.
            ///
            /// # Errors
            /// The first that is not.
            pub fn check(&self) -> Result<(), OutOfRange> {
                $(if let Some(value) = self.$name && let Some(words) = ($refuse)(value) {
                    let (option, value) = (concat!("--", stringify!($name)), Shown(value).to_string());
                    return Err(OutOfRange { option, value, words });
                })+
                Ok(())
            }
        }

        impl fmt::Display for Hyper {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                let mut gap = "";
                $(if let Some(value) = self.$name {
                    write!(f, "{gap}{} {}", stringify!($name), Shown(value))?;
                    gap = ", ";
                })+
                let _ = gap;
                Ok(())
            }
        }
    };
}

table! {
    /// The learning rate: eta, DLR's eta0, Adam's alpha.
    lr: f64, |x| RATE.refuse(x);
    /// DLR's alpha.
    alpha: f64, |x| DIVISOR.refuse(x);
    /// The units whose norms DLR divides by.
    norm: Norm, |_| None;
    /// Momentum's mu.
    momentum: f64, |x| DECAY.refuse(x);
    /// Adam's decay of the first moment.
    beta1: f64, |x| DECAY.refuse(x);
    /// Adam's decay of the second moment.
    beta2: f64, |x| DECAY.refuse(x);
    /// RMSProp's decay of the mean of squares.
    rho: f64, |x| DECAY.refuse(x);
    /// What is added to the root that AdaGrad, RMSProp and Adam divide by.
    epsilon: f64, |x| DIVISOR.refuse(x);
    /// Updates after which a decaying rate has halved.
    halving: f64, |x| DIVISOR.refuse(x);
    /// How each layer's rate changes from update to update.
    rates: Rates, |rates: Rates| (!rates.are_numbers_of_f32()).then_some("with numbers from -3.4e38 to 3.4e38");
}

named! {
    /// The units whose norms DLR divides by.
    pub enum Norm {
        /// The outgoing weights of the pre-synaptic unit (Eq. 1).
        Pre = "pre",
        /// The incoming weights of the post-synaptic unit (Eq. 3).
        Post = "post",
    }
}

/// a, b, c and d of the rate a exp(b t^(1/3) + c t) + d after t updates: those of all layers but the last, then those of the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates(pub [[f64; 4]; 2]);

impl Rates {
    fn are_numbers_of_f32(&self) -> bool {
        self.0.as_flattened().iter().all(|number| number.abs() <= f64::from(f32::MAX))
    }

    /// The same rate in all layers and for all time.
    pub const fn constant(rate: f64) -> Self {
        Self([[0.0, 0.0, 0.0, rate]; 2])
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let numbers = self.0.as_flattened().iter().map(f64::to_string);
        f.write_str(&numbers.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<f64>> = text.split(',').map(|number| number.parse().ok()).collect();
        match numbers.as_deref().map(<[f64]>::as_chunks) {
            Some((&[first, last], [])) if Self([first, last]).are_numbers_of_f32() => Ok(Self([first, last])),
            _ => Err("expected A,B,C,D,A,B,C,D: eight numbers from -3.4e38 to 3.4e38".to_owned()),
        }
    }
}

impl Default for Hyper {
    fn default() -> Self {
        Self::NONE
    }
}

impl Hyper {
    /// A learning rate alone.
    pub const fn lr(lr: f64) -> Self {
        Self { lr: Some(lr), ..Self::NONE }
    }
}

/// A value as people read it.
pub struct Shown<T>(pub T);

impl fmt::Display for Shown<f64> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let value = self.0;
        if value != 0.0 && !(1e-4..1e6).contains(&value) {
            write!(f, "{value:e}")
        } else {
            write!(f, "{value}")
        }
    }
}

impl fmt::Display for Shown<Norm> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl fmt::Display for Shown<Rates> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_programs_read_the_same_order() {
        let rates = Rates([[0.5, -0.25, 1e-7, 0.0], [1.0, 2.0, 3.0, 4.0]]);
        let hyper = Hyper {
            norm: Some(Norm::Post),
            epsilon: Some(1e-8),
            halving: Some(3e6),
            rates: Some(rates),
            ..Hyper::lr(0.25)
        };
        let text = "lr 0.25, norm post, epsilon 1e-8, halving 3e6, rates 0.5,-0.25,0.0000001,0,1,2,3,4";
        assert_eq!(hyper.to_string(), text);
        let json = r#"{"lr":0.25,"norm":"post","epsilon":1e-8,"halving":3000000.0,"rates":[[0.5,-0.25,1e-7,0.0],[1.0,2.0,3.0,4.0]]}"#;
        assert_eq!(serde_json::to_string(&hyper).unwrap(), json);
        assert_eq!(Hyper::NONE.to_string(), "");
        assert_eq!(Hyper::lr(0.0).to_string(), "lr 0");
    }

    /// Those of f32: a decay of 0.99999994 is the largest below 1, and 1.1754943e-38 the smallest normal divisor.
    #[test]
    fn numbers_are_within_their_ranges() {
        let hyper = |name: &str, value: f64| -> Hyper {
            serde_json::from_value(serde_json::json!({ name: value })).unwrap()
        };
        let rates = ("lr", [0.0, 3.4028234e38], [-1e-300, 3.4028236e38]);
        let divisors = ["alpha", "epsilon", "halving"]
            .map(|name| (name, [1.1754944e-38, 3.4028234e38], [0.0, 3.4028236e38]));
        let decays = ["momentum", "beta1", "beta2", "rho"]
            .map(|name| (name, [0.0, 0.99999994], [-1e-300, 0.99999995]));
        for (name, within, beyond) in [rates].into_iter().chain(divisors).chain(decays) {
            for value in within {
                assert_eq!(hyper(name, value).check(), Ok(()), "{name} {value:e}");
            }
            for value in beyond {
                let OutOfRange { option, value: told, .. } = hyper(name, value).check().unwrap_err();
                assert_eq!((&option[2..], told), (name, Shown(value).to_string()));
            }
        }
        assert!(hyper("lr", 1.0).or(&Hyper::NONE) == Err("--lr"));
        let rates = Hyper { rates: Some(Rates::constant(3.5e38)), ..Hyper::NONE };
        let words = "with numbers from -3.4e38 to 3.4e38";
        let told = rates.check().unwrap_err();
        assert_eq!((told.option, told.words), ("--rates", words));
    }

    #[test]
    fn rates_are_eight_finite_numbers() {
        let rates = Rates([[0.5, -0.25, 1e-7, 0.0], [1.0, 2.0, 3.0, 4.0]]);
        assert_eq!(rates.to_string().parse(), Ok(rates));
        let largest = "3.4e38,-3.4e38,0,0,0,0,0,0";
        assert_eq!(largest.parse(), Ok(Rates([[3.4e38, -3.4e38, 0.0, 0.0], [0.0; 4]])));
        for bad in [
            "",
            "1",
            "1,2,3,4,5,6,7",
            "1,2,3,4,5,6,7,8,9",
            "1,2,3,4,5,6,7,",
            "1,2,3,4,5,6,7,NaN",
            "inf,2,3,4,5,6,7,8",
            "1,2,3,4,5,6,7,-3.5e38",
        ] {
            assert!(bad.parse::<Rates>().is_err(), "{bad}");
        }
    }
}
