//! What happens on a processor that lacks an instruction set which this program was built for: it ends as after any other
//! failure, by a line and an exit code.
//!
//! Whatever comes first may already use such an instruction, the standard library's own start among it, since link-time
//! optimization compiles that anew. So a function that the system calls when it has loaded the program, before that start, asks
//! the processor itself, and needs nothing but the system's C library to write the line and to end the process.

use super::exit::Code;
use dlr_kernels::simd;

/// The functions that the system calls before any other of this program.
#[used]
#[allow(unsafe_code)]
// SAFETY: the section holds pointers to functions, which are called without any arguments that matter here.
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static BEFORE_THE_START: extern "C" fn() = check;

extern "C" fn check() {
    if let Some(feature) = simd::missing() {
        refuse(feature);
    }
}

/// Says what is wrong, piece by piece: even to put a text together, vectors might be used.
#[cold]
#[inline(never)]
#[allow(unsafe_code)]
fn refuse(feature: &str) -> ! {
    // SAFETY: it changes what a signal does. Whoever has closed the pipe still gets the exit code.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let say = |text: &[u8]| {
        // SAFETY: so many bytes are there to be read.
        _ = unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    };
    say(b"dlr: error: this program was built for processors with ");
    say(feature.as_bytes());
    say(b", which this one lacks; build it on this machine, or with RUSTFLAGS=\"-C target-cpu=x86-64\"\n");
    // SAFETY: it ends the process at once. Nothing has been started that would have to be ended before.
    unsafe { libc::_exit(Code::Failed as i32) }
}
