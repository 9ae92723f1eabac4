//! Trains small networks of logistic units on a CPU as fast as it can, and compares the optimizers that train them: the
//! dynamic learning rate of "Faster Biological Gradient Descent Learning" (Li, 2020), SGD, Nesterov's momentum and Adam.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`data`] | data sets: files, checks, cache |
//! | [`engine`] | from settings and data to a trained network |
//! | [`experiments`] | many runs, and what they say together |
//! | [`report`] | results as records, text, pictures and pages |
//! | [`files`] | writing files in whole or not at all |
//! | [`dlr_kernels`] | the arithmetic |
//!
//! Imports flow one way: report -> experiments -> engine -> data, kernels.

pub mod data;
pub mod engine;
pub mod error;
pub mod experiments;
pub mod files;
pub mod report;

pub use error::{Error, Result};
