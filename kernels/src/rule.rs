//! What an optimizer is: how one vector of weights moves along its gradient, and how it moves without one.

use crate::lanes::f32x8;
use bytemuck::Pod;

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

impl Norms {
    /// Floating-point operations that it takes to keep them, for each weight that is updated.
    pub const fn cost(self) -> u32 {
        match self {
            Self::Unused => 0,
            Self::OfRows => 2,  // FMA
            Self::OfLanes => 5, // the rate's multiplication, subtraction, addition, FMA
        }
    }
}

/// Floating-point operations that a rule does for each weight, as the documentation of its cost lists them: a fused
/// multiply-add counts as two, a division or a root as one, and moving bits as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// For [`step`](Rule::step), or [`step_after`](Rule::step_after) where that is what the sweep calls.
    pub step: u32,
    /// For [`catch_up`](Rule::catch_up); of what it does to the memory, nothing counts if the rule [peeks](Rule::PEEKS).
    pub catch_up: u32,
}

/// An optimizer's rule for one layer. The [`sweep`](crate::sweep) calls it with everything in registers.
///
/// To add an optimizer, write a file in [`rules`](crate::rules) with a small struct of its hyper-parameters and this
/// trait, and enter it in the engine's list. One that leaves a weight alone while its gradient is zero, as SGD does, needs
/// only [`step`](Self::step). One that does not, as momentum, also says what a pause does: the layer then never touches
/// the rows of dark pixels, and makes up for it when they are lit again.
pub trait Rule: Clone + Send + Sync + 'static {
    /// What is remembered beside each vector of weights: `()`, or some `f32x8`, all zero before the first update.
    type Memory: Pod + Default + Send + Sync;

    /// What some updates with a zero gradient do to a row, in numbers that are the same for all of its weights. `()` if
    /// they change neither weights nor memory.
    type Pause: Copy;

    /// What profiles count.
    const COST: Cost;

    /// The norms that [`rate`](Self::rate) wants to see. A rule that uses them has no [`Pause`](Self::Pause).
    const NORMS: Norms = Norms::Unused;

    /// Whether [`catch_up`](Self::catch_up) is so cheap that the forward pass had better do it without storing what comes
    /// of it, and leave it to the update to do it again, by [`step_after`](Self::step_after).
    const PEEKS: bool = false;

    /// The most updates that [`pause`](Self::pause) can be asked about. Longer pauses are made up for piece by piece.
    const LONGEST_PAUSE: u64 = u64::MAX;

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

    /// Called after every update: the place for what depends on their number, as bias correction, and on nothing else, so
    /// that a layer which [goes on](crate::layer::Layer::resume) from a state can count it all again.
    fn advance(&mut self) {}

    /// Called before many pauses are asked for: the place to prepare for that.
    fn look_back(&mut self) {}

    /// What the last `missed` updates, at most [`LONGEST_PAUSE`](Self::LONGEST_PAUSE), did to a row without gradient.
    #[inline(always)]
    fn pause(&self, missed: u64) -> Self::Pause {
        unreachable!("a rule with pauses says what {missed} updates do")
    }

    /// The weights after a pause, up to rounding as if [`step`](Self::step) had been called with a zero gradient each time.
    #[inline(always)]
    fn catch_up(&self, pause: Self::Pause, weights: f32x8, memory: &mut Self::Memory) -> f32x8 {
        let _ = (pause, memory);
        weights
    }

    /// [`catch_up`](Self::catch_up) and [`step`](Self::step) in one, for rules that can do both together for less.
    #[inline(always)]
    fn step_after(
        &self,
        pause: Self::Pause,
        weights: f32x8,
        a: f32x8,
        b: f32x8,
        memory: &mut Self::Memory,
    ) -> f32x8 {
        let weights = self.catch_up(pause, weights, memory);
        self.step(weights, a, b, memory)
    }
}

/// Whether rows without gradient can be left alone for good.
pub const fn rests<R: Rule>() -> bool {
    size_of::<R::Pause>() == 0
}
