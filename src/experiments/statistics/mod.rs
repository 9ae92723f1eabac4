//! Statistics: what one sample says, how sure that is, and whether two samples differ.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`sample`] | mean, deviation and median of results that may be missing |
//! | [`spread`] | quartiles of times |
//! | [`bootstrap`] | intervals: how far a median, a mean or a ratio of medians is to be trusted |
//! | [`paired`] | two optimizers on the same seeds: who wins how often, and may that be chance? |
//! | [`unpaired`] | a sample and numbers that others have published |
//! | [`proportion`] | how far a proportion is to be trusted |
//!
//! A run that misses its target has no value, `None`, and counts as later than any other: as infinity, never
//! as the budget that it was given. Results that are infinite are `None`, too, since JSON has no infinity.

pub mod bootstrap;
pub mod paired;
pub mod proportion;
pub mod sample;
pub mod spread;
pub mod unpaired;

pub use sample::Sample;
pub use spread::Spread;
