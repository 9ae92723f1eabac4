//! The command line: arguments, progress, signals, exit codes. Everything else is in the library, and nothing there
//! imports this.

pub(crate) mod args;
mod compare;
pub(crate) mod config;
mod data;
mod evaluate;
mod exit;
mod hyper;
mod memory;
mod outputs;
mod pages;
mod predict;
#[cfg(all(unix, target_arch = "x86_64"))]
mod processor;
mod profile;
mod progress;
mod protocol;
mod reproduce;
mod signals;
mod source;
mod stage;
mod sweep;
mod train;
mod tune;
mod usage;
mod verify;

use args::Cli;
use clap::{CommandFactory as _, FromArgMatches as _};
use config::Refused;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let since = Instant::now();
    memory::watch_threads();
    signals::outlive_full_files();
    let done = match arguments() {
        Ok(Asked::Print(settings)) => exit::print(&settings).map(|()| exit::Code::Done),
        Ok(Asked::Do(args)) => dispatch(*args, since),
        Err(Refused::Usage(error)) => return exit::usage(&error, &command()),
        Err(Refused::Entry(problem)) => return exit::wrong(&problem),
        Err(Refused::Failed(error)) => Err(error),
    };
    match done {
        Ok(code) => code.into(),
        Err(error) => {
            exit::error(&error);
            exit::Code::of(&error).into()
        }
    }
}

/// What the command line asks for.
enum Asked {
    Do(Box<Cli>),
    Print(String),
}

/// What can be said on the command line, with what holds for all commands in each of them.
fn command() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The command line, completed by the settings file that it may name.
fn arguments() -> Result<Asked, Refused> {
    let mut command = command();
    let words = config::completed(&command, std::env::args_os().collect())?;
    let matches = command.try_get_matches_from_mut(words).map_err(Refused::Usage)?;
    let args = Cli::from_arg_matches(&matches).map_err(Refused::Usage)?;
    if args.config.print_config {
        let resolved = args.resolved().map_err(Refused::Failed)?;
        return Ok(Asked::Print(config::printed(&command, &matches, &resolved)));
    }
    Ok(Asked::Do(Box::new(args)))
}

fn dispatch(args: Cli, since: Instant) -> dlr::Result<exit::Code> {
    let files = outputs::Files::new(args.config.file.as_deref());
    match args.command {
        None => train::run(args.train, files, since),
        Some(args::Command::Profile(args)) => profile::run(args, files),
        Some(args::Command::Compare(args)) => compare::run(&args, files),
        Some(args::Command::Data(args)) => data::run(&args, files),
        Some(args::Command::Evaluate(args)) => evaluate::run(&args, files),
        Some(args::Command::Predict(args)) => predict::run(&args, files),
        Some(args::Command::Reproduce(args)) => reproduce::run(&args),
        Some(args::Command::Tune(args)) => tune::run(&args, files),
        Some(args::Command::Sweep(args)) => sweep::run(&args),
        Some(args::Command::Completions(args)) => pages::completions(&args),
        Some(args::Command::Man(args)) => pages::manual(&args),
        Some(args::Command::Verify(args)) => verify::run(&args),
    }
}
