//! Options that say what is learned, for how long, and from where: the same for every command that trains.

use super::args::{choice, whole};
use super::source::Source;
use clap::Args;
use dlr::engine::hidden::Hidden;
use dlr::engine::images::Inputs;
use dlr::engine::optimizer::{Entry, Hyper, Optimizer};
use dlr::engine::settings::{Backprop, Init, MAX_EPOCHS, Order, Settings};
use dlr::{Error, Result};
use std::ops::RangeInclusive;

#[derive(Clone, Debug, Args)]
pub(crate) struct Protocol {
    /// Images whose gradients are averaged for one update; 1 is online learning
    #[arg(long, value_name = "B", value_parser = whole(1..=65_536), default_value = "1", allow_hyphen_values = true)]
    pub(super) batch: u64,

    /// Passes over the training images at most; 0 trains nothing [default: 30, or 1 with --images]
    #[arg(long, value_name = "N", value_parser = whole(0..=MAX_EPOCHS), allow_hyphen_values = true)]
    pub(super) epochs: Option<u64>,

    /// Train on the first N training images only, in --order among themselves
    #[arg(long, value_name = "N", value_parser = whole(1..=u64::from(u32::MAX)), allow_hyphen_values = true)]
    pub(super) images: Option<u64>,

    /// Hold out the last N training images for the tests during training, which then never see the test set: it is
    /// classified once, at the end
    #[arg(long, value_name = "N", value_parser = whole(1..=u64::from(u32::MAX)), allow_hyphen_values = true)]
    pub(super) validate: Option<u64>,

    /// Stop when test accuracy is above ACC (strictly), or `none` to train through all epochs (compare and tune need a number)
    /// [default: 0.96]
    #[arg(long, value_name = "ACC|none", value_parser = target, allow_hyphen_values = true)]
    pub(super) target: Option<Target>,

    /// Stop when an epoch ends no more accurate than any of the N before it, or `none` to go on; the first epoch of
    /// all counts for nothing [default: none]
    #[arg(long, value_name = "N|none", value_parser = stall, allow_hyphen_values = true)]
    pub(super) stall: Option<Stall>,

    /// Training images between tests, rounded up to whole batches. Where images are learned together, as the README says, their
    /// number decides the last bits
    #[arg(long, value_name = "N", value_parser = whole(1..=1_000_000_000), default_value = "600",
        allow_hyphen_values = true)]
    pub(super) test_every: u64,

    /// Seed of initial weights and order, or the first of several [default: 1; tune: 1001]
    #[arg(long, value_name = "N", value_parser = whole(0..=u64::MAX), allow_hyphen_values = true)]
    seed: Option<u64>,

    /// Order of the images: a new random one every epoch, one for all epochs, or the file's [default: shuffled]
    #[arg(long, value_parser = choice::<Order>(Order::NAMES), value_name = "ORDER")]
    pub(super) order: Option<Order>,

    /// Initial weights: `fan-in` for N(0, 1/inputs of the unit), or `normal:S` for N(0, S^2) [default: fan-in]
    #[arg(long, value_name = "INIT")]
    pub(super) init: Option<Init>,

    /// Inputs for the grey level p: `unit` for p/255, `offset` for 0.01 + 0.99 p/255
    #[arg(long, value_parser = choice::<Inputs>(Inputs::NAMES), value_name = "INPUTS", default_value = "unit")]
    pub(super) inputs: Inputs,

    /// Targets of the wrong and the right outputs [default: 0,1]
    #[arg(long, value_name = "LOW,HIGH", value_parser = one_hot, allow_hyphen_values = true)]
    pub(super) one_hot: Option<(f64, f64)>,

    /// Error sent to the hidden layer: `mse`, the true gradient, or `authors`, without the factor y(1-y)
    /// [default: mse]
    #[arg(long, value_parser = choice::<Backprop>(Backprop::NAMES), value_name = "ERROR")]
    pub(super) backprop: Option<Backprop>,

    /// Settings of the paper's author: backprop authors, init normal:0.01, targets 0.01,0.99, order fixed,
    /// stall 5, and the rates that `dlr --help` lists; options given beside it win
    #[arg(long, value_name = "NAME", value_parser = ["authors"])]
    pub(super) preset: Option<String>,

    #[command(flatten)]
    pub(super) source: Source,
}

