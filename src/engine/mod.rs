//! The engine: from settings and a data set to a trained network and the record of how it got there.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`optimizer`] | the list of optimizers: names, defaults, and how each is built |
//! | `hyper` | the table of the numbers that tune them |
//! | [`settings`] | everything that decides a result, resolved |
//! | [`streams`] | the named random streams: initial weights, order of images |
//! | [`hidden`] | how many units each hidden layer has |
//! | [`network`] | weights: drawing, hashing |
//! | [`model`] | weights in files that PyTorch reads |
//! | [`checkpoint`] | runs in files from which they go on |
//! | [`saved`] | a model with what its file says of its origin |
//! | [`images`] | grey levels into inputs, ready for the kernels |
//! | [`learner`], `batch` | training steps, online and in batches |
//! | `ahead`, `past`, `way` | online learning of several images at once, what they take from those before, and how they go |
//! | `turned` | several images and the first layer |
//! | `inner` | the layers between two hidden ones |
//! | [`evaluator`] | how many images a network classifies correctly, and whether that is enough |
//! | [`classify`] | what a network says of images |
//! | [`phases`], [`work`] | where the time of training goes, and how much work that is |
//! | [`trainer`] | the protocol: train, test, stop |
//! | [`fit`] | the same in one call |
//! | [`threads`] | who does the work |

mod ahead;
mod batch;
pub mod checkpoint;
pub mod classify;
pub mod evaluator;
pub mod fit;
pub mod hidden;
mod hyper;
pub mod images;
mod inner;
pub mod learner;
pub mod model;
pub(crate) mod names;
pub mod network;
pub mod optimizer;
mod past;
pub mod phases;
pub mod saved;
pub mod settings;
pub mod streams;
pub mod threads;
pub mod trainer;
mod turned;
mod way;
pub mod work;
