//! The list of optimizers. To add one, write its rule in the kernels and enter it here.

use super::learner::{Fused, Learner, Task};
use super::names::named;
use super::network::Network;
use crate::error::{Error, Result};
use dlr_kernels::rules;
use serde::Serialize;
use std::fmt;

/// Numbers that tune an optimizer; each optimizer has some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Hyper {
    /// The learning rate: eta, DLR's eta0, Adam's alpha.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// DLR's alpha.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// The units whose norms DLR divides by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<Norm>,
    /// Nesterov's mu.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Adam's decay of the first moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta1: Option<f64>,
    /// Adam's decay of the second moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta2: Option<f64>,
    /// Adam's epsilon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
}

named! {
    /// The units whose norms DLR divides by.
    pub enum Norm {
        /// The outgoing weights of the pre-synaptic unit (Eq. 1).
        Pre = "pre",
        /// The incoming weights of the post-synaptic unit (Eq. 3).
        Post = "post",
    }
}

impl Hyper {
    const fn lr(lr: f64) -> Self {
        let none = None;
        Self {
            lr: Some(lr),
            alpha: none,
            norm: None,
            momentum: none,
            beta1: none,
            beta2: none,
            epsilon: none,
        }
    }

    const fn dlr(lr: f64, alpha: f64) -> Self {
        Self { alpha: Some(alpha), norm: Some(Norm::Pre), ..Self::lr(lr) }
    }

    const fn momentum(lr: f64, momentum: f64) -> Self {
        Self { momentum: Some(momentum), ..Self::lr(lr) }
    }

    const fn adam(lr: f64, epsilon: f64) -> Self {
        Self { beta1: Some(0.9), beta2: Some(0.999), epsilon: Some(epsilon), ..Self::lr(lr) }
    }
}

/// One optimizer of the list.
#[derive(Debug)]
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Defaults under the true gradient; what is `None` here, it does not have.
    pub defaults: Hyper,
    /// Defaults under the settings of the paper's author.
    pub authors: Hyper,
    build: fn(&Hyper, Network, Task) -> Box<dyn Learner>,
}

/// All optimizers. Defaults were tuned as the README says.
pub static OPTIMIZERS: &[Entry] = &[
    Entry {
        name: "dlr",
        about: "dynamic learning rate per synapse (Li 2020, Eq. 1 or 3)",
        defaults: Hyper::dlr(0.8, 1.0),
        authors: Hyper::dlr(0.6, 0.4),
        build: |h, network, task| {
            let (lr, alpha) = (number(h.lr), number(h.alpha));
            let by_row = rules::Dlr::<true> { lr, alpha };
            let by_lane = rules::Dlr::<false> { lr, alpha };
            match h.norm.expect("dlr has a norm") {
                Norm::Pre => Fused::boxed(network, by_row, by_lane, task),
                Norm::Post => Fused::boxed(network, by_lane, by_row, task),
            }
        },
    },
    Entry {
        name: "sgd",
        about: "stochastic gradient descent",
        defaults: Hyper::lr(0.13),
        authors: Hyper::lr(0.18),
        build: |h, network, task| both(network, rules::Sgd { lr: number(h.lr) }, task),
    },
    Entry {
        name: "nesterov",
        about: "Nesterov's momentum (Sutskever et al. 2013)",
        defaults: Hyper::momentum(0.02, 0.8),
        authors: Hyper::momentum(0.05, 0.6),
        build: |h, network, task| {
            both(network, rules::Momentum::nesterov(double(h.lr), double(h.momentum)), task)
        },
    },
    Entry {
        name: "adam",
        about: "Adam with bias correction (Kingma & Ba 2015)",
        defaults: Hyper::adam(0.0005, 1e-4),
        authors: Hyper::adam(0.001, 1e-8),
        build: |h, network, task| {
            let rule = rules::Adam::new(double(h.lr), double(h.beta1), double(h.beta2), number(h.epsilon));
            both(network, rule, task)
        },
    },
    Entry {
        name: "nesterov-authors",
        about: "what the paper's author ran as Nesterov: heavy ball with momentum mu^2 and rate (1 + mu) lr",
        defaults: Hyper::momentum(0.04, 0.6),
        authors: Hyper::momentum(0.05, 0.6),
        build: |h, network, task| {
            both(network, rules::Momentum::nesterov_authors(double(h.lr), double(h.momentum)), task)
        },
    },
];

fn double(value: Option<f64>) -> f64 {
    value.expect("an optimizer's own hyper-parameters are set")
}

fn number(value: Option<f64>) -> f32 {
    double(value) as f32
}

/// The same rule in both layers.
fn both<R: dlr_kernels::rule::Rule>(network: Network, rule: R, task: Task) -> Box<dyn Learner> {
    Fused::boxed(network, rule.clone(), rule, task)
}

