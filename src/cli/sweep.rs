//! `dlr sweep`: sweeps that outgrow one machine. Parts of them run as an array of Slurm jobs; their journals are joined.

use dlr::experiments::sweep::shard::Shard;
use std::env;

/// A part of a sweep by the words `I/N`, or `slurm` for what the array job says.
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    if text != "slurm" {
        return text.parse().map_err(|error| format!("{error}, or slurm"));
    }
    let number = |name: &str| -> Result<usize, String> {
        let text =
            env::var(name).map_err(|_| format!("{name} is not set, as it is in an array job of Slurm"))?;
        text.parse().map_err(|_| format!("{name} is {text:?}, not a number"))
    };
    let (id, least, count) =
        (number("SLURM_ARRAY_TASK_ID")?, number("SLURM_ARRAY_TASK_MIN")?, number("SLURM_ARRAY_TASK_COUNT")?);
    let step = if count > 1 { number("SLURM_ARRAY_TASK_STEP").unwrap_or(1).max(1) } else { 1 };
    let index = id.saturating_sub(least) / step;
    format!("{}/{count}", index + 1).parse().map_err(|_| format!("task {id} is none of the array's {count}"))
}
