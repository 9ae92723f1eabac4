//! Training in one call, for whoever has no wishes beyond the settings.

use super::network::Network;
use super::settings::{Init, Settings};
use super::threads::Threads;
use super::trainer::{Observer, Run, train};
use crate::data::Dataset;
use crate::error::Result;
use std::time::Instant;

/// Trains as `settings` say, on this thread alone, from the [initial weights](initial) of their seed. `observer` is told of
/// every test: `&mut |test: &Point| ...`, or `&mut ()` if nobody watches. Clocks count from the call.
///
/// Independent runs may be spread over threads: each is the same, bit for bit, wherever it is made.
///
/// # Errors
/// [`Error::Settings`](crate::Error::Settings) if the settings don't fit the data. A run that diverges is none: see
/// [`Run::stop`].
///
/// # Panics
/// If `batch` or `test_every` is zero.
pub fn fit(settings: &Settings, data: &Dataset, observer: &mut dyn Observer) -> Result<Run> {
    train(settings, data, initial(settings, data), Instant::now(), Threads::One, observer)
}

/// The network that a run of `settings` starts from, drawn by their seed; where they leave open how, by
/// [`Init::FanIn`].
pub fn initial(settings: &Settings, data: &Dataset) -> Network {
    let init = settings.init.unwrap_or(Init::FanIn);
    Network::draw(data.inputs, &settings.hidden, data.classes, init, settings.seed)
}
