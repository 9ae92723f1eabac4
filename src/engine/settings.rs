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
    /// epoch of all counts for nothing. `None`: never. At least 1.
    #[serde(default, deserialize_with = "none_or_at_least_1")]
    pub stall: Option<u64>,
    /// Training images between tests, at least 1. Where images are [learned together](super::learner::Learner::learn), this
    /// decides the last bits.
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

/// A number of which 0 would mean nothing.
fn at_least_1<'de, D: Deserializer<'de>, N: Deserialize<'de> + From<u8> + PartialOrd>(
    deserializer: D,
) -> Result<N, D::Error> {
    let number = N::deserialize(deserializer)?;
    if number >= N::from(1) { Ok(number) } else { Err(serde::de::Error::custom("expected 1 or more")) }
}

fn none_or_at_least_1<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Positive(#[serde(deserialize_with = "at_least_1")] u64);
    Ok(Option::deserialize(deserializer)?.map(|Positive(number)| number))
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
        let held_out = self.validate.map(|images| format!(", {images} images held out"));
        let stall = self.stall.map(|epochs| format!(", stall {epochs}"));
        let init = self.init.map_or_else(|| "from a file".to_owned(), |init| init.to_string());
        format!(
            "batch {}, {} order, weights {init}, inputs {}, targets {low} and {high}, backprop {}{}{}",
            self.batch,
            self.order.name(),
            self.inputs.name(),
            self.backprop.name(),
            stall.unwrap_or_default(),
            held_out.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::optimizer::Hyper;
    use serde_json::{Value, json};

    fn settings() -> Settings {
        Settings::new(3, Optimizer::named("momentum", &Hyper::NONE).unwrap())
    }

    /// What `settings` are as JSON, with another value in one place.
    fn with(name: &str, value: Value) -> Result<Settings, String> {
        let mut json = serde_json::to_value(settings()).unwrap();
        json[name] = value;
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn records_have_all_settings_and_are_read_again() {
        let json = r#"{"hidden":3,"optimizer":"momentum","lr":0.05,"momentum":0.6,"batch":1,"epochs":30,"images":null,"target":0.96,"stall":null,"test_every":600,"seed":1,"order":"shuffled","init":"fan-in","inputs":"unit","one_hot":[0.0,1.0],"backprop":"mse"}"#;
        assert_eq!(serde_json::to_string(&settings()).unwrap(), json);
        assert_eq!(serde_json::from_str::<Settings>(json).unwrap(), settings());
        let others =
            Settings { validate: Some(7), stall: Some(2), init: Some(Init::Normal(0.5)), ..settings() };
        let json = serde_json::to_value(&others).unwrap();
        assert_eq!((&json["validate"], &json["init"]), (&json!(7), &json!("normal:0.5")));
        assert_eq!(serde_json::from_value::<Settings>(json).unwrap(), others);
    }

    #[test]
    fn numbers_that_make_no_run_are_refused() {
        for name in ["batch", "test_every", "stall"] {
            assert_eq!(with(name, json!(0)).unwrap_err(), "expected 1 or more", "{name}");
            assert!(with(name, json!(1)).is_ok() && with(name, json!(1000)).is_ok(), "{name}");
        }
        assert_eq!(with("stall", json!(1)).unwrap().stall, Some(1));
        assert_eq!(with("stall", Value::Null).unwrap().stall, None);
        assert_eq!(with("epochs", json!(0)).unwrap().epochs, 0);
        assert_eq!(with("epochs", json!(100_000)).unwrap().epochs, 100_000);
        let told = "expected at most 100000 epochs, found 100001";
        assert_eq!(with("epochs", json!(100_001)).unwrap_err(), told);
    }

    #[test]
    fn initial_weights_are_spelled_in_one_way() {
        for (text, init) in [
            ("fan-in", Init::FanIn),
            ("normal:0", Init::Normal(0.0)),
            ("normal:0.01", Init::Normal(0.01)),
            ("normal:1000000", Init::Normal(1e6)),
        ] {
            assert_eq!((text.parse(), &*init.to_string()), (Ok(init), text));
        }
        for bad in ["", "fan", "normal", "normal:", "normal:-1", "normal:NaN", "normal:1000001", "0.01"] {
            let told = "expected fan-in, or normal:S with a standard deviation S from 0 to 1e6";
            assert_eq!(bad.parse::<Init>().unwrap_err(), told, "{bad}");
        }
    }

    #[test]
    fn choices_go_by_their_names_alone() {
        assert_eq!(Order::NAMES, ["shuffled", "fixed", "file"]);
        for order in [Order::Shuffled, Order::Fixed, Order::File] {
            assert_eq!(order.name().parse(), Ok(order));
            assert_eq!(with("order", json!(order.name())).unwrap().order, order);
        }
        let told = "expected one of shuffled, fixed, file";
        assert_eq!("random".parse::<Order>().unwrap_err(), told);
        assert_eq!(with("order", json!("random")).unwrap_err(), told);
    }

    /// Of the two errors, the kernels take the one of that name.
    #[test]
    fn kernels_propagate_the_error_that_was_chosen() {
        use dlr_kernels::output;
        assert!(matches!(Backprop::Mse.into(), output::Backprop::Mse));
        assert!(matches!(Backprop::Authors.into(), output::Backprop::Authors));
    }

    #[test]
    fn people_read_all_but_the_network_and_the_optimizer_on_a_line() {
        let told = "batch 1, shuffled order, weights fan-in, inputs unit, targets 0 and 1, backprop mse";
        assert_eq!(settings().details(), told);
        assert_eq!(settings().tested_on(), "test");
        let mut others = Settings { batch: 7, init: None, validate: Some(600), ..settings() };
        others.set_authors();
        let told = "batch 7, fixed order, weights normal:0.01, inputs unit, targets 0.01 and 0.99, backprop authors, \
                    stall 5, 600 images held out";
        assert_eq!(others.details(), told);
        assert_eq!((others.tested_on(), others.stall), ("validation", Some(5)));
        let loaded = Settings { init: None, ..settings() };
        assert!(loaded.details().contains("weights from a file"), "{}", loaded.details());
    }
}