/// An optimizer with all of its hyper-parameters.
#[derive(Clone, Debug, Serialize)]
pub struct Optimizer {
    #[serde(rename = "optimizer", serialize_with = "name_only")]
    entry: &'static Entry,
    #[serde(flatten)]
    hyper: Hyper,
}

fn name_only<S: serde::Serializer>(
    entry: &&'static Entry,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(entry.name)
}

impl Entry {
    /// The entry of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        OPTIMIZERS.iter().find(|entry| entry.name == name)
    }

    /// This optimizer with `defaults`, where `chosen` has nothing else.
    ///
    /// # Errors
    /// [`Error::Settings`] if `chosen` has a hyper-parameter that this optimizer lacks.
    pub fn with(&'static self, defaults: &Hyper, chosen: &Hyper) -> Result<Optimizer> {
        let pick = |option, default: Option<f64>, chosen: Option<f64>| match (default, chosen) {
            (None, Some(_)) => Err(self.lacks(option)),
            (default, chosen) => Ok(chosen.or(default)),
        };
        if defaults.norm.is_none() && chosen.norm.is_some() {
            return Err(self.lacks("--norm"));
        }
        let hyper = Hyper {
            lr: pick("--lr", defaults.lr, chosen.lr)?,
            alpha: pick("--alpha", defaults.alpha, chosen.alpha)?,
            norm: chosen.norm.or(defaults.norm),
            momentum: pick("--momentum", defaults.momentum, chosen.momentum)?,
            beta1: pick("--beta1", defaults.beta1, chosen.beta1)?,
            beta2: pick("--beta2", defaults.beta2, chosen.beta2)?,
            epsilon: pick("--epsilon", defaults.epsilon, chosen.epsilon)?,
        };
        // The rate of a unit without weights; an infinite one would make NaN of nothing.
        if let (Some(lr), Some(alpha)) = (hyper.lr, hyper.alpha)
            && !((lr as f32) / (alpha as f32)).is_finite()
        {
            return Err(Error::Settings {
                option: "--alpha",
                problem: format!("{alpha:e} is too small for a learning rate of {lr:e}"),
                cure: "give a larger --alpha or a smaller --lr".into(),
            });
        }
        Ok(Optimizer { entry: self, hyper })
    }

    fn lacks(&self, option: &'static str) -> Error {
        Error::Settings {
            option,
            problem: format!("{} has no such hyper-parameter", self.name),
            cure: format!("leave it out, or choose another optimizer than {}", self.name),
        }
    }
}

impl fmt::Display for Hyper {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let numbers = [
            ("lr", self.lr),
            ("alpha", self.alpha),
            ("momentum", self.momentum),
            ("beta1", self.beta1),
            ("beta2", self.beta2),
            ("epsilon", self.epsilon),
        ];
        let set = numbers.iter().filter_map(|(name, value)| Some((name, (*value)?)));
        for (n, (name, value)) in set.enumerate() {
            let gap = if n == 0 { "" } else { ", " };
            if value != 0.0 && !(1e-4..1e6).contains(&value) {
                write!(f, "{gap}{name} {value:e}")?;
            } else {
                write!(f, "{gap}{name} {value}")?;
            }
        }
        self.norm.map_or(Ok(()), |norm| write!(f, ", norm {}", norm.name()))
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.entry.name, self.hyper)
    }
}

impl Optimizer {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// Its hyper-parameters.
    pub fn hyper(&self) -> &Hyper {
        &self.hyper
    }

    /// A learner that goes on from `network` with this optimizer.
    pub fn learner(&self, network: Network, task: Task) -> Box<dyn Learner> {
        (self.entry.build)(&self.hyper, network, task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_values_win_and_foreign_ones_are_refused() {
        let dlr = Entry::find("dlr").unwrap();
        let chosen = Hyper { alpha: Some(3.0), ..Hyper::default() };
        let optimizer = dlr.with(&dlr.defaults, &chosen).unwrap();
        assert_eq!(optimizer.hyper(), &Hyper { alpha: Some(3.0), ..dlr.defaults });
        let sgd = Entry::find("sgd").unwrap();
        let error = sgd.with(&sgd.defaults, &chosen).unwrap_err().to_string();
        assert!(error.starts_with("--alpha: sgd has no such hyper-parameter"), "{error}");
    }

    #[test]
    fn names_are_unique_and_both_presets_set_the_same_hyper_parameters() {
        for (n, entry) in OPTIMIZERS.iter().enumerate() {
            assert!(OPTIMIZERS[..n].iter().all(|other| other.name != entry.name));
            let keys = |h: &Hyper| {
                let value = serde_json::to_value(h).unwrap();
                value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(keys(&entry.defaults), keys(&entry.authors), "{}", entry.name);
        }
    }
}
