//! Exit codes, as `dlr --help` documents them, and the way out through a closed pipe.

use super::usage;
use dlr::Error;
use dlr::text::readable;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Done = 0,
    Failed = 1,
    Usage = 2,
    TargetMissed = 3,
    BadData = 4,
    Diverged = 5,
    Slower = 6,
    Otherwise = 7,
    Interrupted = 130,
    Terminated = 143,
}

/// What `dlr --help` says of them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  failed while running: a result could not be written, or there was no memory
  2  usage: an unknown option or a value out of range; a debug build was asked for a profile
  3  the target was not reached, and --require-target was given
  4  a file or data set is missing, damaged, in use, or of something else
  5  diverged: the weights or their norm are no longer finite; nothing was saved.
     compare, tune and reproduce go on, and count it as a miss
  6  profile: slower than the baseline, and --fail-if-slower was given
  7  verify: a run came out otherwise than it was recorded
  130, 143  interrupted by Ctrl-C or SIGTERM, after saving; a sweep goes on from there";

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Code {
    /// The code for an error.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Settings { .. } => Self::Usage,
            Error::Data { .. } | Error::Read { .. } | Error::Checkpoint { .. } => Self::BadData,
            Error::Diverged { .. } => Self::Diverged,
            _ => Self::Failed,
        }
    }
}

/// Prints what clap has to say: help and version on stdout, mistakes on stderr, in one line.
pub(crate) fn usage(error: &clap::Error, command: &clap::Command) -> ExitCode {
    if error.use_stderr() {
        return wrong(&usage::line(error, command));
    }
    match print(&error.render().to_string()) {
        Ok(()) => Code::Done.into(),
        Err(error) => {
            complain(format_args!("dlr: error: {error}"));
            Code::Failed.into()
        }
    }
}

/// Complains of a mistake in the usage.
pub(crate) fn wrong(problem: &str) -> ExitCode {
    complain(format_args!("dlr: error: {}", readable(problem)));
    Code::Usage.into()
}

/// Writes a result to stdout. A reader that has seen enough and closed the pipe is no error.
pub(crate) fn print(text: &str) -> dlr::Result<()> {
    is_read(text).map(drop)
}

/// The same, and tells whether the pipe is still open.
pub(crate) fn is_read(text: &str) -> dlr::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(source) => Err(Error::Write {
            path: PathBuf::from("standard output"),
            source,
            cure: "send it to a place that takes it",
        }),
    }
}

/// Writes a line to stderr, if anybody is there to read it.
pub(crate) fn complain(line: std::fmt::Arguments) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes an error to stderr, on one line whatever the files are called.
pub(crate) fn error(error: &Error) {
    complain(format_args!("dlr: error: {}", readable(&error.to_string())));
}

/// Writes a warning to stderr, on one line whatever the files are called and say of themselves.
pub(crate) fn warn(text: &str) {
    complain(format_args!("dlr: warning: {}", readable(text)));
}
