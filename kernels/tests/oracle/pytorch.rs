//! The f64 reference and the fused path against weights that PyTorch trained: every optimizer, both errors of the hidden
//! layer, online and in batches. `tests/pytorch/make_fixtures.py` made the numbers and says how.

use crate::assembly::{Learner, Path, Pattern, deviations};
use crate::errors::{U, deviation};
use dlr_kernels::reference::{Backprop, Network, Norm, Optimizer, Trainer};
use serde::Deserialize;

/// Cases in the file: 12 settings of optimizers x 2 batch sizes x (2 shapes with the true gradient + 1 shape
/// with the author's hidden error). A file with fewer must not pass.
const CASES: usize = 72;

/// Numbers of steps after which every case records its weights.
const CHECKPOINTS: [usize; 2] = [7, 1000];

/// Allowed deviation of a layer: max |a - b| / max |b|, with PyTorch's weights as b. Both sides round at
/// 2^-53, in another order. Training contracts such differences rather than piling them up, so the bound
/// leaves a factor of several hundred over the largest deviation seen.
const REFERENCE_TOLERANCE: f64 = 1e-12;

/// The same for the fused path in f32 after 7 steps, each of which rounds a weight once and its change, which is smaller, a
/// few times: as [`training`](crate::errors::training) has it, and for Adam too, as no gradient here nearly cancels.
const FUSED_TOLERANCE: f64 = 7.0 * 4.0 * U;

/// All of `fixtures.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixtures {
    /// Version of PyTorch.
    torch: String,
    seed: u64,
    problems: Vec<Problem>,
    cases: Vec<Case>,
}

/// Where training starts and what is learned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Problem {
    inputs: usize,
    hidden: usize,
    outputs: usize,
    /// Exact in f32, as are the patterns.
    initial: Weights,
    /// The cycle that training repeats, \[patterns\]\[inputs\].
    patterns: Vec<Vec<f64>>,
    /// The output unit whose target is 1, for each pattern; all other targets are 0.
    labels: Vec<usize>,
}

/// One training run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Index into [`Fixtures::problems`].
    problem: usize,
    optimizer: Settings,
    backprop: Error,
    /// Patterns in each step.
    batch: usize,
    checkpoints: Vec<Checkpoint>,
}

/// The weights after so many steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    steps: usize,
    weights: Weights,
}

/// Both layers under the names and in the layout of PyTorch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    /// \[hidden\]\[inputs\].
    #[serde(rename = "0.weight")]
    layer1: Vec<Vec<f64>>,
    /// \[outputs\]\[hidden\].
    #[serde(rename = "2.weight")]
    layer2: Vec<Vec<f64>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "name")]
