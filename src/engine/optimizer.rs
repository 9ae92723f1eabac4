//! The list of optimizers. To add one, write its rule in the kernels and enter it here; the README has the rest.

pub use super::hyper::{DECAY, DIVISOR, Hyper, Norm, OutOfRange, RATE, Range, Rates, Shown};
use super::learner::{Fused, Learner, Task};
use super::network::Network;
use crate::error::{Error, Result};
use dlr_kernels::rule::Rule;
use dlr_kernels::rules;
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::{PoisonError, RwLock};
use std::{fmt, ptr};

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

/// All optimizers: those of the paper, then the others. Defaults were tuned as the README says.
pub static OPTIMIZERS: &[Entry] = &[
    Entry {
        name: "dlr",
        about: "dynamic learning rate per synapse (Li 2020, Eq. 1 or 3)",
        defaults: dlr(0.8, 1.0),
        authors: dlr(0.6, 0.4),
        build: |h, network, task| {
            let (lr, alpha) = (number(h.lr), number(h.alpha));
            let (by_row, by_lane) = (rules::Dlr::<true> { lr, alpha }, rules::Dlr::<false> { lr, alpha });
            by_norms(h, network, by_row, by_lane, task)
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
        defaults: momentum(0.02, 0.8),
        authors: momentum(0.05, 0.6),
        build: |h, network, task| {
            by_momentum(network, rules::Momentum::nesterov(double(h.lr), double(h.momentum)), task)
        },
    },
    Entry {
        name: "adam",
        about: "Adam with bias correction (Kingma & Ba 2015)",
        defaults: adam(0.0005, 1e-4),
        authors: adam(0.001, 1e-8),
        build: |h, network, task| {
            let rule = rules::Adam::new(double(h.lr), double(h.beta1), double(h.beta2), number(h.epsilon));
            pausing(network, rule.clone(), rule, task)
        },
    },
    Entry {
        name: "nesterov-authors",
        about: "what the paper's author ran as Nesterov: heavy ball with momentum mu^2 and rate (1 + mu) lr",
        defaults: momentum(0.04, 0.6),
        authors: momentum(0.05, 0.6),
        build: |h, network, task| {
            by_momentum(network, rules::Momentum::nesterov_authors(double(h.lr), double(h.momentum)), task)
        },
    },
    Entry {
        name: "momentum",
        about: "classical momentum, the heavy ball (Plaut, Nowlan & Hinton 1986)",
        defaults: momentum(0.05, 0.6),
        authors: momentum(0.013, 0.9),
        build: |h, network, task| {
            by_momentum(network, rules::Momentum::classical(double(h.lr), double(h.momentum)), task)
        },
    },
    Entry {
        name: "adagrad",
        about: "AdaGrad (Duchi, Hazan & Singer 2011)",
        defaults: Hyper { epsilon: Some(0.1), ..Hyper::lr(0.2) },
        authors: Hyper { epsilon: Some(0.1), ..Hyper::lr(0.2) },
        build: |h, network, task| {
            both(network, rules::AdaGrad { lr: number(h.lr), epsilon: number(h.epsilon) }, task)
        },
    },
    Entry {
        name: "rmsprop",
        about: "RMSProp (Hinton 2012)",
        defaults: rmsprop(0.0005, 0.999, 1e-4),
        authors: rmsprop(0.001, 0.999, 1e-4),
        build: |h, network, task| {
            both(network, rules::RmsProp::new(double(h.lr), double(h.rho), number(h.epsilon)), task)
        },
    },
    Entry {
        name: "sgd-decay",
        about: "gradient descent at lr / (1 + t / T) after t updates (Darken & Moody 1990)",
        defaults: Hyper { halving: Some(100_000.0), ..Hyper::lr(0.35) },
        authors: Hyper { halving: Some(100_000.0), ..Hyper::lr(0.25) },
        build: |h, network, task| {
            both(network, rules::Scheduled::inverse_time(double(h.lr), double(h.halving)), task)
        },
    },
    Entry {
        name: "sgd-rates",
        about: "gradient descent at a exp(b t^(1/3) + c t) + d after t updates, with numbers for each layer: DLR's \
                mean rates (Li 2020, Fig. 3), once these are fitted; its defaults are not, but constant",
        defaults: Hyper { rates: Some(Rates::constant(0.13)), ..Hyper::NONE },
        authors: Hyper { rates: Some(Rates::constant(0.13)), ..Hyper::NONE },
        build: |h, network, task| {
            let Rates(layers) = h.rates.expect("sgd-rates has rates");
            let [first, second] = layers.map(rules::Scheduled::stretched_exponential);
            Fused::boxed(network, (first, first, second), task)
        },
    },
    Entry {
        name: "dlr-numerator",
        about: "half of DLR: strong synapses learn faster, whatever the others do",
        defaults: Hyper { alpha: Some(0.3), ..Hyper::lr(0.09) },
        authors: Hyper { alpha: Some(1.0), ..Hyper::lr(0.13) },
        build: |h, network, task| {
            both(network, rules::DlrNumerator { lr: number(h.lr), alpha: number(h.alpha) }, task)
        },
    },
    Entry {
        name: "dlr-denominator",
        about: "half of DLR: synapses of strong units learn more slowly, all alike",
        defaults: dlr(0.8, 3.0),
        authors: dlr(0.3, 3.0),
        build: |h, network, task| {
            let (lr, alpha) = (number(h.lr), number(h.alpha));
            let by_row = rules::DlrDenominator::<true> { lr, alpha };
            let by_lane = rules::DlrDenominator::<false> { lr, alpha };
            by_norms(h, network, by_row, by_lane, task)
        },
    },
];

const fn dlr(lr: f64, alpha: f64) -> Hyper {
    Hyper { alpha: Some(alpha), norm: Some(Norm::Pre), ..Hyper::lr(lr) }
}

const fn momentum(lr: f64, momentum: f64) -> Hyper {
    Hyper { momentum: Some(momentum), ..Hyper::lr(lr) }
}

const fn adam(lr: f64, epsilon: f64) -> Hyper {
    Hyper { beta1: Some(0.9), beta2: Some(0.999), epsilon: Some(epsilon), ..Hyper::lr(lr) }
}

const fn rmsprop(lr: f64, rho: f64, epsilon: f64) -> Hyper {
    Hyper { rho: Some(rho), epsilon: Some(epsilon), ..Hyper::lr(lr) }
}

fn double(value: Option<f64>) -> f64 {
    value.expect("an optimizer's own hyper-parameters are set")
}

fn number(value: Option<f64>) -> f32 {
    double(value) as f32
}

/// A learner that goes on from `network` by the same rule in all layers.
pub fn both<R: Rule>(network: Network, rule: R, task: Task) -> Box<dyn Learner> {
    Fused::boxed(network, (rule.clone(), rule.clone(), rule), task)
}

/// A learner by `rule`, or what does its work in the `first` layer: the only one whose rows can be left out of an update.
fn pausing<R: Rule>(network: Network, first: impl Rule, rule: R, task: Task) -> Box<dyn Learner> {
    let others = rules::EveryRow(rule);
    Fused::boxed(network, (first, others.clone(), others), task)
}

/// A learner by momentum.
fn by_momentum(network: Network, rule: rules::Momentum, task: Task) -> Box<dyn Learner> {
    match task.batch {
        1 => pausing(network, rule.at_rest(), rule, task),
        _ => pausing(network, rule.clone(), rule, task),
    }
}

/// A rule that goes by the norms of rows in one layer, and of lanes in the other: a pre-synaptic unit is a row of the
/// first and a lane of the second.
fn by_norms<R: Rule, L: Rule>(
    h: &Hyper,
    network: Network,
    by_row: R,
    by_lane: L,
    task: Task,
) -> Box<dyn Learner> {
    match h.norm.expect("the optimizer has a norm") {
        Norm::Pre => Fused::boxed(network, (by_row.clone(), by_row, by_lane), task),
        Norm::Post => Fused::boxed(network, (by_lane.clone(), by_lane, by_row), task),
    }
}

/// An optimizer with all of its hyper-parameters.
#[derive(Clone, Debug, Serialize)]
pub struct Optimizer {
    #[serde(rename = "optimizer", serialize_with = "name_only")]
    entry: &'static Entry,
    #[serde(flatten)]
    hyper: Hyper,
}

/// From its name and all of its hyper-parameters, as in records.
impl<'de> Deserialize<'de> for Optimizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Form {
            optimizer: String,
            #[serde(flatten)]
            hyper: Hyper,
        }
        use serde::de::Error as _;
        let Form { optimizer, hyper } = Form::deserialize(deserializer)?;
        let unknown = || D::Error::custom(format!("there is no optimizer {optimizer:?}"));
        let entry = Entry::find(&optimizer).ok_or_else(unknown)?;
        if let Err(OutOfRange { option, value, .. }) = hyper.check() {
            return Err(D::Error::custom(format!("{} is {value}, out of its range", &option[2..])));
        }
        let found = entry.with(&entry.defaults, &hyper).map_err(D::Error::custom)?;
        if found.hyper == hyper {
            return Ok(found);
        }
        Err(D::Error::custom(format!("{optimizer} has more hyper-parameters than {hyper}")))
    }
}

