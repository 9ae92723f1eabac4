//! Claims about every reader of files, whatever is in them: bytes that are no such file are refused, each in its own words,
//! and what is accepted is what a plain reader reads.

mod baselines;
mod checkpoints;
mod checks;
mod journals;
mod memory;
mod models;
mod naive;
mod pictures;
mod prepared;
mod promises;
mod records;
mod refused;
mod replay;
mod samples;
mod scarce;
mod sweeps;
