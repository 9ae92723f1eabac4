//! The chain of oracles: finite differences and PyTorch vouch for the f64 reference (the former within `reference`),
//! the reference for products of dense matrices and for the fused path, and these two for each other.

mod assembly;
mod batch;
mod contracts;
mod errors;
mod forward;
mod gemm;
mod helpers;
mod inner;
mod invariants;
mod layers;
mod learn;
mod output;
mod pauses;
mod pytorch;
mod specials;
mod state;
mod tiles;
mod turned;
mod update;
