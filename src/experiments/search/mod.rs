//! How settings are searched for: which to try next, and what a search of k trials would have found.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`space`] | the box of settings, as points of the unit cube and back; grids and lists |
//! | [`sobol`] | points that cover the cube evenly |
//! | [`tpe`] | points that earlier results speak for |
//! | [`tunability`] | the best of k trials, for every k, from one search |
//!
//! A proposal is a point of the unit cube, a coordinate for each dimension, from 0 to 1. Nothing here trains.

pub mod sobol;
pub mod space;
pub mod tpe;
pub mod tunability;

pub use space::{Dimension, Scale, Space};
