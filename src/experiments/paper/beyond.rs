//! What the paper leaves open, by the machinery of Fig. 1: every optimizer at the best setting of an equal search.
//!
//! | | |
//! | --- | --- |
//! | Eq. 3 | DLR by the norms of post-synaptic units |
//! | the halves of DLR | its numerator alone, and its denominator alone |
//! | `sgd-decay` | a decay of one rate for all, the simplest rival of DLR's shrinking rates |
//! | `momentum`, `adagrad`, `rmsprop` | the other methods that the paper cites |

use super::fig1::Tried;
use super::search::search;
use super::{Preset, Scale};
use crate::engine::optimizer::{Entry, Hyper, Norm};
use crate::error::Result;
use crate::experiments::sweep::Sweep;
use crate::experiments::sweep::shard::Shard;
use crate::experiments::tune::Tuned;

/// A small network and a middling one.
const SIZES: [usize; 2] = [45, 100];

/// All that were compared: by rising size, SGD first in each.
#[derive(Clone, Debug)]
pub struct Beyond {
    /// Whose error of the hidden layer.
    pub preset: Preset,
    /// The rivals on networks of each size.
    pub cells: Vec<Cell>,
}

/// A rival on networks of one size.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Hidden units.
    pub hidden: usize,
    /// The rival.
    pub rival: Rival,
    /// Its search.
    pub search: Tuned,
    /// Its runs at the best setting.
    pub tried: Tried,
}

/// An optimizer, and what sets it apart from others of its name.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    /// What it is called.
    pub label: &'static str,
    /// The optimizer.
    pub entry: &'static Entry,
    /// What is the same in all of its settings.
    pub fixed: Hyper,
}

/// Everyone, SGD first.
fn rivals() -> Vec<Rival> {
    let post = Hyper { norm: Some(Norm::Post), ..Hyper::NONE };
    let all = [
        ("sgd", "sgd", Hyper::NONE),
        ("sgd-decay", "sgd-decay", Hyper::NONE),
        ("momentum", "momentum", Hyper::NONE),
        ("nesterov", "nesterov", Hyper::NONE),
        ("adagrad", "adagrad", Hyper::NONE),
        ("rmsprop", "rmsprop", Hyper::NONE),
        ("adam", "adam", Hyper::NONE),
        ("dlr", "dlr", Hyper::NONE),
        ("dlr post", "dlr", post),
        ("dlr-numerator", "dlr-numerator", Hyper::NONE),
        ("dlr-denominator", "dlr-denominator", Hyper::NONE),
    ];
    let rival = |(label, name, fixed)| {
        let entry = Entry::find(name).expect("the optimizer is one of the list");
        Rival { label, entry, fixed }
    };
    all.map(rival).into()
}

/// Makes all runs.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn beyond(sweep: &Sweep, preset: Preset, scale: Scale) -> Result<Beyond> {
    let cells = sweep.each(&plan(scale), |(hidden, rival)| cell(sweep, preset, scale, *hidden, *rival))?;
    Ok(Beyond { preset, cells })
}

/// Makes those runs that are part of `shard`.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn part(sweep: &Sweep, preset: Preset, scale: Scale, shard: Shard) -> Result<()> {
    let plan = shard.of(&plan(scale));
    sweep.each(&plan, |(hidden, rival)| cell(sweep, preset, scale, *hidden, *rival)).map(drop)
}

fn plan(scale: Scale) -> Vec<(usize, Rival)> {
    let sizes = match scale {
        Scale::Full => &SIZES[..],
        Scale::Quick => &SIZES[1..],
    };
    sizes.iter().flat_map(|&hidden| rivals().into_iter().map(move |rival| (hidden, rival))).collect()
}

fn cell(sweep: &Sweep, preset: Preset, scale: Scale, hidden: usize, rival: Rival) -> Result<Cell> {
    let search = search(sweep, preset, scale, hidden, rival.entry, &rival.fixed)?;
    let hyper = search.best().map_or(rival.fixed, |best| best.hyper);
    let runs = if scale == Scale::Full { 10 } else { 3 };
    sweep.wants(runs as usize);
    let tried = Tried::make(sweep, preset, hidden, rival.entry, &hyper, runs)?;
    Ok(Cell { hidden, rival, search, tried })
}