/// The same name, and the same numbers.
impl PartialEq for Optimizer {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.hyper == other.hyper
    }
}

fn name_only<S: serde::Serializer>(
    entry: &&'static Entry,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(entry.name)
}

/// Those of one's own that are [registered](Entry::register).
static REGISTERED: RwLock<Vec<&'static Entry>> = RwLock::new(Vec::new());

impl Entry {
    /// The entry of that name, in the list or [registered](Self::register).
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::known().into_iter().find(|entry| entry.name == name)
    }

    /// All that can be found by their names.
    fn known() -> Vec<&'static Self> {
        let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
        OPTIMIZERS.iter().chain(registered.iter().copied()).collect()
    }

    /// An optimizer that is not in the list, for a `static` of one's own: [`with`](Self::with) makes it an [`Optimizer`]
    /// like any other. `hyper` has the numbers that tune it, with their defaults, within the ranges of [`Hyper::check`];
    /// `build` makes a learner of them, by [`both`] or [`Fused::boxed`]. The name goes into results; whoever wants to find the
    /// optimizer by it, or to go on from its checkpoints, [registers](Self::register) it.
    pub const fn own(
        name: &'static str,
        about: &'static str,
        hyper: Hyper,
        build: fn(&Hyper, Network, Task) -> Box<dyn Learner>,
    ) -> Self {
        Self { name, about, defaults: hyper, authors: hyper, build }
    }

    /// From now on, this optimizer is found by its name, as those of the list are: by [`find`](Self::find) and
    /// [`Optimizer::named`], and where settings are read, so that [checkpoints](super::checkpoint) of its runs can be. To do so
    /// again changes nothing.
    ///
    /// # Errors
    /// [`Error::Settings`] if another one has the name.
    pub fn register(&'static self) -> Result<()> {
        let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
        match OPTIMIZERS.iter().chain(registered.iter().copied()).find(|entry| entry.name == self.name) {
            Some(entry) if ptr::eq(entry, self) => Ok(()),
            Some(_) => Err(Error::Settings {
                option: "--optimizer",
                problem: format!("there is another optimizer {:?}", self.name),
                cure: "give it another name".into(),
            }),
            None => {
                registered.push(self);
                Ok(())
            }
        }
    }

    /// This optimizer with `defaults`, where `chosen` has nothing else.
    ///
    /// # Errors
    /// [`Error::Settings`] if `chosen` has a hyper-parameter that this optimizer lacks, or one is out of its range.
    pub fn with(&'static self, defaults: &Hyper, chosen: &Hyper) -> Result<Optimizer> {
        let hyper = chosen.or(defaults).map_err(|option| self.lacks(option))?;
        hyper.check().map_err(|OutOfRange { option, value, words }| Error::Settings {
            option,
            problem: format!("{value} is out of its range"),
            cure: format!("give one {words}"),
        })?;
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

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.entry.name, self.hyper)
    }
}

