//! `dlr sweep`: sweeps that outgrow one machine. Parts of them run as an array of Slurm jobs; their journals are joined.

use super::args::whole;
use super::exit::{Code, print, warn};
use super::reproduce::{Figure, Presets};
use clap::{Args, Subcommand, ValueEnum};
use dlr::experiments::sweep::shard::{Shard, find_parts, join};
use dlr::{Error, Result, report, text};
use std::env;
use std::path::{Path, PathBuf};

/// Joins the parts of a sweep that was made on several machines, and prints scripts that make them
#[derive(Debug, Args)]
#[command(
    override_usage = "dlr sweep COMMAND",
    max_term_width = 110,
    disable_help_subcommand = true,
    arg_required_else_help = false
)]
pub(crate) struct Sweep {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join the journals of all parts in a folder, which have to be of one sweep, by one version, and agree
    #[command(override_usage = "dlr sweep merge DIR", max_term_width = 110)]
    Merge {
        /// Folder with the journals of the parts, the --out of `dlr reproduce --shard`
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    Slurm(Slurm),
}

/// Print a script for an array of Slurm jobs, each of which makes a part of a sweep: dlr sweep slurm fig1 | sbatch
#[derive(Debug, Args)]
#[command(override_usage = "dlr sweep slurm [OPTIONS] <FIGURE>", max_term_width = 110)]
struct Slurm {
    /// What to repeat, as in `dlr reproduce`
    #[arg(value_enum, value_name = "FIGURE")]
    figure: Figure,

    /// Whose settings, as in `dlr reproduce`
    #[arg(long, value_enum, value_name = "NAME", default_value = "authors")]
    preset: Presets,

    /// Fewer sizes, settings and runs
    #[arg(long)]
    quick: bool,

    /// Folder for journals, seen by all machines under this path; logs are written where the script is submitted
    #[arg(long, value_name = "DIR", default_value = "reproduced")]
    out: PathBuf,

    /// Parts, a job each
    #[arg(long, value_name = "N", value_parser = whole(1..=100_000), default_value = "16", allow_hyphen_values = true)]
    parts: u64,

    /// Runs at once in a job, a processor each
    #[arg(long, value_name = "N", value_parser = whole(1..=256), default_value = "2", allow_hyphen_values = true)]
    jobs: u64,

    /// The most minutes that a job may take; one that takes longer ends cleanly, and goes on when submitted again
    #[arg(long, value_name = "N", value_parser = whole(2..=100_000), default_value = "120", allow_hyphen_values = true)]
    minutes: u64,
}

pub(super) fn run(args: &Sweep) -> Result<Code> {
    match &args.command {
        Command::Merge { folder } => merge(folder),
        Command::Slurm(slurm) => print(&slurm.script()?).map(|()| Code::Done),
    }
}

fn merge(folder: &Path) -> Result<Code> {
    for (name, parts) in find_parts(folder)? {
        let whole = folder.join(format!("{name}.journal"));
        let count = parts.len();
        let joined = join(&parts, &whole)?;
        joined.warning.iter().for_each(|warning| warn(warning));
        let runs = report::summary::grouped(joined.len() as u64);
        print(&format!("{}: {runs} runs, joined from {count} parts\n", text::name(&whole)))?;
    }
    Ok(Code::Done)
}

impl Slurm {
    fn script(&self) -> Result<String> {
        self.figure.check_shared()?;
        let Self { parts, jobs, minutes, .. } = self;
        let program = env::current_exe().map_err(|source| Error::Resource {
            action: "find this program's own path",
            source,
            cure: "start it by its full path",
        })?;
        let (program, out) = (quoted(&program)?, quoted(&self.out)?);
        let name = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
            value().map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let figure = name(&|| self.figure.to_possible_value());
        let preset = name(&|| self.preset.to_possible_value());
        let quick = if self.quick { " --quick" } else { "" };
        let what = format!("{figure} --preset {preset}{quick} --out {out}");
        Ok(format!(
            "#!/bin/bash\n\
             #SBATCH --job-name=dlr-{figure}\n\
             #SBATCH --array=1-{parts}\n\
             #SBATCH --cpus-per-task={jobs}\n\
             #SBATCH --mem=1G\n\
             #SBATCH --time={minutes}\n\
             # A minute before its time is up, a job is told to stop; submitted again, it goes on from there. To submit\n\
             # some parts only: sbatch --array=2,5\n\
             #SBATCH --signal=B:TERM@60\n\
             #SBATCH --output=dlr-{figure}-%a.log\n\
             # When all jobs are done:\n\
             #   {program} sweep merge {out}\n\
             #   {program} reproduce {what}\n\
             exec {program} reproduce {what} --shard \"$SLURM_ARRAY_TASK_ID/{parts}\" --jobs {jobs}\n"
        ))
    }
}

/// A path as a word of the shell, which is not taken for an option.
pub(super) fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['\n', '\0']));
    let text = text.ok_or_else(|| Error::Settings {
        option: "--out",
        problem: format!("{path:?} cannot be written in a script"),
        cure: "give a path in UTF-8, without line breaks".into(),
    })?;
    let text = if text.starts_with('-') { &format!("./{text}") } else { text };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

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
    let (id, least) = (number("SLURM_ARRAY_TASK_ID")?, number("SLURM_ARRAY_TASK_MIN")?);
    let (most, count) = (number("SLURM_ARRAY_TASK_MAX")?, number("SLURM_ARRAY_TASK_COUNT")?);
    // When some tasks of an array are submitted again, these numbers no longer say how many parts there are.
    if least > 1 || !(least..=most).contains(&id) || most - least + 1 != count {
        return Err(format!(
            "the array has {count} of the tasks {least} to {most}, which are not parts 1 to N; submit all of them, or \
             give --shard I/N"
        ));
    }
    format!("{}/{count}", id - least + 1).parse()
}
