//! What an optimizer is: how one vector of weights moves along its gradient, and how it moves without one.

use crate::lanes::f32xN;
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
    /// For [`derive`](Rule::derive), or [`catch_up`](Rule::catch_up) under a rule that pauses.
    pub see: u32,
}

/// What has become of a gradient, in parts of what has been taken off the stored weights for it. What is seen and what is to come
/// depend on nothing but how many updates came after its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Echo {
    /// What the weights that the network sees have lost.
    pub seen: f32,
    /// What they are still to lose.
    pub to_come: f32,
    /// What is remembered of it.
    pub remembered: f32,
}

/// An optimizer's rule for one layer. The [`sweep`](crate::sweep) calls it with everything in registers.
///
/// To add an optimizer, write a file in [`rules`](crate::rules) with a small struct of its hyper-parameters and this
/// trait, and enter it in the engine's list. One that leaves a weight alone while its gradient is zero, as SGD does, needs
/// only [`step`](Self::step), or [`rescale`](Self::rescale) too if what it remembers fades, as RMSProp's does. One that does
/// not, as Adam, also says what a pause does: the layer then never touches the rows of dark pixels, and makes up for it when
/// they are lit again. Or it stores something else than weights, which does not move meanwhile, and of which weights are
/// [derived](Self::DERIVED), as [momentum](crate::rules::MomentumAtRest) does.
pub trait Rule: Clone + Send + Sync + 'static {
    /// What is remembered beside each vector of weights: `()`, or some `f32xN`, all zero before the first update.
    type Memory: Pod + Default + Send + Sync;

    /// What some updates with a zero gradient do to a row, in numbers that are the same for all of its weights. `()` if
    /// they change neither weights nor memory.
    type Pause: Copy + Send + Sync;

    /// What profiles count.
    const COST: Cost;

    /// The norms that [`rate`](Self::rate) wants to see. A rule that uses them has no [`Pause`](Self::Pause).
    const NORMS: Norms = Norms::Unused;

    /// Whether the network sees other weights than those that are stored: what [`derive`](Self::derive) makes of them and of
    /// what is remembered, which is then one vector. Such a rule has no use for norms, does not pause, and is one for first layers
    /// whose images are learned one after the other: whatever else reads weights takes them as they are stored.
    const DERIVED: bool = false;

    /// Whether steps are linear in weights, memory and gradient, with the same numbers for all weights: then several of them
    /// [are one](crate::ahead), and it is known beforehand what weights an image will meet. Such a rule has no use for norms, does
    /// not pause, and remembers nothing unless weights are [derived](Self::DERIVED) of it; [`step`](Self::step) takes the gradient
    /// times the rate off what is stored.
    const ADDS_UP: bool = false;

    /// No row waits for more updates than this: those that would are woken before. It is at least 2.
    const LONGEST_PAUSE: u64 = u64::MAX;

    /// What the gradients are multiplied by before [`step`](Self::step) sees them: a learning rate, if it is the same for
    /// a whole row or lane. `norms` is zero where [`NORMS`](Self::NORMS) is unused. Padding lanes have norm zero, and
    /// their rate must be finite.
    #[inline(always)]
    fn rate(&self, norms: f32xN) -> f32xN {
        let _ = norms;
        f32xN::ONE
    }

    /// The new weights, or what is stored in their place, for a gradient of `a * b` (with `a` or `b` times the rate). It comes
    /// in two factors so that a rule can fuse the multiplication with what follows. With zero weights, gradient and memory, all
    /// must stay zero: so the padding does.
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, memory: &mut Self::Memory) -> f32xN;

    /// What has become of a gradient after the next `updates`, if `later` updates came after its own, under a rule that
    /// [adds up](Self::ADDS_UP).
    #[inline(always)]
    fn echo(&self, later: usize, updates: usize) -> Echo {
        let _ = (later, updates);
        Echo { seen: 1.0, to_come: 0.0, remembered: 0.0 }
    }

    /// How many updates it takes until next to nothing is [to come](Echo::to_come) of a gradient, less than 2^-19 of it, under a
    /// rule that [adds up](Self::ADDS_UP). One whose weights are derived had better say so if that is soon.
    fn span(&self) -> usize {
        if Self::DERIVED { usize::MAX } else { 0 }
    }

    /// The weights that the network sees, if they are [derived](Self::DERIVED).
    #[inline(always)]
    fn derive(&self, stored: f32xN, memory: &Self::Memory) -> f32xN {
        let _ = memory;
        stored
    }

    /// What [`derive`](Self::derive) would make of this after that many updates without gradient, or of sums of it.
    #[inline(always)]
    fn foresee(&self, updates: usize, stored: f32xN, remembered: f32xN) -> f32xN {
        let _ = (updates, remembered);
        stored
    }

    /// What all that is remembered, of rows with and without gradient, is to be multiplied by before so many updates: where it is
    /// kept in a unit that changes with time, as rules do whose memory [fades](crate::rules::RmsProp).
    #[inline(always)]
    fn rescale(&self, updates: usize) -> Option<f32> {
        let _ = updates;
        None
    }

    /// Called after every update with their number so far: the place for what depends on that, as bias correction, and on
    /// nothing else, so that a layer which [goes on](crate::layer::Layer::resume) from a state calls it but once.
    fn advance(&mut self, updates: u64) {
        let _ = updates;
    }

    /// Called before many pauses are asked for: the place to prepare for that.
    fn look_back(&mut self) {}

    /// What the last `missed` updates, at most [`LONGEST_PAUSE`](Self::LONGEST_PAUSE), did to a row without gradient, if that
    /// is at hand. That of no update always is.
    #[inline(always)]
    fn pause(&self, missed: u64) -> Option<Self::Pause> {
        unreachable!("a rule with pauses says what {missed} updates do")
    }

    /// Makes up for a pause that is not at hand.
    fn sit_through(&self, missed: u64, weights: &mut [f32xN], memory: &mut [Self::Memory]) {
        let _ = (weights, memory);
        unreachable!("a rule that has not all pauses at hand says what {missed} updates do")
    }

    /// The weights after a pause, up to rounding as if [`step`](Self::step) had been called with a zero gradient each time,
    /// by what was remembered before it.
    #[inline(always)]
    fn catch_up(&self, pause: Self::Pause, weights: f32xN, memory: &Self::Memory) -> f32xN {
        let _ = (pause, memory);
        weights
    }

    /// What a pause does to what is remembered.
    #[inline(always)]
    fn fade(&self, pause: Self::Pause, memory: &mut Self::Memory) {
        let _ = (pause, memory);
    }

    /// [`step`](Self::step) after a pause that the weights have caught up with, but what is remembered has not. For rules that can
    /// do both together for less.
    #[inline(always)]
    fn step_after(
        &self,
        pause: Self::Pause,
        weights: f32xN,
        a: f32xN,
        b: f32xN,
        memory: &mut Self::Memory,
    ) -> f32xN {
        self.fade(pause, memory);
        self.step(weights, a, b, memory)
    }
}