impl Protocol {
    /// The optimizer's defaults under the preset.
    pub(super) fn defaults(&self, entry: &'static Entry) -> &'static Hyper {
        if self.preset.is_some() { &entry.authors } else { &entry.defaults }
    }

    /// The seed, or the first of several.
    pub(super) fn seed(&self) -> u64 {
        self.seed_or(1)
    }

    /// The same, for a command that usually has another.
    pub(super) fn seed_or(&self, usual: u64) -> u64 {
        self.seed.unwrap_or(usual)
    }

    /// The accuracy to reach, if any.
    pub(super) fn target(&self) -> Option<f64> {
        self.target.map_or(Some(0.96), |target| target.0)
    }

    /// Refuses to look for who gets first to a target that there is not.
    pub(super) fn check_target(&self) -> Result<()> {
        self.target().map(drop).ok_or_else(|| Error::Settings {
            option: "--target",
            problem: "without a target there is nothing to get to first".into(),
            cure: "give a share from 0 to below 1".into(),
        })
    }

    /// Refuses a batch that is larger than an epoch of so many images, and would be cut to that.
    pub(super) fn check_batch(&self, images: usize) -> Result<()> {
        if self.batch <= images as u64 {
            return Ok(());
        }
        Err(Error::Settings {
            option: "--batch",
            problem: format!("{} asked for, but an epoch has {images} images", self.batch),
            cure: format!("give 1 to {images}"),
        })
    }

    /// The settings that these options mean, by their names in results, without the network's and the optimizer's.
    pub(super) fn resolved(&self, seed: u64) -> serde_json::Value {
        let any = Entry::find("sgd").and_then(|entry| entry.with(&entry.defaults, &Hyper::NONE).ok());
        let settings = self.settings(1, any.expect("it is in the list"));
        let mut settings = serde_json::to_value(Settings { seed, ..settings }).expect("settings are JSON");
        for key in ["hidden", "optimizer", "lr"] {
            settings[key].take();
        }
        settings
    }

    /// The settings that these options mean for a network and an optimizer.
    pub(super) fn settings(&self, hidden: impl Into<Hidden>, optimizer: Optimizer) -> Settings {
        let mut settings = Settings::new(hidden, optimizer);
        if self.preset.is_some() {
            settings.set_authors();
        }
        Settings {
            batch: self.batch as usize,
            epochs: self.epochs.unwrap_or(if self.images.is_some() { 1 } else { settings.epochs }),
            images: self.images.map(|images| images as usize),
            validate: self.validate.map(|images| images as usize),
            target: self.target(),
            stall: self.stall.map_or(settings.stall, |stall| stall.0),
            test_every: self.test_every,
            seed: self.seed(),
            order: self.order.unwrap_or(settings.order),
            init: self.init.or(settings.init),
            inputs: self.inputs,
            one_hot: self.one_hot.unwrap_or(settings.one_hot),
            backprop: self.backprop.unwrap_or(settings.backprop),
            ..settings
        }
    }
}

/// The seeds of so many runs.
pub(super) fn seeds(first: u64, runs: u64) -> Result<RangeInclusive<u64>> {
    let last = first.checked_add(runs - 1).ok_or_else(|| Error::Settings {
        option: "--runs",
        problem: format!("{runs} seeds from {first} on asked for, but {} is the last", u64::MAX),
        cure: "start with a smaller --seed".into(),
    })?;
    Ok(first..=last)
}

/// The accuracy to reach, if any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target(pub(super) Option<f64>);

fn target(text: &str) -> Result<Target, String> {
    if text == "none" {
        return Ok(Target(None));
    }
    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
    share
        .map(|share| Target(Some(share)))
        .ok_or_else(|| "expected a share from 0 to below 1, as 0.96 for 96 %, or none".to_owned())
}

/// After how many epochs without progress to give up, if ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall(Option<u64>);

fn stall(text: &str) -> Result<Stall, String> {
    if text == "none" {
        return Ok(Stall(None));
    }
    let epochs = text.parse().ok().filter(|epochs| (1..=100_000).contains(epochs));
    epochs
        .map(|epochs| Stall(Some(epochs)))
        .ok_or_else(|| "expected a whole number from 1 to 100000, or none".to_owned())
}

fn one_hot(text: &str) -> Result<(f64, f64), String> {
    let pair = text.split_once(',').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    pair.filter(|(low, high)| (0.0..=1.0).contains(low) && (0.0..=1.0).contains(high) && low < high)
        .ok_or_else(|| "expected two numbers LOW,HIGH with 0 <= LOW < HIGH <= 1".to_owned())
}