impl Optimizer {
    /// The optimizer of that name, in the [list](OPTIMIZERS) or [registered](Entry::register), with its defaults where `chosen`
    /// has nothing else.
    ///
    /// # Errors
    /// [`Error::Settings`] as [`Entry::with`], or if there is none.
    pub fn named(name: &str, chosen: &Hyper) -> Result<Self> {
        let entry = Entry::find(name).ok_or_else(|| Error::Settings {
            option: "--optimizer",
            problem: format!("there is no optimizer {name:?}"),
            cure: format!(
                "choose one of {}",
                Entry::known().iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
            ),
        })?;
        entry.with(&entry.defaults, chosen)
    }

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
    use crate::data::Split;
    use crate::engine::images::{Images, Inputs};
    use crate::engine::settings::Init;
    use crate::engine::threads::Threads;
    use dlr_kernels::output::{Backprop, OneHot};

    #[test]
    fn optimizers_are_equal_by_name_and_numbers() {
        let [momentum, nesterov] = ["momentum", "nesterov"].map(|name| Entry::find(name).unwrap());
        let with = |entry: &'static Entry, lr| entry.with(&momentum.defaults, &Hyper::lr(lr)).unwrap();
        assert_eq!(with(momentum, 0.5), with(momentum, 0.5));
        assert_ne!(with(momentum, 0.5), with(momentum, 0.25));
        assert_ne!(with(momentum, 0.5), with(nesterov, 0.5));
    }

