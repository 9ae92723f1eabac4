//! The optimizers, one short file each; Adam's pauses have one of their own, and so has what decays by the same factor at every
//! update.

mod adagrad;
mod adam;
mod course;
mod dlr;
mod dlr_halves;
mod every_row;
mod fading;
mod momentum;
mod momentum_at_rest;
mod rmsprop;
mod scheduled;
mod sgd;

pub use adagrad::AdaGrad;
pub use adam::Adam;
pub use dlr::Dlr;
pub use dlr_halves::{DlrDenominator, DlrNumerator};
pub use every_row::EveryRow;
pub use momentum::Momentum;
pub use momentum_at_rest::MomentumAtRest;
pub use rmsprop::RmsProp;
pub use scheduled::Scheduled;
pub use sgd::Sgd;

/// x^n by squaring. The standard library's may round in another way from build to build.
#[inline(always)]
fn power(mut x: f64, mut n: u64) -> f64 {
    let mut product = 1.0;
    while n > 0 {
        if n % 2 == 1 {
            product *= x;
        }
        x *= x;
        n /= 2;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{LANES, f32xN};
    use crate::reference::{Backprop, Network, Norm, Optimizer, Trainer};
    use crate::rule::{Norms, Rule, catch_up, numbers_mut, rests};
    use core::mem::take;
    use core::slice::from_mut;

    /// The first two lanes, and zeros.
    fn lanes(numbers: &[f64]) -> f32xN {
        f32xN::from(core::array::from_fn::<_, LANES, _>(|lane| numbers.get(lane).map_or(0.0, |&x| x as f32)))
    }

    /// Trains the row of a network's only input by the reference, which moves it at every update, and by the rule, to which
    /// it waits while that input is dark.
    fn follow<R: Rule>(mut rule: R, optimizer: Optimizer) {
        let network = Network { inputs: 1, hidden: 2, outputs: 1, w1: vec![0.5, -0.25], w2: vec![1.0, -2.0] };
        let mut trainer = Trainer::new(network, optimizer, Backprop::Mse);
        let (mut weights, mut memory, mut missed) = (lanes(&trainer.network.w1), R::Memory::default(), 0);
        for update in 1..=1100_u16 {
            // Dark for up to 5 updates, and once for 50.
            let is_dark = update % 11 > 7 || update % 13 > 10 || (300..350).contains(&update);
            let x = if is_dark { 0.0 } else { f64::from(update % 4 + 1) };
            let pattern: (&[f64], &[f64]) = (&[x], &[1.0]);
            let gradient = lanes(&trainer.network.gradients(pattern.0, pattern.1, Backprop::Mse).w1);
            trainer.step(&[pattern]);

            rule.look_back();
            if let Some(factor) = rule.rescale(1) {
                numbers_mut(from_mut(&mut memory)).iter_mut().for_each(|number| *number *= factor);
            }
            let norms = match R::NORMS {
                Norms::Unused => f32xN::ZERO,
                Norms::OfRows => f32xN::splat((weights * weights).to_array().iter().sum::<f32>().sqrt()),
                Norms::OfLanes => weights.abs(),
            };
            let rate = rule.rate(norms);
            if rests::<R>() {
                if !is_dark {
                    weights = rule.step(weights, rate, gradient, &mut memory);
                }
            } else {
                // Woken by whoever wants to see the row, or because what it has missed is not at hand.
                if update % 17 == 0 || rule.pause(missed).is_none() {
                    catch_up(&rule, take(&mut missed), from_mut(&mut weights), from_mut(&mut memory));
                }
                if is_dark {
                    missed += 1;
                } else {
                    let pause = rule.pause(take(&mut missed)).expect("that of no update always is at hand");
                    let seen = rule.catch_up(pause, weights, &memory);
                    weights = rule.step_after(pause, seen, rate, gradient, &mut memory);
                }
            }
            rule.advance(u64::from(update));

            let (mut seen, mut memory) = ([weights], [memory]);
            catch_up(&rule, missed, &mut seen, &mut memory);
            let seen = seen.map(|weights| rule.derive(weights, &memory[0]));
            for (got, want) in seen[0].to_array().into_iter().zip(&trainer.network.w1) {
                let error = (f64::from(got) - want).abs();
                assert!(error < 2e-5, "{optimizer:?}, update {update}: {got} for {want}");
            }
        }
        assert!((trainer.network.w1[0] - 0.5).abs() > 0.1, "{optimizer:?} has hardly moved");
    }

    /// Row by row, so without all that a layer does. This is built in seconds; the oracle tests whole layers.
    #[test]
    fn every_rule_by_itself_is_that_of_the_reference() {
        let (lr, momentum, alpha, epsilon) = (0.25, 0.875, 0.375, 1e-6);
        follow(Sgd { lr: 0.25 }, Optimizer::Sgd { lr });
        follow(Momentum::classical(lr, momentum), Optimizer::Momentum { lr, momentum });
        follow(Momentum::nesterov(lr, momentum), Optimizer::Nesterov { lr, momentum });
        follow(Momentum::nesterov_authors(lr, momentum), Optimizer::NesterovAuthors { lr, momentum });
        follow(Momentum::classical(lr, momentum).at_rest(), Optimizer::Momentum { lr, momentum });
        follow(Momentum::nesterov(lr, momentum).at_rest(), Optimizer::Nesterov { lr, momentum });
        follow(
            Momentum::nesterov_authors(lr, momentum).at_rest(),
            Optimizer::NesterovAuthors { lr, momentum },
        );
        let (lr, beta1, beta2) = (0.01, 0.75, 0.9);
        follow(Adam::new(lr, beta1, beta2, 1e-6), Optimizer::Adam { lr, beta1, beta2, epsilon });
        follow(AdaGrad { lr: 0.25, epsilon: 1e-6 }, Optimizer::AdaGrad { lr: 0.25, epsilon });
        follow(RmsProp::new(lr, beta2, 1e-6), Optimizer::RmsProp { lr, rho: beta2, epsilon });
        let (lr, halving, abcd) = (0.5, 100.0, [0.5, -0.25, -0.001, 0.125]);
        follow(Scheduled::inverse_time(lr, halving), Optimizer::SgdDecay { lr, halving });
        follow(Scheduled::stretched_exponential(abcd), Optimizer::SgdRates { rates: [abcd, [0.0; 4]] });
        let f = (0.5, 0.375);
        let dlr = |norm| Optimizer::Dlr { lr, alpha, norm };
        follow(Dlr::<true> { lr: f.0, alpha: f.1 }, dlr(Norm::Pre));
        follow(Dlr::<false> { lr: f.0, alpha: f.1 }, dlr(Norm::Post));
        follow(DlrNumerator { lr: f.0, alpha: f.1 }, Optimizer::DlrNumerator { lr, alpha });
        let denominator = |norm| Optimizer::DlrDenominator { lr, alpha, norm };
        follow(DlrDenominator::<true> { lr: f.0, alpha: f.1 }, denominator(Norm::Pre));
        follow(DlrDenominator::<false> { lr: f.0, alpha: f.1 }, denominator(Norm::Post));
    }
}
