//! A layer that goes on from the state of another goes on to the same bits, whenever it was taken.

use crate::assembly::Pattern;
use crate::helpers::{LIGHTINGS, Lighting, Numbers, bits, unwritten};
use crate::layers::{AnyLayer, Gradient, Place, layer, optimizers};
use core::ops::Range;
use dlr_kernels::gradient::{OfImage, OfOutputs};
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::layer::State;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::Optimizer;

const ROWS: usize = 13;
const WIDTHS: [usize; 4] = [1, 8, 19, 265];
const PLACES: [Place; 3] = [Place::First, Place::Online, Place::Second];

/// One update: of the rows of an image with sums before it, or of all rows.
fn step(layer: &mut dyn AnyLayer, place: Place, width: usize, numbers: &mut Numbers, lighting: Lighting) {
    match place {
        Place::First | Place::Online => {
            let pattern = Pattern::random(numbers, ROWS, 1, lighting);
            let [mut sums, mut deltas] = [(); 2].map(|()| unwritten(width));
            layer.hidden_sums(pattern.lit(), &mut sums);
            deltas.iter_mut().zip(&sums).for_each(|(delta, sum)| *delta = *sum * f32xN::splat(0.125));
            layer.step(&Gradient::Image(OfImage { lit: pattern.lit(), deltas: &deltas }));
        }
        Place::Second => {
            let hidden = Panel::from_fn(1, width, |_, _| numbers.unit());
            let deltas: Vec<f32> = (0..ROWS).map(|_| 0.125 * numbers.signed()).collect();
            layer.step(&Gradient::Outputs(OfOutputs { deltas: &deltas, hidden: hidden.as_vectors() }));
        }
    }
}

#[test]
fn every_rule_goes_on_from_every_state() {
    let mut cases = 0;
    for optimizer in optimizers(0.25) {
        for (place, width) in PLACES.into_iter().flat_map(|p| WIDTHS.map(|w| (p, w))) {
            let mut numbers = Numbers(5);
            let start = Panel::from_fn(ROWS, width, |_, _| 0.5 * numbers.signed());
            let mut whole = layer(optimizer, place, start.clone());
            let mut parts = layer(optimizer, place, start.clone());
            for n in 0..250 {
                // Whatever was resumed so often has forgotten whatever is not in the state.
                let state = parts.state();
                parts = layer(optimizer, place, start.clone());
                parts.resume(&state);
                let lighting = LIGHTINGS[n % LIGHTINGS.len()];
                let mut same = Numbers(100 + n as u64);
                step(whole.as_mut(), place, width, &mut same, lighting);
                step(parts.as_mut(), place, width, &mut Numbers(100 + n as u64), lighting);
            }
            assert!(whole.state() == parts.state(), "{optimizer:?}, {place:?}, {width}");
            // Without padding, as the sign of its zeros means nothing: under valgrind, Adam's become -0.
            for row in 0..ROWS {
                assert_eq!(bits(whole.weights().row(row)), bits(parts.weights().row(row)));
            }
            assert!(whole.weights().padding_is_zero() && parts.weights().padding_is_zero());
            assert_ne!(whole.weights(), &start);
            cases += 1;
        }
    }
    assert_eq!(cases, optimizers(1.0).len() * PLACES.len() * WIDTHS.len());
}

/// Adam's table of its course has moved on meanwhile, by nobody's asking, or its corrections have become 1, after 264 and
/// after 55,250 updates; some of the pauses are longer than it takes the table to move.
#[test]
fn adam_goes_on_wherever_its_course_has_come_to() {
    for (beta2, end, dark, resumptions) in [
        (0.9, 700, 0..0, &[250, 265, 280, 296, 297, 600][..]),
        (0.9995, 64_000, 57_000..63_100, &[40_000, 55_260, 63_000]),
        (0.99995, 75_000, 0..0, &[30_000, 40_000, 70_000]),
    ] {
        let optimizer = Optimizer::Adam { lr: 0.001, beta1: 0.9, beta2, epsilon: 1e-4 };
        let start = Panel::from_fn(ROWS, 3, |_, _| 0.5);
        let run = |layer: &mut Box<dyn AnyLayer>, updates: Range<usize>, numbers: &mut Numbers| {
            for n in updates {
                let is_dark = n % 7 < 5 || dark.contains(&n);
                let lighting = if is_dark { Lighting::None } else { Lighting::Fifth };
                step(layer.as_mut(), Place::First, 3, numbers, lighting);
            }
        };
        for &resumed_at in resumptions {
            let mut numbers = Numbers(9);
            let mut whole = layer(optimizer, Place::First, start.clone());
            run(&mut whole, 0..resumed_at, &mut numbers);
            let (state, at) = (whole.state(), numbers.0);
            run(&mut whole, resumed_at..end, &mut numbers);
            let mut resumed = layer(optimizer, Place::First, start.clone());
            resumed.resume(&state);
            run(&mut resumed, resumed_at..end, &mut Numbers(at));
            assert!(whole.state() == resumed.state(), "{beta2}, {resumed_at}");
        }
    }
}