    /// Five images under every optimizer, with its defaults and both norms: what the list builds is what its names say.
    #[test]
    fn each_layer_gets_the_rule_of_its_own_norms_and_rates() {
        let image = Split::from_pixels(4, &[0, 255, 128, 7], &[1]).unwrap();
        let images = Images::new(&image, Inputs::Unit);
        let one_hot = OneHot { low: 0.0, high: 1.0 };
        let task = Task { batch: 1, one_hot, backprop: Backprop::Mse, threads: Threads::One };
        let start = Network::draw(4, 3, 2, Init::FanIn, 1);
        let learned = |name: &str, chosen: Hyper| {
            let entry = Entry::find(name).unwrap();
            let mut learner = entry.with(&entry.defaults, &chosen).unwrap().learner(start.clone(), task);
            learner.learn(&images, &[0; 5]);
            learner.network()
        };
        let rates = |first, second| Hyper {
            rates: Some(Rates([first, second].map(|rate| [0.0, 0.0, 0.0, rate]))),
            ..Hyper::NONE
        };
        assert!(learned("sgd-rates", rates(0.5, 0.5)) == learned("sgd", Hyper::lr(0.5)));
        let one = learned("sgd-rates", rates(0.5, 0.0));
        assert!(one.last == start.last && one.first != start.first);
        let other = learned("sgd-rates", rates(0.0, 0.5));
        assert!(other.first == start.first && other.last != start.last);

        let never = Hyper { halving: Some(1e30), ..Hyper::lr(0.5) };
        assert!(learned("sgd-decay", never) == learned("sgd", Hyper::lr(0.5)));

        // The column of W1 that belongs to a hidden unit is a column here, too, and the row of W2 that belongs to an
        // output is one: under Eq. 3 both layers differ from Eq. 1.
        for name in ["dlr", "dlr-denominator"] {
            let [pre, post] =
                [Norm::Pre, Norm::Post].map(|norm| learned(name, Hyper { norm: Some(norm), ..Hyper::NONE }));
            assert!(pre.first != post.first && pre.last != post.last, "{name}");
        }
    }

    /// Learns three images under an optimizer of such numbers.
    fn learned(optimizer: &Optimizer) -> Network {
        let image = Split::from_pixels(4, &[0, 255, 128, 7], &[1]).unwrap();
        let images = Images::new(&image, Inputs::Unit);
        let one_hot = OneHot { low: 0.0, high: 1.0 };
        let task = Task { batch: 1, one_hot, backprop: Backprop::Mse, threads: Threads::One };
        let mut learner = optimizer.learner(Network::draw(4, 3, 2, Init::FanIn, 1), task);
        learner.learn(&images, &[0; 3]);
        learner.network()
    }

    /// Whatever is tuned of an optimizer, the rest of what makes it one of its kind.
    #[test]
    fn optimizers_of_a_kind_share_what_is_not_tuned() {
        let numbers = [dlr(0.5, 2.0), momentum(0.5, 0.25), adam(0.5, 0.125), rmsprop(0.5, 0.25, 0.125)];
        let told = [
            "lr 0.5, alpha 2, norm pre",
            "lr 0.5, momentum 0.25",
            "lr 0.5, beta1 0.9, beta2 0.999, epsilon 0.125",
            "lr 0.5, rho 0.25, epsilon 0.125",
        ];
        assert_eq!(numbers.map(|hyper| hyper.to_string()), told);
    }

    #[test]
    fn one_s_own_optimizer_is_one_like_those_of_the_list() {
        let mine = Entry::own("mine", "half as fast as it says", Hyper::lr(0.5), |h, network, task| {
            both(network, rules::Sgd { lr: number(h.lr) / 2.0 }, task)
        });
        let mine: &'static Entry = Box::leak(Box::new(mine));
        assert_eq!((&mine.defaults, &mine.authors), (&Hyper::lr(0.5), &Hyper::lr(0.5)));
        let optimizer = mine.with(&mine.defaults, &Hyper::NONE).unwrap();
        assert_eq!(optimizer.to_string(), "mine: lr 0.5");
        let sgd = |lr| learned(&Optimizer::named("sgd", &Hyper::lr(lr)).unwrap());
        assert!(learned(&optimizer) == sgd(0.25) && sgd(0.25) != sgd(0.5));
        let refused = mine.with(&mine.defaults, &momentum(0.5, 0.25)).unwrap_err().to_string();
        assert!(refused.starts_with("--momentum: mine has no such hyper-parameter"), "{refused}");
    }