enum Settings {
    Sgd {
        lr: f64,
    },
    Momentum {
        lr: f64,
        momentum: f64,
    },
    Nesterov {
        lr: f64,
        momentum: f64,
    },
    NesterovAuthors {
        lr: f64,
        momentum: f64,
    },
    Adam {
        lr: f64,
        beta1: f64,
        beta2: f64,
        epsilon: f64,
    },
    #[serde(rename = "adagrad")]
    AdaGrad {
        lr: f64,
        epsilon: f64,
    },
    #[serde(rename = "rmsprop")]
    RmsProp {
        lr: f64,
        rho: f64,
        epsilon: f64,
    },
    Dlr {
        lr: f64,
        alpha: f64,
        norm: NormOver,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NormOver {
    Pre,
    Post,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Error {
    Mse,
    Authors,
}

impl Fixtures {
    fn load() -> Self {
        const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pytorch/fixtures.json");
        let text = std::fs::read_to_string(PATH).unwrap_or_else(|error| panic!("{PATH}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{PATH}: {error}"))
    }
}

impl Problem {
    /// The network that training starts from.
    fn network(&self) -> Network {
        let &Self { inputs, hidden, outputs, .. } = self;
        let (w1, w2) = (transposed(&self.initial.layer1), transposed(&self.initial.layer2));
        Network { inputs, hidden, outputs, w1, w2 }
    }

    /// The one-hot targets of the cycle, \[patterns\]\[outputs\].
    fn targets(&self) -> Vec<Vec<f64>> {
        self.labels.iter().map(|&label| (0..self.outputs).map(|k| f64::from(k == label)).collect()).collect()
    }
}

impl Case {
    /// Indices into the cycle of patterns of step `step`, which counts from 0.
    fn batch_of(&self, step: usize, patterns: usize) -> impl Iterator<Item = usize> {
        (step * self.batch..(step + 1) * self.batch).map(move |n| n % patterns)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { problem, optimizer, backprop, batch, .. } = self;
        write!(f, "problem {problem}, {optimizer:?}, {backprop:?}, batch {batch}")
    }
}

impl From<Settings> for Optimizer {
    fn from(settings: Settings) -> Self {
        match settings {
            Settings::Sgd { lr } => Self::Sgd { lr },
            Settings::Momentum { lr, momentum } => Self::Momentum { lr, momentum },
            Settings::Nesterov { lr, momentum } => Self::Nesterov { lr, momentum },
            Settings::NesterovAuthors { lr, momentum } => Self::NesterovAuthors { lr, momentum },
            Settings::Adam { lr, beta1, beta2, epsilon } => Self::Adam { lr, beta1, beta2, epsilon },
            Settings::AdaGrad { lr, epsilon } => Self::AdaGrad { lr, epsilon },
            Settings::RmsProp { lr, rho, epsilon } => Self::RmsProp { lr, rho, epsilon },
            Settings::Dlr { lr, alpha, norm: NormOver::Pre } => Self::Dlr { lr, alpha, norm: Norm::Pre },
            Settings::Dlr { lr, alpha, norm: NormOver::Post } => Self::Dlr { lr, alpha, norm: Norm::Post },
        }
    }
}

impl From<Error> for Backprop {
    fn from(error: Error) -> Self {
        match error {
            Error::Mse => Self::Mse,
            Error::Authors => Self::Authors,
        }
    }
}

/// Flattens the transpose: \[out\]\[in\] becomes \[in\]\[out\], row by row.
fn transposed(matrix: &[Vec<f64>]) -> Vec<f64> {
    (0..matrix[0].len()).flat_map(|column| matrix.iter().map(move |row| row[column])).collect()
}

#[test]
fn reference_equals_pytorch() {
    let fixtures = Fixtures::load();
    let Fixtures { torch, seed, .. } = &fixtures;
    let mut failures = Vec::new();
    let mut largest = CHECKPOINTS.map(|_| 0_f64);
    let mut executed = 0;

    for case in &fixtures.cases {
        let problem = &fixtures.problems[case.problem];
        let mut trainer = Trainer::new(problem.network(), case.optimizer.into(), case.backprop.into());
        let targets = problem.targets();

        let recorded: Vec<usize> = case.checkpoints.iter().map(|checkpoint| checkpoint.steps).collect();
        assert_eq!(recorded, CHECKPOINTS, "{case}");
        let mut step = 0;
        for (checkpoint, largest) in case.checkpoints.iter().zip(&mut largest) {
            while step < checkpoint.steps {
                let batch: Vec<(&[f64], &[f64])> = case
                    .batch_of(step, problem.patterns.len())
                    .map(|n| (problem.patterns[n].as_slice(), targets[n].as_slice()))
                    .collect();
                trainer.step(&batch);
                step += 1;
            }
            let deviation1 = deviation(&trainer.network.w1, &transposed(&checkpoint.weights.layer1));
            let deviation2 = deviation(&trainer.network.w2, &transposed(&checkpoint.weights.layer2));
            if !(deviation1 <= REFERENCE_TOLERANCE && deviation2 <= REFERENCE_TOLERANCE) {
                failures
                    .push(format!("{case}, {step} steps: W1 off by {deviation1:e}, W2 by {deviation2:e}"));
            }
            *largest = largest.max(deviation1).max(deviation2);
        }
        executed += 1;
    }

    println!("largest deviation from PyTorch {torch} after {CHECKPOINTS:?} steps: {largest:?}");
    assert!(failures.is_empty(), "PyTorch {torch}, seed {seed}:\n{}", failures.join("\n"));
    assert_eq!(executed, CASES);
}

#[test]
fn the_fused_path_equals_pytorch_after_7_steps() {
    let fixtures = Fixtures::load();
    let (mut largest, mut executed) = (0_f64, 0);
    for case in &fixtures.cases {
        let problem = &fixtures.problems[case.problem];
        let patterns: Vec<Pattern> = problem
            .patterns
            .iter()
            .zip(&problem.labels)
            .map(|(image, &label)| {
                let image: Vec<f32> = image.iter().map(|&x| x as f32).collect();
                Pattern::new(&image, label, problem.outputs)
            })
            .collect();
        let make = if case.batch == 1 { Learner::online } else { Learner::new };
        let mut learner = make(&problem.network(), case.optimizer.into(), case.backprop.into());
        let checkpoint = &case.checkpoints[0];
        for step in 0..checkpoint.steps {
            let batch: Vec<&Pattern> = case.batch_of(step, patterns.len()).map(|n| &patterns[n]).collect();
            match batch[..] {
                [pattern] => learner.learn(pattern),
                _ => learner.learn_batch(&batch, Path::Lit),
            }
        }
        let (w1, w2) = (transposed(&checkpoint.weights.layer1), transposed(&checkpoint.weights.layer2));
        let pytorch = Network { w1, w2, ..problem.network() };
        for off in deviations(&learner.network(), &pytorch) {
            assert!(off <= FUSED_TOLERANCE, "{case}: off by {off:e}");
            largest = largest.max(off);
        }
        executed += 1;
    }
    println!("largest deviation of the fused path from PyTorch {}: {largest:e}", fixtures.torch);
    assert_eq!(executed, CASES);
}
