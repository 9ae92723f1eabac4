//! The arithmetic of `dlr`: explicit SIMD kernels that train a network of logistic units without bias, online or in
//! batches, and the scalar oracle that they are tested against. No files, threads, clocks, randomness or printing.
//!
//! | room | what it computes |
//! | --- | --- |
//! | [`lanes`], [`panel`], [`lit`] | the layout: vectors, rows padded to whole ones, the lit pixels of an image |
//! | [`logistic`], [`forward`], [`output`] | from lit pixels to the outputs, and back to the hidden deltas |
//! | [`groups`], [`lighters`], [`tiled`] | the first layer and a batch of images, forwards, and back to the gradient |
//! | [`ahead`] | online learning of several images at once, where updates add up |
//! | [`inner`] | back through a layer between two hidden ones |
//! | [`rule`], [`gradient`], [`layer`], [`sweep`] | the backward pass fused with the update: one sweep for every optimizer |
//! | [`rules`] | the optimizers, one short file each |
//! | [`gemm`] | blocked products of dense matrices |
//! | [`peaks`] | loops that do one thing as fast as the machine can, for profiles to compare with |
//! | [`mod@reference`] | the oracle: plain f64 loops that share no code with the rest |
//! | [`simd`], [`prefetch`] | what the build uses and the machine has |
//!
//! # The network and its layout
//!
//! For an image x with inputs j, hidden units i and outputs k, with s the logistic function:
//!
//! ```text
//! h_i = s(sum_j x_j W1[j][i])      y_k = s(sum_i h_i W2[k][i])
//! ```
//!
//! Both weight matrices are [panels](panel::Panel) whose rows run along the hidden units, padded to whole vectors: `W1`
//! is `[inputs][Hp]`, so that a dark pixel's row is never touched, and `W2` is `[outputs][Hp]`. In both layers the
//! gradient's row is a scalar times a vector along the hidden units, which is why one sweep updates them both.
//!
//! A layer between two hidden ones has the form of the first: `[pre-synaptic][Hp]`, with the activations of the hidden
//! units before it for inputs, all of them lit.
//! **Padding lanes are zero and stay zero**: s(0) = 1/2 would make each of them a hidden unit that learns.

pub mod ahead;
pub mod forward;
pub mod gemm;
pub mod gradient;
pub mod groups;
pub mod inner;
pub mod lanes;
pub mod layer;
mod levels;
pub mod lighters;
pub mod lit;
pub mod logistic;
mod norms;
pub mod output;
pub mod panel;
pub mod peaks;
pub mod prefetch;
pub mod reference;
pub mod rule;
pub mod rules;
pub mod simd;
pub mod sweep;
pub mod tiled;