    #[test]
    fn every_number_of_an_optimizer_has_an_effect_on_what_it_learns() {
        let other = Hyper {
            lr: Some(0.5),
            alpha: Some(2.5),
            norm: Some(Norm::Post),
            momentum: Some(0.25),
            beta1: Some(0.25),
            beta2: Some(0.25),
            rho: Some(0.25),
            epsilon: Some(0.25),
            halving: Some(10.0),
            rates: Some(Rates::constant(0.5)),
        };
        let other = serde_json::to_value(other).unwrap();
        for (name, numbers) in [
            ("dlr", "lr alpha norm"),
            ("sgd", "lr"),
            ("nesterov", "lr momentum"),
            ("adam", "lr beta1 beta2 epsilon"),
            ("nesterov-authors", "lr momentum"),
            ("momentum", "lr momentum"),
            ("adagrad", "lr epsilon"),
            ("rmsprop", "lr rho epsilon"),
            ("sgd-decay", "lr halving"),
            ("sgd-rates", "rates"),
            ("dlr-numerator", "lr alpha"),
            ("dlr-denominator", "lr alpha norm"),
        ] {
            let entry = Entry::find(name).unwrap();
            let with = |hyper: &Hyper| learned(&entry.with(&entry.defaults, hyper).unwrap());
            let usual = with(&Hyper::NONE);
            let mut own = serde_json::Map::new();
            for number in numbers.split(' ') {
                let changed = serde_json::json!({ number: other[number] });
                own.extend(changed.as_object().unwrap().clone());
                assert!(with(&serde_json::from_value(changed).unwrap()) != usual, "{name}: {number}");
            }
            // It has these and no others.
            let all: Hyper = serde_json::from_value(own.into()).unwrap();
            assert_eq!(entry.with(&entry.defaults, &all).unwrap().hyper(), &all, "{name}");
        }
        assert_eq!(OPTIMIZERS.len(), 12);
    }

    #[test]
    fn records_have_an_optimizer_s_name_and_all_of_its_numbers() {
        let read = |json: &str| serde_json::from_str::<Optimizer>(json).map_err(|error| error.to_string());
        let json = r#"{"optimizer":"momentum","lr":0.05,"momentum":0.6}"#;
        let optimizer = Optimizer::named("momentum", &Hyper::NONE).unwrap();
        assert_eq!(serde_json::to_string(&optimizer).unwrap(), json);
        assert_eq!(read(json).unwrap(), optimizer);
        assert_eq!(
            (&*optimizer.to_string(), optimizer.name()),
            ("momentum: lr 0.05, momentum 0.6", "momentum")
        );
        for (json, told) in [
            (r#"{"optimizer":"madam","lr":0.05}"#, "there is no optimizer \"madam\""),
            (r#"{"optimizer":"momentum","lr":0.05}"#, "momentum has more hyper-parameters than lr 0.05"),
            (r#"{"optimizer":"sgd","lr":-1.0}"#, "lr is -1e0, out of its range"),
        ] {
            assert_eq!(read(json).unwrap_err(), told);
        }
        let more = read(r#"{"optimizer":"sgd","lr":1.0,"rho":0.5}"#).unwrap_err();
        assert!(more.starts_with("--rho: sgd has no such hyper-parameter"), "{more}");
    }

    /// A unit without weights would learn at an infinite rate.
    #[test]
    fn a_rate_that_no_number_holds_is_refused() {
        let dlr = |lr, alpha| {
            Optimizer::named("dlr", &Hyper { alpha: Some(alpha), ..Hyper::lr(lr) })
                .map_err(|error| error.to_string())
        };
        assert!(dlr(3e38, 1.0).is_ok() && dlr(1.0, 1e-30).is_ok());
        let told = "--alpha: 1e-30 is too small for a learning rate of 3e38; give a larger --alpha or a smaller --lr";
        assert_eq!(dlr(3e38, 1e-30).unwrap_err(), told);
        let refused = |name: &str, hyper: Hyper| Optimizer::named(name, &hyper).unwrap_err().to_string();
        let told = "--lr: -1e-1 is out of its range; give one from 0 to 3.4e38";
        assert_eq!(refused("sgd", Hyper::lr(-0.1)), told);
        let told = "--momentum: 1 is out of its range; give one from 0 to 0.99999994";
        assert_eq!(refused("nesterov", momentum(0.1, 1.0)), told);
        let told = Optimizer::named("madam", &Hyper::NONE).unwrap_err().to_string();
        assert!(
            told.starts_with("--optimizer: there is no optimizer \"madam\"; choose one of dlr, sgd, "),
            "{told}"
        );
    }

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
