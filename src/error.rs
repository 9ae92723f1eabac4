//! The crate's one error type: every variant names the file or option, what is wrong, and what to do about it.

use crate::text::{name, readable};
use std::io;
use std::path::{Path, PathBuf};

/// Everything that can go wrong outside the kernels. Displays as one line: where, what, and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data set or model file is missing, damaged, or not what was asked for.
    #[error("{}: {}; {}", name(path), readable(problem), readable(cure))]
    Data {
        /// The file or folder at fault.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
        /// What the user can do.
        cure: String,
    },

    /// An array that was to become part of a data set is not what it should be.
    #[error("{array}: {}; {cure}", readable(problem))]
    Arrays {
        /// Which of them.
        array: &'static str,
        /// What was expected and what was found.
        problem: String,
        /// What the caller can do.
        cure: &'static str,
    },

    /// A file can't be read.
    #[error("cannot read {}: {source}; {cure}", name(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
        /// What the user can do.
        cure: &'static str,
    },

    /// A result can't be written.
    #[error("cannot write {}: {source}; {cure}", name(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
        /// What the user can do.
        cure: &'static str,
    },

    /// The system has no more of something for this process.
    #[error("cannot {action}: {source}; {cure}")]
    Resource {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
        /// What the user can do.
        cure: &'static str,
    },

    /// A setting, or a combination of settings, that makes no sense.
    #[error("{option}: {}; {}", readable(problem), readable(cure))]
    Settings {
        /// The option as the user types it.
        option: &'static str,
        /// What is wrong with its value.
        problem: String,
        /// A value that would do.
        cure: String,
    },

    /// The parts of a checkpoint don't belong together, or to the data.
    #[error(
        "a checkpoint that nothing goes on from: {}; take one as it was written, and the data it is of",
        readable(problem)
    )]
    Checkpoint {
        /// What does not fit.
        problem: String,
    },

    /// The user ended it before it was complete.
    #[error("interrupted; what was finished is kept, and the same command goes on from there")]
    Interrupted,

    /// The weights, or the sum of their squares, are no longer finite.
    #[error("{optimizer} diverged with seed {seed}: weights without bound at {images} images; lower {cure}")]
    Diverged {
        /// The optimizer's name.
        optimizer: &'static str,
        /// The run's seed.
        seed: u64,
        /// Images trained on when it was seen (weights are checked at every test).
        images: u64,
        /// The option to lower.
        cure: &'static str,
    },
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with JSON that is one line of a file, whose number the caller tells.
pub(crate) fn of_json(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

impl Error {
    /// A data error about `path`.
    pub(crate) fn data(path: &Path, problem: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::Data { path: path.to_owned(), problem: problem.into(), cure: cure.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_remains_one_whatever_the_file_is_called_and_says_of_itself() {
        let path = Path::new("two\nlines");
        let error = Error::data(path, "a\tb", "c\nd");
        assert_eq!(error.to_string(), r"two\nlines: a\tb; c\nd");
        let (path, source) = (path.to_owned(), || io::Error::other("why"));
        let read = Error::Read { path: path.clone(), source: source(), cure: "c" };
        assert_eq!(read.to_string(), r"cannot read two\nlines: why; c");
        let write = Error::Write { path, source: source(), cure: "c" };
        assert_eq!(write.to_string(), r"cannot write two\nlines: why; c");
    }
}
