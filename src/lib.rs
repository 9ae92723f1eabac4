//! Trains small networks of logistic units on a CPU as fast as it can, and compares the optimizers that train them: the
//! dynamic learning rate of "Faster Biological Gradient Descent Learning" (Li, 2020), SGD, Nesterov's momentum and Adam.
//!
//! A [data set](Dataset), the [settings](Settings) of a run, and whoever [watches](Observer) its tests are all it takes:
//!
//! ```
//! use dlr::{Dataset, Hyper, Optimizer, Point, Settings, fit};
//!
//! # fn main() -> dlr::Result<()> {
//! // Four images of 2 x 2 grey levels, two of each class, to train on and to test on.
//! let (images, labels) = ([255, 255, 0, 0, 0, 0, 255, 255, 200, 180, 0, 9, 9, 0, 180, 200], [0, 1, 0, 1]);
//! let data = Dataset::from_arrays("stripes", (2, 2), (&images, &labels), (&images, &labels))?;
//!
//! let dlr = Optimizer::named("dlr", &Hyper::lr(2.0))?;
//! let settings = Settings { epochs: 200, test_every: 40, ..Settings::new(3, dlr) };
//! let run = fit(&settings, &data, &mut |test: &Point| println!("{}: {}", test.epoch, test.test_accuracy))?;
//! assert_eq!(run.last().test_accuracy, 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! **Build with `-C target-cpu=native`**, in `.cargo/config.toml` or `RUSTFLAGS`, and `--release`: the kernels' instruction
//! set is chosen when they are compiled. [`Level`](kernels::simd::Level) tells which one that was, and what the machine has.
//! Say `lto = "fat"` and `codegen-units = 1` in your `[profile.release]`, too: without, an epoch has been seen to take three
//! times as long, since the kernels are in a crate of their own.
//!
//! | what for | names |
//! | --- | --- |
//! | data: IDX files, or arrays of one's own | [`Dataset`], [`Split`], [`data::find`], [`CachePolicy`] |
//! | what is learned, and how | [`Settings`], [`Init`], [`Inputs`], [`Order`], [`Backprop`] |
//! | optimizers: [the list](OPTIMIZERS), or [one's own](Entry::own) | [`Optimizer`], [`Entry`], [`Hyper`] |
//! | training | [`fit()`], [`train`], [`resume`], [`Checkpoint`], [`Network`], [`Observer`], [`Point`], [`Run`], [`Stop`], [`Threads`] |
//! | evaluation | [`Evaluator`], [`Images`] |
//! | weights in files that PyTorch reads | [`engine::model`] |
//! | many runs, and what they say together | [`experiments`] |
//!
//! Sizes are numbers of images, units or weights; times are in seconds; accuracies are shares from 0 to 1. What can go wrong
//! is an [`Error`] that says what to do; panics are for arguments that no file or user can have caused, and are documented.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`data`] | data sets: files, checks, cache |
//! | [`engine`] | from settings and data to a trained network |
//! | [`experiments`] | many runs, and what they say together |
//! | `report` | results as records, text, pictures and pages; with the feature `report` |
//! | [`kernels`] | the arithmetic |
//!
//! Imports flow one way: report -> experiments -> engine -> data, kernels. The feature `cli`, a default, is for the program
//! `dlr`, and includes `report`; a library that needs neither leaves both out by `default-features = false`.

pub mod data;
pub mod engine;
mod error;
pub mod experiments;
#[doc(hidden)] // of use to the program, which is a crate of its own
pub mod files;
mod hash;
#[doc(hidden)]
pub mod memory;
#[cfg(feature = "report")]
pub mod report;
#[doc(hidden)]
pub mod text;

pub use data::{CachePolicy, Dataset, Split};
pub use dlr_kernels as kernels;
pub use engine::checkpoint::Checkpoint;
pub use engine::evaluator::Evaluator;
pub use engine::fit::fit;
pub use engine::hidden::Hidden;
pub use engine::images::{Images, Inputs};
pub use engine::network::Network;
pub use engine::optimizer::{Entry, Hyper, Norm, OPTIMIZERS, Optimizer, Rates};
pub use engine::settings::{Backprop, Init, Order, Settings};
pub use engine::threads::Threads;
pub use engine::trainer::{Observer, Point, Run, Stop, resume, train};
pub use error::{Error, Result};
