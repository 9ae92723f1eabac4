//! Everything that decides a result, resolved: no option is left open, so that a record of it can be run again.

use super::hidden::Hidden;
use super::images::Inputs;
use super::names::named;
use super::optimizer::Optimizer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The settings of one training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Hidden units of each hidden layer.
    pub hidden: Hidden,
    /// The rule and its hyper-parameters.
    #[serde(flatten)]
    pub optimizer: Optimizer,
    /// Images whose gradients are averaged for one update, at least 1.
    #[serde(deserialize_with = "at_least_1")]
    pub batch: usize,
    /// Passes over the training images at most: no more than [`MAX_EPOCHS`].
    #[serde(deserialize_with = "not_for_ever")]
    pub epochs: u64,
    /// The first so many training images are used; `None`: all, but those held out.
    pub images: Option<usize>,
    /// The last so many training images are held out: tests during training see them, and the test set only at the end is
    /// classified, once. `None`: tests see the test set, as in the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<usize>,
    /// Training stops when a test's accuracy is strictly above this.
    pub target: Option<f64>,
    /// Training stops, as hopeless, when an epoch ends no more accurate than any of the so many before it; the first
    /// epoch of all counts for nothing. `None`: never.
    pub stall: Option<u64>,
    /// Training images between tests, at least 1.
    #[serde(deserialize_with = "at_least_1")]
    pub test_every: u64,
    /// Seed of the random streams.
    pub seed: u64,
    /// The order of the images.
    pub order: Order,
    /// How the initial weights are drawn; `None`: they are given.
    pub init: Option<Init>,
    /// How grey levels become inputs.
    pub inputs: Inputs,
    /// What the output of the right class and of the others should be: (others, right).
    pub one_hot: (f64, f64),
    /// Which error the hidden layer receives.
    pub backprop: Backprop,
}

/// Epochs of a run at most: a week of the smallest network. More would be no experiment, but a slip.
pub const MAX_EPOCHS: u64 = 100_000;

fn not_for_ever<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let epochs = u64::deserialize(deserializer)?;
    let fault = || serde::de::Error::custom(format!("expected at most {MAX_EPOCHS} epochs, found {epochs}"));
    if epochs <= MAX_EPOCHS { Ok(epochs) } else { Err(fault()) }
}

/// A number that something is divided by.
fn at_least_1<'de, D: Deserializer<'de>, N: Deserialize<'de> + From<u8> + PartialOrd>(
    deserializer: D,
) -> Result<N, D::Error> {
    let number = N::deserialize(deserializer)?;
    if number >= N::from(1) { Ok(number) } else { Err(serde::de::Error::custom("expected 1 or more")) }
}

named! {
    /// The order in which training images are seen.
    pub enum Order {
        /// A new random order every epoch.
        Shuffled = "shuffled",
        /// One random order for all epochs.
        Fixed = "fixed",
        /// As they are in the file.
        File = "file",
    }
}

/// How initial weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All layers from N(0, deviation^2).
    Normal(f64),
    /// Each layer from N(0, 1 / number of the unit's inputs).
    FanIn,
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Normal(deviation) => write!(f, "normal:{deviation}"),
            Self::FanIn => f.write_str("fan-in"),
        }
    }
}

impl FromStr for Init {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "fan-in" {
            return Ok(Self::FanIn);
        }
        let deviation = text.strip_prefix("normal:").and_then(|deviation| deviation.parse().ok());
        deviation.filter(|deviation| (0.0..=1e6).contains(deviation)).map(Self::Normal).ok_or_else(|| {
            "expected fan-in, or normal:S with a standard deviation S from 0 to 1e6".to_owned()
        })
    }
}

impl<'de> Deserialize<'de> for Init {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Init {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

named! {
    /// Which error the hidden layer receives through the second layer's weights.
    pub enum Backprop {
        /// The true gradient of the mean squared error.
        Mse = "mse",
        /// y - t without the factor y (1 - y), as in the experiments of the paper's author.
        Authors = "authors",
    }
}

impl From<Backprop> for dlr_kernels::output::Backprop {
    fn from(backprop: Backprop) -> Self {
        match backprop {
            Backprop::Mse => Self::Mse,
            Backprop::Authors => Self::Authors,
        }
    }
}

impl Settings {
    /// The defaults of the command line for this optimizer and so many hidden units.
    pub fn new(hidden: impl Into<Hidden>, optimizer: Optimizer) -> Self {
        Self {
            hidden: hidden.into(),
            optimizer,
            batch: 1,
            epochs: 30,
            images: None,
            validate: None,
            target: Some(0.96),
            stall: None,
            test_every: 600,
            seed: 1,
            order: Order::Shuffled,
            init: Some(Init::FanIn),
            inputs: Inputs::Unit,
            one_hot: (0.0, 1.0),
            backprop: Backprop::Mse,
        }
    }

    /// Makes them those of the experiments of the paper's author, but for the optimizer, whose list has its own.
    pub fn set_authors(&mut self) {
        self.backprop = Backprop::Authors;
        self.init = Some(Init::Normal(0.01));
        self.one_hot = (0.01, 0.99);
        self.order = Order::Fixed;
        self.stall = Some(5);
    }

    /// What tests during training see, in a word.
    pub fn tested_on(&self) -> &'static str {
        if self.validate.is_some() { "validation" } else { "test" }
    }

    /// Everything but the network and the optimizer, on one line for people.
    pub fn details(&self) -> String {
        let (low, high) = self.one_hot;
        let held_out = self.validate.map_or_else(String::new, |images| format!(", {images} images held out"));
        let init = self.init.map_or_else(|| "from a file".to_owned(), |init| init.to_string());
        format!(
            "batch {}, {} order, weights {init}, inputs {}, targets {low} and {high}, backprop {}{held_out}",
            self.batch,
            self.order.name(),
            self.inputs.name(),
            self.backprop.name()
        )
    }
}
