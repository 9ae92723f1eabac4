//! Ctrl-C and SIGTERM: the first asks the run to end and save, the second ends the program at once.

use super::exit::Code;
use dlr::{Error, Result};
use signal_hook::consts::{SIGBUS, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, low_level};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What is said of a cache file that is no longer there behind its map, which is all that this program maps.
const LOST: &str = "dlr: error: a page of memory is lost (SIGBUS): the cache file of the data was cut off, or cannot be read \
    any more, while it was in use; run the same command again, with DLR_CACHE set to a folder on a sound disk that nobody else clears";

/// Makes a file that may not grow any further (ulimit -f) an error of the write, like a full disk; not the end.
pub(crate) fn outlive_full_files() {
    _ = flag::register(SIGXFSZ, Arc::default()); // if not, the program ends there as it would have
}

/// Makes the loss of a cache file that is in use a failure like any other: the system tells of it by a signal.
pub(crate) fn watch_cache_file() -> Result<()> {
    tell_of_lost_pages().map_err(cannot_listen)
}

#[allow(unsafe_code)]
fn tell_of_lost_pages() -> io::Result<()> {
    // Its own handle, since the usual one has a lock.
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from).ok();
    let line = format!("{LOST}\n");
    let tell = move || {
        let _ = stderr.as_ref().map(|mut stderr| stderr.write_all(line.as_bytes()));
        low_level::exit(Code::BadData as i32)
    };
    // SAFETY: all that the action does is to write(2) and to _exit(2), which is allowed in a handler of signals.
    unsafe { low_level::register(SIGBUS, tell) }.map(drop)
}

fn cannot_listen(source: io::Error) -> Error {
    Error::Resource { action: "listen to signals", source, cure: "try fewer --threads, or free some memory" }
}

/// Which signal has come, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self> {
        Self::registered().map_err(cannot_listen)
    }

    fn registered() -> io::Result<Self> {
        let signals = Self::default();
        for (signal, code) in [(SIGINT, Code::Interrupted), (SIGTERM, Code::Terminated)] {
            let before = Arc::new(AtomicBool::new(false));
            // In this order: the first signal finds `before` unset, and sets it for the second.
            flag::register_conditional_shutdown(signal, code as i32, Arc::clone(&before))?;
            flag::register(signal, before)?;
            flag::register_usize(signal, Arc::clone(&signals.0), code as usize)?;
        }
        Ok(signals)
    }

    /// The exit code of the signal that has come.
    pub(crate) fn received(&self) -> Option<Code> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            code if code == Code::Interrupted as usize => Some(Code::Interrupted),
            _ => Some(Code::Terminated),
        }
    }
}
