//! Who does a run's work.

/// Whether the tests and batches of a run spread over threads, which decides nothing but the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One thread does it all: right where runs themselves are spread, a thread each.
    One,
    /// The threads of the current rayon pool share it.
    Pool,
}
