//! The paper's experiments (Li, "Faster Biological Gradient Descent Learning", 2020), and some that it leaves to others.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`fig1`] | training time under each algorithm, for networks of several sizes |
//! | [`fig2`] | the smallest network that reaches the target |
//! | [`fig3`] | DLR beside SGD at DLR's mean learning rate |
//! | [`beyond`] | other optimizers, and the halves of DLR's rate |
//! | [`grids`] | the settings that the author's experiments tried |
//! | [`search`] | the search for settings where these do not fit |
//! | [`clock`] | what an epoch costs |
//! | [`numbers`] | what the paper found |

pub mod beyond;
pub mod clock;
pub mod fig1;
pub mod fig2;
pub mod fig3;
pub mod grids;
pub mod numbers;
pub mod search;

use crate::engine::names::named;
use crate::engine::optimizer::{Entry, Hyper, Optimizer};
use crate::engine::settings::{Backprop, Settings};
use crate::error::Result;

named! {
    /// Whose settings.
    pub enum Preset {
        /// The author's: the hidden layer's error without the factor y (1 - y), a heavy ball for Nesterov's momentum, and
        /// the author's grids. Only Adam is Adam: the author's ran without bias correction in effect.
        Authors = "authors",
        /// The paper's text: the gradient of the mean squared error and Nesterov's momentum, by settings searched for here.
        /// All else is as in [`Preset::Authors`], so that nothing else makes a difference.
        Mse = "mse",
    }
}

/// One of the algorithms that the paper compares.
#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    /// As the paper calls it.
    pub label: &'static str,
    /// The optimizer.
    pub entry: &'static Entry,
}

impl Preset {
    /// The paper's four algorithms, SGD first, which the others are compared with.
    pub fn algorithms(self) -> [Algorithm; 4] {
        let nesterov = match self {
            Self::Authors => "nesterov-authors",
            Self::Mse => "nesterov",
        };
        [("SGD", "sgd"), ("Nesterov", nesterov), ("Adam", "adam"), ("DLR", "dlr")].map(|(label, name)| {
            Algorithm { label, entry: Entry::find(name).expect("the optimizer is one of the list") }
        })
    }

    /// The settings of a run.
    pub fn settings(self, hidden: usize, optimizer: Optimizer, seed: u64) -> Settings {
        let mut settings = Settings { seed, ..Settings::new(hidden, optimizer) };
        settings.set_authors();
        settings.backprop = match self {
            Self::Authors => Backprop::Authors,
            Self::Mse => Backprop::Mse,
        };
        settings
    }

    /// The optimizer with some of its hyper-parameters chosen.
    ///
    /// # Errors
    /// Those of [`Entry::with`].
    pub fn optimizer(self, entry: &'static Entry, chosen: &Hyper) -> Result<Optimizer> {
        entry.with(&entry.authors, chosen)
    }
}

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// All of it.
    Full,
    /// As little as still shows something: fewer sizes, settings and runs.
    Quick,
}
