//! The options that tune an optimizer: one for each of its [hyper-parameters](Hyper).

use super::args::choice;
use clap::Args;
use clap::builder::TypedValueParser;
use dlr::engine::optimizer::{DECAY, DIVISOR, Hyper, Norm, RATE, Range, Rates};

/// Defines [`HyperArgs`] and how they become a [`Hyper`], so that neither can have what the other lacks.
macro_rules! options {
    ($($(#[$attribute:meta])* $name:ident: $Value:ty,)+) => {
        #[derive(Clone, Copy, Debug, Args)]
        pub(super) struct HyperArgs {
            $($(#[$attribute])* $name: Option<$Value>,)+
        }

        impl From<HyperArgs> for Hyper {
            fn from(HyperArgs { $($name),+ }: HyperArgs) -> Self {
                Self { $($name),+ }
            }
        }
    };
}

options! {
    /// Learning rate
    #[arg(long, value_name = "X", value_parser = real(RATE), allow_hyphen_values = true)]
    lr: f64,

    /// DLR's alpha: rates are the more alike the larger it is
    #[arg(long, value_name = "X", value_parser = real(DIVISOR),
        allow_hyphen_values = true)]
    alpha: f64,

    /// The units whose norms DLR divides by: `pre`-synaptic (Eq. 1) or `post`-synaptic (Eq. 3)
    #[arg(long, value_parser = choice::<Norm>(Norm::NAMES), value_name = "NORM")]
    norm: Norm,

    /// Momentum's mu
    #[arg(long, value_name = "X", value_parser = real(DECAY),
        allow_hyphen_values = true)]
    momentum: f64,

    /// Adam's decay of the first moment
    #[arg(long, value_name = "X", value_parser = real(DECAY),
        allow_hyphen_values = true)]
    beta1: f64,

    /// Adam's decay of the second moment
    #[arg(long, value_name = "X", value_parser = real(DECAY),
        allow_hyphen_values = true)]
    beta2: f64,

    /// RMSProp's decay of the mean of squared gradients
    #[arg(long, value_name = "X", value_parser = real(DECAY),
        allow_hyphen_values = true)]
    rho: f64,

    /// What AdaGrad, RMSProp and Adam add to the root that they divide by
    #[arg(long, value_name = "X", value_parser = real(DIVISOR),
        allow_hyphen_values = true)]
    epsilon: f64,

    /// Updates after which sgd-decay's rate has halved
    #[arg(long, value_name = "T", value_parser = real(DIVISOR),
        allow_hyphen_values = true)]
    halving: f64,

    /// The numbers of sgd-rates: those of all layers but the last, then those of the last
    #[arg(long, value_name = "A,B,C,D,A,B,C,D", allow_hyphen_values = true)]
    rates: Rates,
}

fn real(range: Range) -> impl TypedValueParser<Value = f64> {
    clap::builder::StringValueParser::new().try_map(move |text| {
        text.parse()
            .ok()
            .filter(|&number| range.contains(number))
            .ok_or_else(|| format!("expected a number {}", range.words))
    })
}
