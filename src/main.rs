//! The `dlr` program.

mod cli;

use dlr_kernels::simd;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else, since any code that was compiled for this program may use an instruction that this processor
    // lacks. The standard library was compiled for all processors, unless link-time optimization does it anew: then
    // an older processor may not come so far.
    match simd::missing() {
        Some(feature) => refuse(feature),
        None => run(),
    }
}

/// Nothing of this may go into `main`.
#[inline(never)]
fn run() -> ExitCode {
    cli::run()
}

/// Says what is wrong, piece by piece: even to put a text together, vectors might be used.
#[cold]
#[inline(never)]
fn refuse(feature: &str) -> ExitCode {
    let mut out = std::io::stderr();
    // Whoever cannot be told still gets the exit code.
    let _ = out.write_all(b"dlr: error: this program was built for processors with ");
    let _ = out.write_all(feature.as_bytes());
    let _ = out.write_all(
        b", which this one lacks; build it on this machine, or with RUSTFLAGS=\"-C target-cpu=x86-64\"\n",
    );
    ExitCode::FAILURE
}