#[test]
fn a_state_of_another_shape_does_not_fit() {
    let [sgd, adam] = [0, 4].map(|n| optimizers(1.0)[n]);
    let one =
        |optimizer, rows, width| layer(optimizer, Place::First, Panel::from_fn(rows, width, |_, _| 1.0));
    let own = one(adam, 3, 8);
    for other in [one(adam, 3, 5), one(adam, 3, 9), one(adam, 4, 8), one(sgd, 3, 8)] {
        assert!(!own.takes(&other.state()) && !other.takes(&own.state()));
    }
    let ahead = State { last: vec![0, 1, u64::MAX], ..own.state() };
    assert!(!own.takes(&ahead), "a row cannot have been touched by an update to come");
    assert!(own.takes(&State { updates: 1, ..ahead }));
}

/// What a state says depends on no padding, whatever the vectors of the build.
#[test]
fn a_state_is_the_numbers_without_their_padding() {
    for optimizer in optimizers(1.0) {
        let (rows, width) = (5, 19);
        let mut own =
            layer(optimizer, Place::First, Panel::from_fn(rows, width, |r, i| (100 * r + i) as f32 / 512.0));
        own.step(&Gradient::Image(OfImage {
            lit: Lit::new(&[1, 3], &[1.0, 0.5]),
            deltas: &[f32xN::ONE; 19_usize.div_ceil(LANES)],
        }));
        let state = own.state();
        let stored: Vec<f32> = (0..rows).flat_map(|row| own.stored().row(row).to_vec()).collect();
        assert_eq!(state.weights, stored, "{optimizer:?}");
        // All weights of a row have had the same gradient.
        let remembered = state.memory.len() / (rows * width);
        assert_eq!(state.memory.len(), remembered * rows * width, "{optimizer:?}");
        for same in state.memory.chunks_exact(width) {
            assert!(same.iter().all(|x| x == &same[0]), "{optimizer:?}: {same:?}");
        }
        let touched = state.memory.chunks_exact(remembered.max(1) * width).map(|row| row[0] != 0.0);
        assert!(
            touched.eq((0..rows).filter(|_| remembered > 0).map(|row| row == 1 || row == 3)),
            "{optimizer:?}"
        );
    }
}

/// A state that is taken never comes to a pause that the rule knows nothing of, however long its row sleeps on.
#[test]
fn no_row_may_have_waited_for_too_long() {
    let [optimizer, adam] = [2, 4].map(|n| optimizers(1.0)[n]);
    let (mut taken, mut refused) = (0, 0);
    for updates in [1, 510, 511, 512, 1021, 1022, 1023, 1300, 5000] {
        for waits in [0, 1, 300, 510, 511, 512, 600, 1000, 1022, 1023, 1024, 4000] {
            let mut own = layer(optimizer, Place::First, Panel::from_fn(2, 8, |_, _| 1.0));
            let last = vec![u64::saturating_sub(updates, waits), updates];
            let state = State { updates, last, ..own.state() };
            if !own.takes(&state) {
                refused += 1;
                continue;
            }
            taken += 1;
            own.resume(&state);
            let mut sums = [f32xN::ZERO];
            for update in 0..1100 {
                // The first row is dark, but for a last look.
                let index = if update < 1099 { [1] } else { [0] };
                own.learn(Lit::new(&index, &[1.0]), &mut sums, &mut |_| ());
            }
        }
    }
    assert!(taken > 30 && refused > 20, "{optimizer:?}: {taken} taken, {refused} refused");
    let own = layer(adam, Place::First, Panel::from_fn(1, 8, |_, _| 1.0));
    assert!(own.takes(&State { updates: 1 << 40, last: vec![0], ..own.state() }), "{adam:?}");
}

#[test]
fn however_many_updates_there_were_the_state_is_taken_at_once() {
    let in_all = |optimizer| PLACES.map(|place| (optimizer, place));
    for (optimizer, place) in optimizers(1.0).into_iter().flat_map(in_all) {
        let mut own = layer(optimizer, place, Panel::from_fn(2, 8, |_, _| 1.0));
        let many = State { updates: 1 << 60, ..own.state() };
        own.resume(&many);
        own.step(&Gradient::Image(OfImage { lit: Lit::new(&[1], &[1.0]), deltas: &[f32xN::ONE] }));
        assert_eq!(own.state().updates, (1 << 60) + 1, "{optimizer:?}, {place:?}");
    }
}
