//! The command line: arguments, progress, signals, exit codes. Everything else is in the library, and nothing there
//! imports this.

mod args;
mod compare;
mod data;
mod exit;
mod hyper;
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

use clap::Parser;
use dlr_kernels::simd;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let since = Instant::now();
    if let Some(feature) = simd::missing() {
        // Before anything else, since the next instruction may be one that this processor lacks.
        exit::complain(format_args!(
            "dlr: error: this program was built for processors with {feature}, which this one lacks; build it on this \
             machine, or with RUSTFLAGS=\"-C target-cpu=x86-64\""
        ));
        return exit::Code::Failed.into();
    }
    let args = match args::Cli::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    let done = match args.command {
        None => train::run(args.train, since),
        Some(args::Command::Profile(args)) => profile::run(args),
        Some(args::Command::Compare(args)) => compare::run(&args),
        Some(args::Command::Data(args)) => data::run(&args),
        Some(args::Command::Reproduce(args)) => reproduce::run(&args),
        Some(args::Command::Tune(args)) => tune::run(&args),
        Some(args::Command::Sweep(args)) => sweep::run(&args),
    };
    match done {
        Ok(code) => code.into(),
        Err(error) => {
            exit::complain(format_args!("dlr: error: {error}"));
            exit::Code::of(&error).into()
        }
    }
}
