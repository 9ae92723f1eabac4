//! What an optimizer is: how one vector of weights moves along its gradient.

use crate::lanes::f32x8;

/// Which norms of the weights an optimizer's learning rates depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norms {
    /// None.
    Unused,
    /// The L2 norm of each row.
    OfRows,
    /// The L2 norm of each lane's column.
    OfLanes,
}

/// An optimizer's rule for one layer. The sweep in [`layer`](crate::layer) calls it with everything in registers.
///
/// To add an optimizer, write a file in [`rules`](crate::rules) with a small `Copy` struct of its hyper-parameters and
/// this trait, and enter it in the engine's list.
pub trait Rule: Copy + Send + Sync + 'static {
    /// What is remembered beside each vector of weights: `()`, or some `f32x8`, all zero before the first update.
    type Memory: Copy + Default + Send + Sync + 'static;

    /// The norms that [`rate`](Self::rate) wants to see.
    const NORMS: Norms = Norms::Unused;

    /// Whether a zero gradient changes neither weights nor memory, so that dark pixels' rows can be left alone.
    const RESTS: bool;

    /// Called once before every update: the place for what depends on the number of updates, as bias correction.
    fn begin(&mut self) {}

    /// What the gradients are multiplied by before [`step`](Self::step) sees them: a learning rate, if it is the same for
    /// a whole row or lane. `norms` is zero where [`NORMS`](Self::NORMS) is unused. Padding lanes have norm zero, and
    /// their rate must be finite.
    #[inline(always)]
    fn rate(&self, norms: f32x8) -> f32x8 {
        let _ = norms;
        f32x8::ONE
    }

    /// The new weights, for a gradient of `a * b` (with `a` or `b` times the rate). It comes in two factors so that a rule
    /// can fuse the multiplication with what follows. With zero weights, gradient and memory, all must stay zero: so the
    /// padding does.
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, memory: &mut Self::Memory) -> f32x8;
}
