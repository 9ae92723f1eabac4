//! Tuning: what is stopped early makes no difference to who wins.

use dlr::data::{CachePolicy, Dataset};
use dlr::engine::optimizer::{Entry, Hyper};
use dlr::engine::settings::Settings;
use dlr::engine::trainer::Stop;
use dlr::experiments::sweep::Sweep;
use dlr::experiments::sweep::journal::{Header, Journal};
use dlr::experiments::tune::{Trial, Tuned, tune};
use std::path::Path;
use std::sync::LazyLock;

/// MNIST, by way of a cache that cargo keeps for the tests of this build.
static MNIST: LazyLock<Dataset> = LazyLock::new(|| {
    let cache = CachePolicy { folders: vec![concat!(env!("CARGO_TARGET_TMPDIR"), "/cache").into()] };
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"));
    Dataset::open_with(folder, &cache).expect("MNIST is whole")
});

const RATES: [f64; 10] = [0.02, 0.0, 0.1, 0.03, 0.3, 0.2, 0.05, 1.0, 0.6, 0.4];

/// Tries all rates in rounds of three.
fn tuned(seeds: &[u64], stop_early: bool, threads: usize) -> Tuned {
    tuned_at((100, None), seeds, stop_early, threads)
}

/// The same, with tests after so many images, and perhaps at ends of epochs.
fn tuned_at(
    (test_every, stall): (u64, Option<u64>),
    seeds: &[u64],
    stop_early: bool,
    threads: usize,
) -> Tuned {
    let entry = Entry::find("sgd").unwrap();
    let settings = |hyper: &Hyper, seed| {
        let optimizer = entry.with(&entry.defaults, hyper)?;
        let few = Settings {
            images: Some(2_000),
            epochs: 3,
            test_every,
            stall,
            target: Some(0.6),
            seed,
            ..Settings::new(10, optimizer)
        };
        Ok(few)
    };
    let propose = |trials: &[Trial]| {
        let next = RATES.iter().skip(trials.len()).take(3);
        next.map(|&lr| Hyper { lr: Some(lr), ..Hyper::default() }).collect()
    };
    let sweep = Sweep::new(&MNIST, Journal::in_memory(Header::new("test", &"tune", &MNIST)), &());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| tune(&sweep, seeds, settings, propose, stop_early)).unwrap()
}

#[test]
fn the_winner_is_that_of_a_search_without_early_stops() {
    for seeds in [&[1, 2, 3][..], &[4, 5], &[6]] {
        let (early, whole) = (tuned(seeds, true, 1), tuned(seeds, false, 1));
        let best = |tuned: &Tuned| {
            let best = tuned.best().unwrap();
            (tuned.best, best.hyper, best.images)
        };
        assert_eq!(best(&early), best(&whole));
        // It is the least, and that by which more than half have hit.
        let least = whole.trials.iter().filter_map(|trial| trial.images).min();
        assert_eq!(whole.best().unwrap().images, least);
        for trial in &whole.trials {
            let mut hits: Vec<_> = trial.runs.iter().filter_map(|(_, run)| run.images_to_target()).collect();
            hits.sort_unstable();
            assert_eq!(trial.images, hits.get(seeds.len() / 2).copied());
        }
        let trained = |tuned: &Tuned| -> u64 {
            tuned.trials.iter().flat_map(|trial| &trial.runs).map(|(_, run)| run.images).sum()
        };
        assert!(trained(&early) < trained(&whole), "{} of {}", trained(&early), trained(&whole));
        assert!(early.trials.iter().flat_map(|trial| &trial.runs).any(|(_, run)| run.stop == Stop::Outrun));

        // A trial that was stopped would not have won: where it says nothing, the other is later.
        for (early, whole) in early.trials.iter().zip(&whole.trials) {
            match early.images {
                Some(images) => assert_eq!(whole.images, Some(images)),
                None => {
                    assert!(whole.images.is_none_or(|images| early.limit.is_some_and(|limit| images > limit)))
                }
            }
        }
    }
}

#[test]
fn threads_make_no_difference() {
    let summary = |tuned: Tuned| -> Vec<_> {
        tuned.trials.into_iter().map(|trial| (trial.images, trial.limit, trial.runs)).collect()
    };
    assert_eq!(summary(tuned(&[1, 2, 3], true, 1)), summary(tuned(&[1, 2, 3], true, 4)));
}

#[test]
fn tests_that_come_irregularly_are_not_overlooked() {
    for tests in [(700, None), (1900, Some(4)), (5000, None), (5000, Some(4))] {
        let (early, whole) = (tuned_at(tests, &[1, 2, 3], true, 2), tuned_at(tests, &[1, 2, 3], false, 2));
        let best = |tuned: &Tuned| (tuned.best, tuned.best().map(|best| best.images));
        assert_eq!(best(&early), best(&whole), "{tests:?}");
    }
}
