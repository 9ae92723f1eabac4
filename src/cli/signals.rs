//! Ctrl-C and SIGTERM: the first asks the run to end and save, the second ends the program at once.

use super::exit::Code;
use dlr::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Which signal has come, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self> {
        Self::registered().map_err(|source| Error::Resource {
            action: "listen to signals",
            source,
            cure: "try fewer --threads, or free some memory",
        })
    }

    fn registered() -> io::Result<Self> {
        // A file that may not grow any further (ulimit -f) is an error of the write, like a full disk; not the end.
        flag::register(SIGXFSZ, Arc::default())?;
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