/// Whether rows without gradient can be left alone for good.
pub const fn rests<R: Rule>() -> bool {
    size_of::<R::Pause>() == 0
}

/// How many numbers are remembered beside each weight.
pub(crate) const fn memories<R: Rule>() -> usize {
    size_of::<R::Memory>() / size_of::<f32xN>()
}

/// What is remembered, as plain numbers. Nothing has no numbers, which a cast could not tell from many nothings.
pub(crate) fn numbers<M: Pod>(memory: &[M]) -> &[f32] {
    if size_of::<M>() == 0 { &[] } else { bytemuck::cast_slice(memory) }
}

/// The same, to be written.
pub(crate) fn numbers_mut<M: Pod>(memory: &mut [M]) -> &mut [f32] {
    if size_of::<M>() == 0 { &mut [] } else { bytemuck::cast_slice_mut(memory) }
}

/// Brings some vectors of a row, and what is remembered beside them, up to date after so many updates without gradient.
#[inline(always)]
pub(crate) fn catch_up<R: Rule>(rule: &R, missed: u64, weights: &mut [f32xN], memory: &mut [R::Memory]) {
    if rests::<R>() || missed == 0 {
        return;
    }
    let Some(pause) = rule.pause(missed) else { return rule.sit_through(missed, weights, memory) };
    for (w, memory) in weights.iter_mut().zip(memory) {
        *w = rule.catch_up(pause, *w, memory);
        rule.fade(pause, memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Sgd;

    /// A rule that has no pause at hand, and says nothing else of what they do.
    #[derive(Clone)]
    struct Vague;

    impl Rule for Vague {
        type Memory = f32xN;
        type Pause = f32;
        const COST: Cost = Cost { step: 2, see: 0 };

        fn step(&self, weights: f32xN, a: f32xN, b: f32xN, _: &mut f32xN) -> f32xN {
            a.mul_neg_add(b, weights)
        }

        fn pause(&self, _: u64) -> Option<f32> {
            None
        }
    }

    #[test]
    #[should_panic(expected = "a rule with pauses says what 3 updates do")]
    fn a_rule_that_pauses_says_how() {
        _ = Sgd { lr: 1.0 }.pause(3);
    }

    #[test]
    #[should_panic(expected = "a rule that has not all pauses at hand says what 3 updates do")]
    fn a_rule_that_has_no_pause_at_hand_sits_through_it() {
        catch_up(&Vague, 3, &mut [f32xN::ONE], &mut [f32xN::ZERO]);
    }

    #[test]
    fn no_rule_is_asked_about_a_row_that_has_missed_nothing() {
        let mut weights = [f32xN::ONE];
        catch_up(&Vague, 0, &mut weights, &mut [f32xN::ZERO]);
        assert_eq!(weights, [f32xN::ONE]);
    }

    #[test]
    fn a_pause_that_nothing_is_said_of_changes_nothing() {
        let (weights, gradient, mut memory) = (f32xN::splat(5.0), f32xN::splat(2.0), f32xN::ONE);
        assert_eq!(Vague.step_after(7.0, weights, gradient, f32xN::ONE, &mut memory), f32xN::splat(3.0));
        assert_eq!(memory, f32xN::ONE);
    }

    /// Counted where it is done: rows' squares are added up by an FMA each; of lanes, the weight's rate is multiplied by, the
    /// old weight taken off the new one and added to it, and the product of both added up.
    #[test]
    fn norms_cost_what_is_done_for_each_weight() {
        const FMA: u32 = 2;
        let costs = [Norms::Unused, Norms::OfRows, Norms::OfLanes].map(Norms::cost);
        assert_eq!(costs, [0, FMA, 1 + 1 + 1 + FMA]);
    }
}
